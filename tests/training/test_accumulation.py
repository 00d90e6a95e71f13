"""A step in parts against the step at once; and that a step on a GPU is never waited for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stilts_repro.data.features import TOKEN_PADDING, Features, collate
from stilts_repro.experiments.conditions import MLM
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.masked import Masking, load_masked_head, masked_batch
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.loop import TrainingTask, backward, train
from stilts_repro.training.optimiser import Recipe, make_optimiser

PAD = 1
GROUPS = {"mnli": 1, "hellaswag": 4, "panx_en": 1, "squad_v1": 1, "squad_v1_pairs": 2, MLM: 1}
FORMATS = {name: TRAINING_SETS[name].format for name in GROUPS if name != MLM}
LENGTHS = (9, 5, 12, 3, 30, 4, 4, 2)


def features_of(lengths, group):
    rng = np.random.default_rng(0)
    ids = [[0, *rng.integers(5, 100, n - 2), 2] for n in lengths]
    count = len(ids) // group
    # Few words in some sequences and none in others: the parts' own means would weigh them wrongly.
    labels = [np.where(rng.random(n) < 0.5 * (n > 4), 3, TOKEN_PADDING) for n in lengths]
    labels[0][1] = 3
    return Features.of(
        ids,
        group=group,
        token={"label": labels},
        unit={
            "label": rng.integers(0, 3, count),
            "start": rng.integers(0, 2, count),
            "end": rng.integers(0, 2, count),
        },
    )


def batch_of(task, tokenizer):
    # Three blocks of pairs, each of which is told from those of its block alone.
    features = features_of(LENGTHS * (3 if task == "squad_v1_pairs" else 1), GROUPS[task])
    batch = collate(features, np.arange(len(features)), PAD)
    if task != MLM:
        return batch
    return masked_batch(batch, Masking.of(tokenizer, 0.5), torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def made(masked_lm):
    """A model without dropout, on padded or packed batches."""

    def make(packed=False):
        model = MultiTaskModel.fresh(load_backbone(str(masked_lm), 0), FORMATS, seed=3)
        model.heads[MLM] = load_masked_head(str(masked_lm), model.backbone)
        if packed:
            attention.use(model.backbone, Machine(attention="block"))
        return model.eval()

    return make


def gradients(model, task, batch, budget):
    model.zero_grad()
    loss = backward(model, task, batch, Machine(tokens=budget))
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return found | {"loss": loss}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("task", GROUPS)
def test_parts_give_the_gradients_of_the_whole(made, tokenizer, task, packed):
    model, batch = made(packed), batch_of(task, tokenizer)
    whole = gradients(model, task, batch, None)

    @settings(max_examples=6, deadline=None)
    @example(1)  # a unit at a time
    @given(st.integers(1, sum(LENGTHS) - 1))
    def check(budget):
        parts = gradients(model, task, batch, budget)
        assert parts.keys() == whole.keys()
        for name, gradient in parts.items():
            torch.testing.assert_close(gradient, whole[name], rtol=0, atol=1e-5, msg=name)

    check()


@pytest.mark.parametrize("task", ["panx_en", MLM])
def test_the_mean_of_the_parts_means_is_something_else(made, tokenizer, task):
    """Guard: with examples per part equal, a wrong divisor would pass the test above."""
    model, batch = made(), batch_of(task, tokenizer)
    whole = backward(model, task, batch, Machine())
    alone = []
    for low in range(0, len(LENGTHS), 2):
        features = features_of(LENGTHS, 1)
        part = collate(features, np.arange(low, low + 2), PAD)
        if task == MLM:
            part = masked_batch(part, Masking.of(tokenizer, 0.5), torch.Generator().manual_seed(1))
        if model.head(task).examples(part):
            alone.append(backward(model, task, part, Machine()).item())
    assert abs(np.mean(alone) - whole.item()) > 1e-3


@pytest.mark.parametrize("task", GROUPS)
def test_examples_are_counted_on_the_host(made, tokenizer, task):
    batch = batch_of(task, tokenizer)
    expected = {
        "panx_en": int((batch.token["label"] != TOKEN_PADDING).sum()),
        MLM: int((batch.token["label"] != TOKEN_PADDING).sum()),
    }.get(task, len(batch.units))
    assert made().head(task).examples(batch) == expected


def test_a_batch_without_a_masked_token_has_no_loss(made, tokenizer):
    batch = batch_of("mnli", tokenizer)
    none = masked_batch(batch, Masking.of(tokenizer, 0.0), torch.Generator())
    assert backward(made(), MLM, none, Machine()).item() == 0
    assert backward(made(), MLM, none, Machine(tokens=10)).item() == 0


def with_dropout(model, share):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
    return model


@pytest.mark.parametrize("task", ["mnli", MLM])
def test_trainings_are_the_same_padded_packed_and_cut(made, tokenizer, task):
    """Orders and masks hang on the seed alone, so whole trainings can be compared."""
    masking = Masking.of(tokenizer, 0.5) if task == MLM else None
    held = {task: TrainingTask(features_of(LENGTHS * 4, 1), Recipe(1e-3, 8, 3), masking)}

    def log(packed, tokens):
        machine = Machine(tokens=tokens)
        return train(with_dropout(made(packed), 0.0), held, PAD, 0, "test", machine)

    whole, packed, parts = log(False, 999), log(True, 999), log(True, 30)
    assert whole.tokens == packed.tokens == parts.tokens == 3 * 4 * sum(LENGTHS)
    np.testing.assert_allclose(packed.losses, whole.losses, atol=1e-4)
    np.testing.assert_allclose(parts.losses, whole.losses, atol=1e-4)
    assert len(set(whole.losses)) == whole.steps == 12


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("dropout", [0.0, 0.1])  # attention goes through another function each
@pytest.mark.parametrize("budget", [None, 30])
@pytest.mark.parametrize("task", GROUPS)
def test_a_step_on_a_gpu_is_never_waited_for(made, tokenizer, task, budget, dropout):
    machine = Machine("cuda", "bf16", tokens=budget)  # that the kernels compute in
    model = with_dropout(made(), dropout).to("cuda").train()
    if attention.use(model.backbone, machine) == "sdpa":
        pytest.skip("this GPU reads padded batches, for which transformers looks at the mask")
    batch, optimiser = batch_of(task, tokenizer), make_optimiser(model, Recipe())

    def step():
        """Do what the loop does with a batch."""
        backward(model, task, replace(batch), machine)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    step()  # kernels are loaded, memory is pinned
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
