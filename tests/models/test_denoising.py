"""Spans that are taken out: nothing is lost, as much is taken as is said, in order."""

import numpy as np
import pytest
import torch

from stilts_repro.data.features import Batch
from stilts_repro.models.denoising import IGNORED, RATE, SPAN, Denoising

DENOISING = Denoising(first=1000, start=1, end=2, pad=1)


def put_back(source, target):
    """Return the sequence that was cut into these two."""
    spans, name = {}, None
    for token in target:
        if token >= 1000:
            name = token
        else:
            spans.setdefault(name, []).append(token)
    return [inner for token in source for inner in spans.get(token, [token])]


@pytest.mark.parametrize("length", [4, 5, 12, 40, 128])
def test_nothing_is_lost(length):
    rng = np.random.default_rng(0)
    row = [0, *rng.integers(5, 900, length - 2).tolist(), 2]
    for _ in range(50):
        source, target = DENOISING.cut(row, rng)
        assert put_back(source, target) == row
        assert (source[0], source[-1]) == (0, 2)
        named = [token for token in target if token >= 1000]
        assert named == [token for token in source if token >= 1000]
        assert named == [*range(1000, 1000 + len(named))]
        taken = len(target) - len(named)
        assert taken == max(1, round(RATE * (length - 2)))
        assert len(named) == max(1, round(taken / SPAN))


@pytest.mark.parametrize("row", [[0, 2], [0, 7, 2]])
def test_what_is_too_short_stays_whole(row):
    assert DENOISING.cut(row, np.random.default_rng(0)) == (row, [])


def test_a_batch_is_what_transformers_class_is_called_with():
    ids = torch.tensor([[0, *range(10, 30), 2], [0, *range(40, 50), 2, *[1] * 10]])
    mask = (ids != 1).long()
    batch = Batch(np.arange(2), ids, mask, 1, {}, {})
    held = DENOISING.apply(batch, np.random.default_rng(3))
    assert held["input_ids"].shape == held["attention_mask"].shape
    assert ((held["input_ids"] == 1) == (held["attention_mask"] == 0)).all()
    labels, given = held["labels"], held["decoder_input_ids"]
    assert (given[:, 0] == 1).all()
    told = labels != IGNORED
    assert (given[:, 1:][told[:, 1:]] == labels[:, :-1][told[:, 1:]]).all()
    assert [row[keep][-1].item() for row, keep in zip(labels, told, strict=True)] == [2, 2]
