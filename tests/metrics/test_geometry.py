import math

import pytest
import torch

from stilts_repro.metrics.retrieval import (
    centred,
    retrieval_accuracy,
    top_variance,
    unit_rows,
    unrelated_cosine,
)
from stilts_repro.tasks.retrieval import alignment, geometry_by_layer

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


def test_pairs_are_aligned_where_each_is_the_others_nearest():
    """Far from the origin and from each other: each language's mean is taken away."""
    english = torch.eye(4)
    other = torch.eye(4) + 9.0
    assert alignment(english, other) == {"centred": 100.0, "mutual": 100.0}
    # Where a pair beats its row and its column, or its row alone.
    torch.manual_seed(0)
    english, other = torch.randn(40, 5), torch.randn(40, 5)
    other += english
    cosines = unit_rows(english - english.mean(0)) @ unit_rows(other - other.mean(0)).T
    rows, columns = (cosines.diag() == cosines.amax(dim=axis) for axis in (1, 0))
    found = alignment(english, other)
    assert found["centred"] == pytest.approx(100 * float(rows.float().mean()))
    assert found["mutual"] == pytest.approx(100 * float((rows & columns).float().mean()))
    assert 0 < found["mutual"] < found["centred"] < 100
    english = torch.eye(4)
    swapped = alignment(english, torch.eye(4)[[1, 0, 2, 3]])
    assert swapped == {"centred": 50.0, "mutual": 50.0}
