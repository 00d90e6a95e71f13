import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.data.batches import evaluation_batches, filled
from stilts_repro.data.features import SEGMENT, TOKEN_PADDING, Chosen, Features, collate
from stilts_repro.data.packing import cut, pack

PAD = 1


def features_of(lengths, group=1):
    ids = np.arange(sum(lengths)) + 10
    sequences = np.split(ids, np.cumsum(lengths)[:-1])
    return Features.of(
        sequences,
        group=group,
        token={
            "label": [np.where(s % 3 == 0, s + 1000, TOKEN_PADDING) for s in sequences],
            SEGMENT: [s % 2 for s in sequences],
        },
        unit={"label": range(len(lengths) // group)},
    )


def batch_of(lengths, group=1, *, masked=False):
    features = features_of(lengths, group)
    batch = collate(features, np.arange(len(features)), PAD)
    if masked:
        object.__setattr__(batch, "chosen", Chosen.of(batch.token["label"]))
    return batch


def positions(batch):
    return torch.arange(batch.input_ids.shape[1]).expand_as(batch.input_ids)


@st.composite
def lengths_of(draw, group=1):
    units = draw(st.integers(1, 12))
    return draw(st.lists(st.integers(1, 9), min_size=units * group, max_size=units * group))


@settings(max_examples=60, deadline=None)
@given(lengths_of())
def test_a_packed_row_holds_each_sequence_once_in_order(lengths):
    batch = batch_of(lengths, masked=True)
    packed = pack(batch, positions(batch))
    assert packed.input_ids.tolist() == [list(range(10, 10 + sum(lengths)))]
    assert packed.position_ids.tolist() == [[p for n in lengths for p in range(n)]]
    assert packed.offsets.dtype == torch.int32
    assert packed.offsets.tolist() == np.cumsum([0, *lengths]).tolist()
    assert packed.longest == max(lengths)
    assert packed.rows().tolist() == np.repeat(range(len(lengths)), lengths).tolist()
    assert packed.tokens == batch.tokens == sum(lengths)


@settings(max_examples=60, deadline=None)
@given(lengths_of())
def test_what_is_said_of_tokens_goes_back_to_their_places(lengths):
    batch = batch_of(lengths, masked=True)
    packed = pack(batch, positions(batch))
    real = batch.attention_mask.bool()
    spread = packed.spread(packed.input_ids)
    assert torch.equal(spread, torch.where(real, batch.input_ids, 0))
    states = torch.stack([packed.input_ids, -packed.input_ids], dim=-1)
    assert torch.equal(packed.spread(states)[real], torch.stack([spread, -spread], -1)[real])
    last = batch.attention_mask.sum(1) - 1
    wanted = batch.input_ids[torch.arange(len(lengths)), last]
    assert torch.equal(packed.at(states, last)[:, 0], wanted)
    assert torch.equal(batch.at(batch.input_ids.unsqueeze(-1), last)[:, 0], wanted)
    for form in (batch, packed, *cut(batch, 20)):
        column = form.laid(form.token[SEGMENT])
        assert column.shape == form.input_ids.shape
        assert torch.equal(column, torch.where(form.input_ids == PAD, 0, form.input_ids % 2))
    # The labels tell the ids, and so whether the places are right in both layouts.
    for form in (batch, packed):
        found = form.input_ids.flatten()[form.chosen.places]
        assert torch.equal(found + 1000, form.chosen.gold)
    assert len(packed.chosen.gold) == int((batch.token["label"] != TOKEN_PADDING).sum())


@settings(max_examples=60, deadline=None)
@given(lengths_of(group=2), st.integers(1, 60))
def test_parts_hold_the_whole_units_within_the_budget(lengths, budget):
    batch = batch_of(lengths, group=2, masked=True)
    parts = cut(batch, budget)
    assert np.concatenate([part.units for part in parts]).tolist() == batch.units.tolist()
    for part in parts:
        assert part.tokens <= budget or len(part.units) == 1
        assert len(part.input_ids) == 2 * len(part.units)
        assert part.attention_mask.any(dim=0).all()  # no column of padding alone
        assert torch.equal(part.unit["label"], batch.unit["label"][part.units])
        assert torch.equal(part.input_ids.flatten()[part.chosen.places] + 1000, part.chosen.gold)
    told = [part.input_ids[part.attention_mask.bool()] for part in parts]
    assert torch.equal(torch.cat(told), batch.input_ids[batch.attention_mask.bool()])
    told = [part.chosen.gold for part in parts]
    assert torch.equal(torch.cat(told), batch.chosen.gold)


def test_parts_are_as_few_as_the_order_allows():
    tokens = [part.tokens for part in cut(batch_of([3, 3, 4, 1, 9, 2, 2]), 7)]
    assert tokens == [6, 5, 9, 4]


@pytest.mark.parametrize("budget", [None, 10, 11])
def test_within_the_budget_a_batch_is_not_touched(budget):
    batch = batch_of([3, 3, 4])
    assert cut(batch, budget) == [batch]


def test_where_to_cut():
    assert filled(np.array([]), 5) == [0]
    assert filled(np.array([5, 1, 4, 6, 1]), 5) == [0, 1, 3, 4]


@settings(max_examples=60, deadline=None)
@given(lengths_of(group=2), st.integers(1, 60))
def test_packed_evaluation_counts_real_tokens_only(lengths, budget):
    features = features_of(lengths, group=2)
    batches = list(evaluation_batches(features, budget, padded=False))
    assert sorted(np.concatenate(batches)) == list(range(len(features)))
    longest = np.concatenate([features.unit_lengths()[units] for units in batches])
    assert (np.diff(longest) <= 0).all()
    counts = [features.unit_tokens()[units].sum() for units in batches]
    assert all(n <= budget or len(u) == 1 for n, u in zip(counts, batches, strict=True))
    # Full: what the next batch begins with would not have gone in.
    heads = [features.unit_tokens()[units[0]] for units in batches[1:]]
    assert all(n + head > budget for n, head in zip(counts, heads, strict=False))
