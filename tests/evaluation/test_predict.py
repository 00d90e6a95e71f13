"""Logits and sentence vectors of many units against each unit alone, in fp32 and in bf16."""

import numpy as np
import pytest
import torch

from stilts_repro.data.features import Features, collate
from stilts_repro.evaluation import predict as predicting
from stilts_repro.evaluation.predict import embed, predict
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel, mean_pooled
from stilts_repro.tasks.training_sets import TRAINING_SETS

PAD = 1
FP32, BF16 = Machine(), Machine(precision="bf16")
LENGTHS = (9, 1, 30, 3, 12, 2, 2, 21)
GROUPS = {"mnli": 1, "hellaswag": 4, "panx_en": 1, "squad_v1": 1}
FORMATS = {name: TRAINING_SETS[name].format for name in GROUPS}
LAYERS = [0, 1, 2]


@pytest.fixture
def model(tiny_model, monkeypatch):
    monkeypatch.setattr(predicting, "BUDGET", {"cpu": 40})  # several batches
    return MultiTaskModel.fresh(load_backbone(str(tiny_model), 0), FORMATS, 0).eval()


def features_of(group=1):
    rng = np.random.default_rng(0)
    return Features.of([rng.integers(5, 100, n) for n in LENGTHS], group=group)


def alone(features):
    """Yield each unit as a batch of its own."""
    for unit in range(len(features)):
        yield collate(features, np.array([unit]), PAD)


@torch.no_grad()
@pytest.mark.parametrize("task", GROUPS)
def test_logits_are_those_of_each_unit_alone(model, task):
    features = features_of(GROUPS[task])
    found = predict(model, task, features, PAD, FP32)
    for logits, batch in zip(found, alone(features), strict=True):
        expected = model(task, batch)[0].numpy()
        np.testing.assert_allclose(logits[: len(expected)], expected, atol=1e-5)
        if task == "squad_v1":
            assert np.isneginf(logits[len(expected) :]).all()
    assert attention.use(model.backbone, BF16) == "sdpa_fp32"
    rounded = predict(model, task, features, PAD, BF16)
    assert rounded.dtype == found.dtype == np.float32
    assert not np.array_equal(rounded, found)
    np.testing.assert_allclose(rounded, found, atol=0.02)


@torch.no_grad()
def test_sentence_vectors_are_those_of_each_alone(model):
    features = features_of()
    found = embed(model.backbone, features, PAD, LAYERS, FP32)
    each = [mean_pooled(model.backbone, batch, LAYERS) for batch in alone(features)]
    torch.testing.assert_close(found, torch.cat(each, dim=1), rtol=0, atol=1e-5)
    assert attention.use(model.backbone, BF16) == "sdpa_fp32"
    rounded = embed(model.backbone, features, PAD, LAYERS, BF16)
    torch.testing.assert_close(rounded, found, rtol=0, atol=0.05)
    assert not torch.equal(rounded, found)
    # The mean itself has more digits than bf16.
    assert not torch.equal(rounded, rounded.bfloat16().float())


class Memory:
    """Room for what is read, but for the calls that are named."""

    def __init__(self, *refused):
        self.refused, self.read = refused, []

    def __call__(self, backbone, batch):
        self.read.append(len(batch.input_ids))
        if len(self.read) in self.refused:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return attention.ready(backbone, batch)


@pytest.mark.parametrize("task", ["mnli", "squad_v1"])
def test_what_is_too_much_for_the_memory_is_read_in_halves(model, task, monkeypatch):
    features = features_of()
    expected = predict(model, task, features, PAD, FP32)
    monkeypatch.setattr(predicting, "BUDGET", {"cpu": 1000})  # all of it at once
    memory = Memory(1, 3)
    monkeypatch.setattr(predicting, "ready", memory)
    found = predict(model, task, features, PAD, FP32)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert memory.read == [8, 4, 4, 2, 2]


def test_what_three_halvings_would_help_is_raised(model, monkeypatch):
    memory = Memory(1, 2, 3)
    monkeypatch.setattr(predicting, "ready", memory)
    with pytest.raises(torch.OutOfMemoryError):
        embed(model.backbone, features_of(), PAD, LAYERS, FP32)
    assert len(memory.read) == 3


@pytest.mark.parametrize("task", GROUPS)
def test_a_unit_whose_output_is_not_finite_is_no_number(model, task):
    features = features_of(GROUPS[task])
    sound = predict(model, task, features, PAD, FP32)
    with torch.no_grad():  # a token that one unit alone has
        token = int(features.ids[-1])
        alone = [u for u in range(len(features)) if token in ids_of(features, u)]
        assert 0 < len(alone) < len(features)
        model.backbone.get_input_embeddings().weight[token] = torch.nan
    broken = predict(model, task, features, PAD, FP32)
    assert np.isnan(broken[alone].reshape(len(alone), -1)[:, 0]).all()
    kept = [u for u in range(len(features)) if u not in alone]
    np.testing.assert_allclose(broken[kept], sound[kept], atol=1e-5)


def ids_of(features, unit):
    low, high = features.offsets[[unit * features.group, (unit + 1) * features.group]]
    return features.ids[low:high]
