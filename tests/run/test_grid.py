from dataclasses import replace

import pytest

from reproduce.catalogue import all_claims, all_studies
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MAIN, MULTITASK, NONE, Cell, after
from stilts_repro.experiments.scales import CUT, SCALES
from stilts_repro.paper import TARGETS
from stilts_repro.run.gains import average_gain, best_per_target_details, best_per_target_gain
from stilts_repro.run.grid import Claim, Scores

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
BOTH = SQUAD, MNLI = after("squad_v1"), after("mnli")


def claim(*tasks: str) -> Claim:
    conditions = tuple(map(after, tasks))
    return Claim("some_gain", conditions, lambda s, t: average_gain(s, t, SQUAD))


def test_average_gain_is_the_mean_dev_difference():
    assert average_gain(SCORES, ("a", "b"), SQUAD) == pytest.approx((8 - 1) / 2)
    assert average_gain(SCORES, ("b",), SQUAD) == pytest.approx(-1)


def test_best_model_is_chosen_on_dev_and_scored_on_test():
    assert best_per_target_gain(SCORES, ("a", "b"), BOTH) == pytest.approx((1 - 1) / 2)
    details = best_per_target_details(SCORES, ("a", "b"), BOTH)
    assert details["chosen"] == {"a": "squad_v1", "b": "mnli"}
    assert details["gains"] == pytest.approx({"a": 1.0, "b": -1.0})


def test_baseline_is_no_candidate_even_where_it_is_best():
    assert best_per_target_details(SCORES, ("b",), BOTH)["chosen"] == {"b": "mnli"}


def test_tie_goes_to_the_first_listed():
    names = ("none", "squad_v1", "mnli")
    tied = Scores({(name, "a", part): 1.0 for name in names for part in ("dev", "test")})
    assert best_per_target_details(tied, ("a",), BOTH)["chosen"] == {"a": "squad_v1"}
    assert best_per_target_details(tied, ("a",), BOTH[::-1])["chosen"] == {"a": "mnli"}


def test_absent_cell_is_named():
    with pytest.raises(
        InputError, match="no test score of target 'c' after intermediate 'squad_v1'"
    ):
        SCORES.test(SQUAD, "c")


def test_no_target_is_an_input_error():
    with pytest.raises(InputError, match="no target task"):
        average_gain(SCORES, (), SQUAD)


def test_cells_hold_the_baseline_and_every_intermediate():
    wanted = replace(claim("squad_v1", "mnli"), targets=("a", "b"))
    assert wanted.cells(("a", "b"), 7, {"": ("squad_v1", "mnli")}) == [
        Cell(NONE, "a", 7),
        Cell(NONE, "b", 7),
        Cell(SQUAD, "a", 7),
        Cell(SQUAD, "b", 7),
        Cell(MNLI, "a", 7),
        Cell(MNLI, "b", 7),
    ]


def test_a_claim_has_the_rows_whose_data_is_there():
    wanted = replace(claim(), conditions=(after("squad_v2"), MULTITASK))
    assert wanted.measured({"": ("mnli", "squad_v2")}) == (NONE, after("squad_v2"), MULTITASK)
    assert wanted.measured({"": ("mnli",)}) == (NONE,)  # one task is no multi-task training


def test_a_claim_lacks_what_it_needs_and_then_has_no_cells():
    wanted = replace(claim("squad_v1", "mnli", "qqp"), targets=("a",))
    every, some = {"": ("squad_v1", "mnli", "qqp")}, {"": ("mnli", "qqp")}
    assert not wanted.lacks(every) and wanted.lacks(some)
    assert wanted.cells(("a",), 0, some) == [] != wanted.cells(("a",), 0, every)
    any_will_do, one = replace(wanted, needed=()), replace(wanted, needed=(SQUAD,))
    assert not any_will_do.lacks(some) and any_will_do.lacks({"": ()})
    assert one.lacks(some) and not one.lacks({"": ("squad_v1",)})
    assert not replace(claim(), targets=("a",)).lacks({"": ()})  # a baseline needs no rows


def test_scores_say_which_conditions_were_there():
    held = Scores({}, tasks=("mnli", "qqp"))
    assert held.held((SQUAD, MNLI, MULTITASK)) == (MNLI, MULTITASK)


def test_a_condition_brings_the_baseline_of_its_own_world_and_needs_that_world():
    apart = after("mnli", world="apart")
    wanted = replace(claim(), conditions=(MNLI, apart))
    before = after(world="apart")
    assert wanted.measured() == (NONE, MNLI, before, apart)
    assert wanted.measured({"": ("mnli",), "apart": ("mnli",)}) == (NONE, MNLI, before, apart)
    assert wanted.measured({"": ("mnli",)}) == (NONE, MNLI)
    values = {("none+apart", "a", "dev"): 1.0, ("mnli+apart", "a", "dev"): 3.5}
    assert average_gain(Scores(values), ("a",), apart) == 2.5


def test_a_claim_without_intermediates_needs_the_baseline_of_its_targets():
    baseline = replace(claim(), targets=("b",))
    assert baseline.cells(("a", "b"), 0) == [Cell(NONE, "b", 0)]
    assert replace(claim(), targets=()).cells(("a", "b"), 0) == []


def test_a_claim_is_about_fewer_targets_where_its_scale_says_so():
    testbed = replace(SCALES["testbed"], dark={"pawsx": "cannot be learned"})
    narrow = replace(claim("mnli"), narrowed={"testbed": ("pawsx", "xnli")})
    assert claim("mnli").at(testbed).targets == tuple(t for t in TARGETS if t != "pawsx")
    assert narrow.at(testbed).targets == ("xnli",)
    assert narrow.at(replace(testbed, name="laptop", dark={})).targets == TARGETS


def test_a_scale_may_be_for_some_claims_alone():
    scale = SCALES["testbed-long"]
    assert [c.id for c in all_claims().values() if c.runs(scale)] == ["xnli_no_gain"]
    assert [s.id for s in all_studies().values() if s.runs(scale)] == ["calibration"]
    assert not all_claims()["published_tables"].run_at()


def test_the_testbed_has_every_world_that_a_claim_or_study_names():
    named = {c.world for s in (all_claims() | all_studies()).values() for c in s.conditions}
    known = {world.name for world in SCALES["testbed"].worlds}
    assert named - {MAIN} - {world.name for world in CUT} == known


def test_a_claim_about_dark_targets_alone_is_no_arithmetic():
    """XNLI is dark at testbed: what is about it alone is not run there."""
    claims = {claim.id: claim.at(SCALES["testbed"]) for claim in all_claims().values()}
    about = claims.pop("xnli_no_gain")
    assert about.targets == ("xnli",) and not about.runs(SCALES["testbed"])
    assert about.run_at() == ["smoke", "testbed-long", "laptop", "base", "paper"]
    cells = {c for claim in claims.values() for c in claim.cells(TARGETS, 0)}
    assert {cell.target for cell in cells} == {*TARGETS} - {*SCALES["testbed"].dark}
