"""Logits and sentence vectors of many units against each unit alone, in fp32 and in bf16."""

import numpy as np
import pytest
import torch

from stilts_repro.data.features import Features, collate
from stilts_repro.evaluation import predict as predicting
from stilts_repro.evaluation.predict import embed, predict
from stilts_repro.models import attention
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel, mean_pooled
from stilts_repro.tasks.tables import TRAINING_SETS
from stilts_repro.training.arithmetic import PRECISION

PAD = 1
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


def in_bf16(model, monkeypatch):
    monkeypatch.setenv(PRECISION, "bf16")
    assert attention.use(model.backbone, bf16=True) == "sdpa_fp32"


@torch.no_grad()
@pytest.mark.parametrize("task", GROUPS)
def test_logits_are_those_of_each_unit_alone(model, task, monkeypatch):
    features = features_of(GROUPS[task])
    found = predict(model, task, features, PAD)
    for logits, batch in zip(found, alone(features), strict=True):
        expected = model(task, batch)[0].numpy()
        np.testing.assert_allclose(logits[: len(expected)], expected, atol=1e-5)
        if task == "squad_v1":
            assert np.isneginf(logits[len(expected) :]).all()
    in_bf16(model, monkeypatch)
    rounded = predict(model, task, features, PAD)
    assert rounded.dtype == found.dtype == np.float32
    assert not np.array_equal(rounded, found)
    np.testing.assert_allclose(rounded, found, atol=0.02)


@torch.no_grad()
def test_sentence_vectors_are_those_of_each_alone(model, monkeypatch):
    features = features_of()
    found = embed(model.backbone, features, PAD, LAYERS)
    each = [mean_pooled(model.backbone, batch, LAYERS) for batch in alone(features)]
    torch.testing.assert_close(found, torch.cat(each, dim=1), rtol=0, atol=1e-5)
    in_bf16(model, monkeypatch)
    rounded = embed(model.backbone, features, PAD, LAYERS)
    torch.testing.assert_close(rounded, found, rtol=0, atol=0.05)
    assert not torch.equal(rounded, found)
    # The mean itself has more digits than bf16.
    assert not torch.equal(rounded, rounded.bfloat16().float())
