import itertools
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.data.batches import blocks, evaluation_batches, token_batches, training_batches
from stilts_repro.data.features import SEGMENT, TOKEN_PADDING, Features, collate

PAD = 1


def make(lengths, group=1):
    """Features whose every token is new, its column the negative id, its label the unit's place."""
    starts = np.cumsum([10, *lengths])
    ids = [list(range(start, start + n)) for start, n in zip(starts, lengths, strict=False)]
    return Features.of(
        ids,
        group=group,
        token={"tag": [[-i - 1000 for i in sequence] for sequence in ids]},
        unit={"label": list(range(len(lengths) // group))},
    )


def lengths_of(group=1):
    return st.lists(st.integers(1, 30), min_size=group, max_size=60).map(
        lambda found: found[: len(found) // group * group]
    )


def test_batches_are_padded_and_columns_stay_with_their_tokens():
    features = make([3, 1, 5, 2])
    batch = collate(features, np.array([3, 0, 2]), PAD)
    assert batch.input_ids.tolist() == [
        [19, 20, PAD, PAD, PAD],
        [10, 11, 12, PAD, PAD],
        [14, 15, 16, 17, 18],
    ]
    assert batch.attention_mask.tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.token["tag"].tolist() == [
        [-1019, -1020, *[TOKEN_PADDING] * 3],
        [-1010, -1011, -1012, *[TOKEN_PADDING] * 2],
        [-1014, -1015, -1016, -1017, -1018],
    ]
    assert batch.unit["label"].tolist() == [3, 0, 2]
    assert batch.tokens == 10
    assert (batch.input_ids.dtype, batch.unit["label"].dtype) == (batch.token["tag"].dtype,) * 2


def test_segments_are_padded_with_a_segment():
    features = Features.of([[5, 6, 7], [8]], token={SEGMENT: np.array([0, 1, 1, 1], np.int32)})
    batch = collate(features, np.array([1, 0]), PAD)
    assert batch.token[SEGMENT].tolist() == [[1, 0, 0], [0, 1, 1]]


def test_a_group_is_never_split():
    features = make([2, 1, 1, 3, 1, 2], group=2)
    assert (len(features), features.tokens) == (3, 10)
    assert features.unit_lengths().tolist() == [2, 3, 2]
    batch = collate(features, np.array([2, 0]), PAD)
    assert batch.input_ids.tolist() == [[17, PAD], [18, 19], [10, 11], [12, PAD]]
    assert batch.unit["label"].tolist() == [2, 0]
    assert batch.group == 2


@settings(max_examples=60, deadline=None)
@given(lengths_of(), st.integers(0, 5))
def test_no_token_is_lost_or_invented_by_padding(lengths, seed):
    features = make(lengths)
    order = np.random.default_rng(seed).permutation(len(features))
    batch = collate(features, order, PAD)
    for row, unit in enumerate(order):
        low, high = features.offsets[unit], features.offsets[unit + 1]
        inside = batch.attention_mask[row].bool()
        assert batch.input_ids[row][inside].tolist() == features.ids[low:high].tolist()
        assert (batch.input_ids[row][~inside] == PAD).all()
        assert (batch.token["tag"][row][inside] == -batch.input_ids[row][inside] - 1000).all()
        assert (batch.token["tag"][row][~inside] == TOKEN_PADDING).all()


@settings(max_examples=60, deadline=None)
@given(lengths_of(), st.integers(1, 9), st.integers(1, 3), st.integers(0, 5))
def test_training_sees_every_unit_once_an_epoch(lengths, size, window, seed):
    features = make(lengths)
    steps = -(-len(features) // size)  # whole windows: only the last batch of an epoch is short
    stream = training_batches(features, size, np.random.default_rng(seed), window=window)
    for _ in range(3):
        epoch = list(islice(stream, steps))
        assert sorted(np.concatenate(epoch)) == list(range(len(features)))
        assert all(len(batch) <= size for batch in epoch)
        assert sum(len(batch) < size for batch in epoch) <= 1


@settings(max_examples=60, deadline=None)
@given(lengths_of(), st.integers(1, 80), st.integers(1, 30), st.integers(0, 5))
def test_pretraining_sees_every_unit_once_an_epoch_within_the_budget(lengths, budget, window, seed):
    features = make(lengths)
    stream = token_batches(features, budget, np.random.default_rng(seed), window=window)
    for _ in range(3):
        seen = []
        while len(seen) < len(features):
            batch = next(stream)
            seen.extend(batch)
            padded = len(batch) * features.unit_lengths()[batch].max()
            assert padded <= budget or len(batch) == 1
        assert sorted(seen) == list(range(len(features)))


@pytest.mark.parametrize("stream", [training_batches, token_batches])
def test_the_order_is_the_generators_and_differs_by_epoch(stream):
    features = make([5, 3, 8, 2, 9, 4, 7, 6] * 5)

    def first(seed, count=30):
        batches = stream(features, 20, np.random.default_rng(seed), window=2)
        return [batch.tolist() for batch in islice(batches, count)]

    assert first(1) == first(1)
    assert first(1) != first(2)
    flat = [unit for batch in first(1) for unit in batch]
    assert flat[:40] != flat[40:80]


def test_batches_of_like_lengths_are_put_together():
    """Windows sorted by length are what keeps padding low: a tenth here, a half without."""
    features = make(np.random.default_rng(0).integers(1, 40, 1280).tolist())
    batches = list(islice(training_batches(features, 32, np.random.default_rng(0)), 40))
    padded = sum(len(batch) * features.unit_lengths()[batch].max() for batch in batches)
    assert features.tokens < padded < 1.15 * features.tokens


@settings(max_examples=60, deadline=None)
@given(lengths_of(), st.integers(1, 100))
def test_evaluation_covers_all_within_the_budget(lengths, budget):
    features = make(lengths)
    batches = list(evaluation_batches(features, budget))
    assert sorted(np.concatenate(batches)) == list(range(len(features)))
    longest = [features.unit_lengths()[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, length in zip(batches, longest, strict=True):
        assert len(batch) * length <= budget or len(batch) == 1


@settings(max_examples=40, deadline=None)
@given(lengths_of(group=4), st.integers(1, 200))
def test_evaluation_counts_the_whole_group_towards_the_budget(lengths, budget):
    features = make(lengths, group=4)
    batches = list(evaluation_batches(features, budget))
    assert sorted(np.concatenate(batches)) == list(range(len(features)))
    for units in batches:
        batch = collate(features, units, PAD)
        assert batch.input_ids.numel() <= budget or len(units) == 1
        assert batch.input_ids.shape[0] == 4 * len(units)


@settings(max_examples=60, deadline=None)
@given(st.lists(lengths_of(), min_size=1, max_size=3), st.integers(3, 9), st.integers(0, 5))
def test_blocks_hold_each_languages_text_in_whole_and_mix_none(parts, size, seed):
    start = 10_000
    numbers = itertools.count()
    held = [
        Features.of([[start, *islice(numbers, length)] for length in lengths]) for lengths in parts
    ]
    made = blocks(held, size, start, np.random.default_rng(seed))
    rows = made.ids.reshape(-1, size)
    assert (rows[:, 0] == start).all() and (made.ids == start).sum() == len(rows)
    assert (np.diff(made.offsets) == size).all()
    languages = [set(part.ids) - {start} for part in held]
    for row in rows:
        assert sum(bool(set(row[1:]) & language) for language in languages) == 1
    # Nothing comes twice, and less than a block of a language is left out.
    told = np.delete(rows, 0, axis=1).ravel()
    assert len(set(told)) == len(told)
    for language in languages:
        assert len(language - set(told)) < size - 1
