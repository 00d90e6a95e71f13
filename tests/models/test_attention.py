"""Packed rows against padded batches, by the explicit block mask and by a stand-in for the kernel.

In double precision, so that a leak between sequences cannot hide behind rounding.
"""

import inspect
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.attention import varlen

from stilts_repro.data.features import SEGMENT, TOKEN_PADDING, Chosen, Features, collate
from stilts_repro.data.packing import Packed
from stilts_repro.experiments.conditions import MLM
from stilts_repro.models import attention, kernels
from stilts_repro.models.attention import NAMES, PACKS
from stilts_repro.models.checkpoints import save_target
from stilts_repro.models.families import run
from stilts_repro.models.masked import load_masked_head
from stilts_repro.models.multitask import mean_pooled

START, PAD, END = 0, 1, 2
GROUPS = {"nli": 1, "choice": 2, "tags": 1, "spans": 1}
LONGEST = 62  # that a tiny XLM-R's 64 positions hold, two of them below the first
CLOSE = {"rtol": 0, "atol": 1e-9}
LENGTHS = (9, 1, 12, 3, 62, 2)


def batch_of(lengths, group=1, seed=0, pad=PAD):
    """Return a padded batch with every label, some places of it to be predicted."""
    rng = np.random.default_rng(seed)
    ids = [[START, *rng.integers(5, 100, max(0, n - 2)), *[END] * (n > 1)] for n in lengths]
    count = len(ids) // group
    shortest = [min(lengths[i : i + group]) for i in range(0, len(lengths), group)]
    labels = [rng.choice([TOKEN_PADDING, 0, 1, 2, 3], n) for n in lengths]
    labels[0][0] = 2  # a batch without any label has no loss
    features = Features.of(
        ids,
        group=group,
        token={"label": labels, SEGMENT: [rng.integers(0, 2, n) for n in lengths]},
        unit={
            "label": rng.integers(0, 2, count),
            "start": rng.integers(0, shortest),
            "end": rng.integers(0, shortest),
        },
    )
    batch = collate(features, np.arange(count), pad)
    object.__setattr__(batch, "chosen", Chosen.of(batch.token["label"]))
    return batch


def put_on(model, name):
    attention._register()
    model.backbone.set_attn_implementation(NAMES[name])
    return model


@pytest.fixture(scope="module")
def model_on(started, masked_lm):
    """Return a model of a type on a back end: of one type, all have the same weights."""

    @cache
    def make(kind, name):
        model = started(kind)
        if kind == "xlm-roberta":
            model.heads[MLM] = load_masked_head(str(masked_lm), model.backbone).eval()
        return put_on(model.double(), name)

    return make


def gradients(model, task, batch, over=None):
    loss = model.loss(task, attention.ready(model.backbone, batch), over)
    held = dict(model.named_parameters())
    found = torch.autograd.grad(loss, list(held.values()), allow_unused=True)
    return {k: g for k, g in zip(held, found, strict=True) if g is not None} | {"loss": loss}


def same(model, other, task, batch):
    """Assert that both models give equal logits, loss and gradients."""
    logits, expected = (m(task, attention.ready(m.backbone, batch)) for m in (model, other))
    if task == "tags":  # what is said of padding is nobody's business
        real = batch.attention_mask.bool()
        logits, expected = logits[real], expected[real]
    torch.testing.assert_close(logits, expected, **CLOSE)
    found, wanted = gradients(model, task, batch), gradients(other, task, batch)
    assert found.keys() == wanted.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, wanted[name], **CLOSE, msg=name)


lengths_of = st.lists(st.integers(1, LONGEST), min_size=2, max_size=8).map(
    lambda found: found[: len(found) // 2 * 2]
)


@pytest.mark.parametrize("task", GROUPS)
@pytest.mark.parametrize("kind", PACKS)
def test_packed_is_padded(model_on, kind, task):
    packed, padded = model_on(kind, "block"), model_on(kind, "sdpa")

    @settings(max_examples=5, deadline=None)
    @example([1, 1], 0)
    @example([LONGEST, 1, LONGEST, LONGEST], 1)
    @given(lengths_of, st.integers(0, 99))
    def check(lengths, seed):
        same(packed, padded, task, batch_of(lengths, GROUPS[task], seed))

    check()


@settings(max_examples=15, deadline=None)
@example([1, LONGEST], 0)
@given(lengths=lengths_of, seed=st.integers(0, 99))
def test_packed_is_padded_for_masked_tokens(model_on, lengths, seed):
    batch = batch_of(lengths, seed=seed)
    same(model_on("xlm-roberta", "block"), model_on("xlm-roberta", "sdpa"), MLM, batch)


@torch.no_grad()
@pytest.mark.parametrize("kind", PACKS)
def test_packed_is_padded_for_sentence_vectors(model_on, kind):
    found = []
    for name in ("block", "sdpa"):
        backbone = model_on(kind, name).backbone
        found.append(mean_pooled(backbone, attention.ready(backbone, batch_of(LENGTHS)), range(3)))
    assert found[0].shape == (3, len(LENGTHS), 32)
    torch.testing.assert_close(*found, **CLOSE)


@torch.no_grad()
def test_a_packed_row_without_the_mask_would_not_be(model_on):
    """Guard: transformers' own path for packed rows leaks, and the tests here would see it."""
    padded, packed = model_on("xlm-roberta", "sdpa"), model_on("xlm-roberta", "block")
    batch = batch_of(LENGTHS)
    row = attention.ready(packed.backbone, batch)
    leaky = padded.backbone(row.input_ids, position_ids=row.position_ids).last_hidden_state
    right = run(padded.backbone, batch, "token").last_hidden_state
    real = batch.attention_mask.bool()
    assert (row.spread(leaky)[real] - right[real]).abs().max() > 1e-3


@torch.no_grad()
def test_positions_start_behind_the_padding_token_in_every_sequence(model_on):
    row = attention.ready(model_on("xlm-roberta", "block").backbone, batch_of(LENGTHS))
    assert row.position_ids.tolist() == [[PAD + 1 + p for n in LENGTHS for p in range(n)]]
    row = attention.ready(model_on("bert", "block").backbone, batch_of(LENGTHS))
    assert row.position_ids.tolist() == [[p for n in LENGTHS for p in range(n)]]


def test_a_padding_token_in_a_text_is_counted_as_the_model_counts(model_on):
    batch = batch_of((6, 9))
    batch.input_ids[1, 3] = PAD
    same(model_on("xlm-roberta", "block"), model_on("xlm-roberta", "sdpa"), "nli", batch)


# The kernel ---------------------------------------------------------------------------------------


def plain_kernel(query, key, value, offsets, longest, *, dropout, scale, causal):
    """One sequence at a time, in the precision that comes."""
    assert not dropout
    assert longest == offsets.diff().max()
    groups = query.shape[1] // key.shape[1]
    key, value = (side.repeat_interleave(groups, dim=1) for side in (key, value))
    found = []
    for low, high in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        q, k, v = (side[low:high].transpose(0, 1) for side in (query, key, value))
        scores = q @ k.mT * scale
        if causal:
            above = torch.ones(high - low, high - low).triu(1).bool()
            scores = scores.masked_fill(above, float("-inf"))
        found.append((scores.softmax(-1) @ v).transpose(0, 1))
    return torch.cat(found)


@pytest.mark.parametrize("task", GROUPS)
@pytest.mark.parametrize("kind", PACKS)
def test_every_layer_gives_the_kernel_what_it_needs(model_on, monkeypatch, kind, task):
    monkeypatch.setattr(kernels, "varlen_kernel", plain_kernel)
    batch = batch_of(LENGTHS, GROUPS[task], seed=4)
    same(model_on(kind, "varlen"), model_on(kind, "sdpa"), task, batch)


def called(monkeypatch, heads=(2, 2), **options):
    """Return which of torch's two functions `varlen_kernel` calls, and with what."""
    calls = []

    def spy(name, result):
        return lambda *given, **named: calls.append((name, given, named)) or result

    monkeypatch.setattr(varlen, "varlen_attn", spy("public", 1))
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", spy("below", (2, None)))
    query, key = (torch.ones(3, n, 16) for n in heads)
    offsets = torch.tensor([0, 1, 3], dtype=torch.int32)
    usual = {"dropout": 0.0, "scale": 0.25, "causal": False}
    kernels.varlen_kernel(query, key, key, offsets, 2, **usual | options)
    (found,) = calls
    assert {side.dtype for side in found[1][:3]} == {torch.bfloat16}
    return found


def test_plain_attention_is_torchs_public_function(monkeypatch):
    name, given, named = called(monkeypatch)
    assert (name, len(given), named) == ("public", 7, {})


@pytest.mark.parametrize(
    "options", [{"dropout": 0.1}, {"scale": 0.5}, {"causal": True}, {"heads": (4, 2)}]
)
def test_what_the_public_function_lacks_goes_to_the_operation_below(monkeypatch, options):
    name, given, named = called(monkeypatch, **options)
    assert name == "below"
    assert given[7:] == (options.get("dropout", 0.0), options.get("causal", False), False)
    assert named == {"scale": options.get("scale", 0.25)}


def test_torch_still_has_both_as_they_are_called():
    public = list(inspect.signature(varlen.varlen_attn).parameters)
    assert public[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
    below = torch.ops.aten._flash_attention_forward.default._schema.arguments
    names = [argument.name for argument in below]
    assert [name.replace("cum_", "cu_") for name in names[:7]] == public[:7]
    assert names[7:11] == ["dropout_p", "is_causal", "return_debug_mask", "scale"]


# In use -------------------------------------------------------------------------------------------


def test_padding_for_a_packed_back_end_is_refused(model_on):
    batch = batch_of((5, 3))
    for name in ("block", "varlen"):
        backbone = model_on("xlm-roberta", name).backbone
        with pytest.raises(ValueError, match=f"a Batch batch for back end {name}"):
            run(backbone, batch, "token")
        with pytest.raises(ValueError, match="a padded batch for a back end that reads packed"):
            backbone(batch.input_ids, batch.attention_mask)


def test_a_packed_row_for_a_padded_back_end_is_refused(model_on):
    row = attention.ready(model_on("xlm-roberta", "block").backbone, batch_of((5, 3)))
    assert isinstance(row, Packed)
    with pytest.raises(ValueError, match="a Packed batch for back end sdpa"):
        run(model_on("xlm-roberta", "sdpa").backbone, row, "token")


def test_a_model_on_a_packed_back_end_is_saved_like_any(started, tokenizer, tmp_path):
    for name in ("sdpa", "block"):
        model = put_on(started("xlm-roberta"), name)
        save_target(model, "nli", tmp_path / name, tokenizer)
        assert attention.backend(model.backbone) == name
    for file in (tmp_path / "sdpa").iterdir():
        assert file.read_bytes() == (tmp_path / "block" / file.name).read_bytes(), file.name
