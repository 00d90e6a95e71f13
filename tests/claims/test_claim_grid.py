from dataclasses import replace

import pytest

from stilts_repro.claims.grid import (
    Cell,
    Claim,
    Scores,
    average_gain,
    best_per_target_details,
    best_per_target_gain,
)
from stilts_repro.errors import InputError

# On dev squad wins a and mnli wins b; on test it is the other way round.
SCORES = Scores(
    {
        ("none", "a", "dev"): 50.0,
        ("none", "b", "dev"): 60.0,
        ("squad_v1", "a", "dev"): 58.0,
        ("squad_v1", "b", "dev"): 59.0,
        ("mnli", "a", "dev"): 51.0,
        ("mnli", "b", "dev"): 59.5,
        ("none", "a", "test"): 40.0,
        ("none", "b", "test"): 45.0,
        ("squad_v1", "a", "test"): 41.0,
        ("squad_v1", "b", "test"): 70.0,
        ("mnli", "a", "test"): 80.0,
        ("mnli", "b", "test"): 44.0,
    }
)
BOTH = ("squad_v1", "mnli")


def claim(*intermediates: str) -> Claim:
    return Claim("some_gain", "Some.", intermediates, lambda s, t: average_gain(s, t, "squad_v1"))


def test_average_gain_is_the_mean_dev_difference():
    assert average_gain(SCORES, ("a", "b"), "squad_v1") == pytest.approx((8 - 1) / 2)
    assert average_gain(SCORES, ("b",), "squad_v1") == pytest.approx(-1)


def test_best_model_is_chosen_on_dev_and_scored_on_test():
    assert best_per_target_gain(SCORES, ("a", "b"), BOTH) == pytest.approx((1 - 1) / 2)
    details = best_per_target_details(SCORES, ("a", "b"), BOTH)
    assert details["chosen"] == {"a": "squad_v1", "b": "mnli"}
    assert details["gains"] == pytest.approx({"a": 1.0, "b": -1.0})


def test_baseline_is_no_candidate_even_where_it_is_best():
    assert best_per_target_details(SCORES, ("b",), BOTH)["chosen"] == {"b": "mnli"}


def test_tie_goes_to_the_first_listed():
    tied = Scores({(i, "a", part): 1.0 for i in ("none", *BOTH) for part in ("dev", "test")})
    assert best_per_target_details(tied, ("a",), BOTH)["chosen"] == {"a": "squad_v1"}
    assert best_per_target_details(tied, ("a",), BOTH[::-1])["chosen"] == {"a": "mnli"}


def test_absent_cell_is_named():
    with pytest.raises(
        InputError, match="no test score of target 'c' after intermediate 'squad_v1'"
    ):
        SCORES.test("squad_v1", "c")


def test_no_target_is_an_input_error():
    with pytest.raises(InputError, match="no target task"):
        average_gain(SCORES, (), "squad_v1")


def test_cells_hold_the_baseline_and_every_intermediate():
    wanted = replace(claim("squad_v1", "mnli"), targets=("a", "b"))
    assert wanted.cells(("a", "b"), 7, BOTH) == [
        Cell("none", "a", 7),
        Cell("none", "b", 7),
        Cell("squad_v1", "a", 7),
        Cell("squad_v1", "b", 7),
        Cell("mnli", "a", 7),
        Cell("mnli", "b", 7),
    ]


def test_a_claim_has_the_rows_whose_data_is_there():
    wanted = claim("squad_v2", "multitask")
    assert wanted.rows(("mnli", "squad_v2")) == ("none", "squad_v2", "multitask")
    assert wanted.rows(("mnli",)) == ("none",)  # one task is no multi-task training


def test_a_claim_without_intermediates_needs_the_baseline_of_its_targets():
    baseline = replace(claim(), targets=("b",))
    assert baseline.cells(("a", "b"), 0) == [Cell("none", "b", 0)]
    assert replace(claim(), targets=()).cells(("a", "b"), 0) == []
