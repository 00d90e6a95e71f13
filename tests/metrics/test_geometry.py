import math

import pytest
import torch

from stilts_repro.metrics.retrieval import (
    centred,
    retrieval_accuracy,
    top_variance,
    unrelated_cosine,
)
from stilts_repro.tasks.retrieval import geometry_by_layer

SQUARE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def test_cosine_of_unrelated_rows_leaves_the_pairs_out():
    # Each of four has a perpendicular on either side and one opposite: (0 + 0 - 1) / 3.
    assert unrelated_cosine(SQUARE, SQUARE) == pytest.approx(-1 / 3)
    assert unrelated_cosine(3 * SQUARE, SQUARE) == pytest.approx(-1 / 3)  # lengths do not count


def test_a_common_direction_makes_all_alike_and_taking_the_means_away_undoes_it():
    english, other = SQUARE + torch.tensor([50.0, 0.0]), SQUARE + torch.tensor([0.0, 50.0])
    assert unrelated_cosine(SQUARE + 50.0, SQUARE + 50.0) > 0.99
    assert retrieval_accuracy(english, other) < 100.0
    assert retrieval_accuracy(centred(english), centred(other)) == 100.0


def test_variance_along_one_direction():
    assert top_variance(SQUARE) == pytest.approx(0.5)
    assert top_variance(SQUARE * torch.tensor([3.0, 1.0])) == pytest.approx(0.9)
    assert top_variance(SQUARE + 100.0) == pytest.approx(0.5)  # where they are does not matter
    assert top_variance(torch.ones(3, 2)) == 0.0
    # More directions than rows: the same share by the smaller matrix.
    wide = torch.nn.functional.pad(SQUARE * torch.tensor([3.0, 1.0]), (0, 7))
    assert top_variance(wide) == pytest.approx(0.9)


def test_rows_that_are_not_finite_are_left_out():
    broken = torch.cat([SQUARE, torch.full((1, 2), math.nan)])
    assert top_variance(broken) == pytest.approx(0.5)
    assert torch.equal(centred(broken)[:4], SQUARE)


def test_all_of_it_layer_by_layer():
    english = torch.stack([SQUARE, SQUARE + 50.0])
    found = geometry_by_layer(english, english)
    assert found["centred"] == [100.0, 100.0]
    assert found["cosine"] == [pytest.approx(-1 / 3), pytest.approx(1.0, abs=0.01)]
    assert found["variance"] == [pytest.approx(50.0), pytest.approx(50.0, abs=0.01)]
