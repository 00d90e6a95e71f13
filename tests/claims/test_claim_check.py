import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from stilts_repro.claims.check import SAME, Run, check
from stilts_repro.claims.expected import Check, Expected, Made, PaperValue, Reference
from stilts_repro.claims.interval import detectable_change, half_width, power
from stilts_repro.seeds import numpy_rng

LEVEL = 0.99
VALUES = (7.9, 8.4, 8.1, 8.8, 8.0)


def expected(values=VALUES, floor=0.1, paper=8.2) -> Expected:
    made = Made(tuple(values), tuple(range(len(values))), {}, "command")
    reference = {"testbed": Reference("model", {"fp32": made})}
    return Expected(
        claim="squad_gain",
        statement="It gains.",
        unit="points",
        paper=PaperValue(paper, "paper", "verified"),
        reference=reference if values else {},
        check=Check("prediction_interval", "as in the file", level=LEVEL, floor=floor),
    )


def red_share(n: int, m: int, floor: float, shift: float, runs: int = 20_000) -> float:
    """The share of simulated references and runs whose check is red."""
    rng = numpy_rng(0, "interval", n, m)
    reference = rng.normal(0, 1, (runs, n))
    mean = rng.normal(shift, 1, (runs, m)).mean(axis=1)
    limits = np.maximum(floor, half_width(1.0, n, m, LEVEL, 0) * reference.std(axis=1, ddof=1))
    return float((np.abs(mean - reference.mean(axis=1)) > limits).mean())


def test_interval_is_the_textbook_one():
    result = check(expected(floor=0), Run([8.0, 8.5]), "testbed")
    half = stats.t(4).ppf(0.995) * np.std(VALUES, ddof=1) * math.sqrt(1 / 5 + 1 / 2)
    assert (result.low, result.high) == pytest.approx((8.24 - half, 8.24 + half))
    assert (result.mean, result.n) == (pytest.approx(8.24), 5)


@pytest.mark.parametrize(("n", "m"), [(3, 1), (5, 3), (10, 5)])
def test_unchanged_package_is_red_once_in_a_hundred(n, m):
    assert red_share(n, m, floor=0, shift=0) == pytest.approx(1 - LEVEL, abs=0.0035)


@pytest.mark.parametrize("floor", [0.0, 1.5, 4.0])
@pytest.mark.parametrize(("n", "m"), [(5, 1), (5, 3), (10, 5)])
def test_detectable_change_is_red_four_times_in_five(n, m, floor):
    change = detectable_change(1.0, n, m, LEVEL, floor)
    assert red_share(n, m, floor, change) == pytest.approx(0.8, abs=0.015)
    assert red_share(n, m, floor, -change) == pytest.approx(0.8, abs=0.015)


def test_detectable_change_without_floor_is_the_noncentral_t():
    n, m = 5, 3
    change = detectable_change(2.0, n, m, LEVEL, 0)
    shift = change / (2.0 * math.sqrt(1 / n + 1 / m))
    limit = stats.t(n - 1).ppf(0.995)
    found = stats.nct(n - 1, shift).sf(limit) + stats.nct(n - 1, shift).cdf(-limit)
    assert found == pytest.approx(0.8, abs=0.005)


def test_seeds_that_agree_exactly_leave_the_floor():
    result = check(expected(values=(8.0,) * 3, floor=0.25), Run([8.2]), "testbed")
    assert (result.low, result.high, result.detectable_change) == (7.75, 8.25, 0.25)
    assert power(0.25, 0, 3, 1, LEVEL, 0.25) == 0
    assert power(0.26, 0, 3, 1, LEVEL, 0.25) == 1


def test_too_good_fails_like_too_bad():
    edge = check(expected(), Run([8.24]), "testbed").high
    assert check(expected(), Run([edge - 0.01]), "testbed").verdict == "pass"
    assert check(expected(), Run([edge + 0.01]), "testbed").verdict == "fail"
    assert check(expected(), Run([2 * 8.24 - edge - 0.01]), "testbed").verdict == "fail"


def test_direction_is_apart_from_the_verdict():
    negative = check(expected(values=(-1.0, -1.1, -0.9)), Run([-1.0]), "testbed")
    assert (negative.verdict, negative.direction) == ("pass", "disagrees")
    assert check(expected(), Run([50.0]), "testbed").direction == "agrees"
    assert check(expected(), Run([0.0]), "testbed").direction is None
    assert check(expected(paper=None), Run([8.0]), "testbed").direction is None


@pytest.mark.parametrize(
    ("values", "scale", "direction"),
    [
        ([-3.0], "testbed", "agrees"),
        ([0.9], "testbed", "agrees"),  # reference's deviation 0.5: two standard errors are 1.0
        ([1.1], "testbed", "disagrees"),
        ([0.9, 0.9], "testbed", "disagrees"),
        ([0.2], "smoke", None),  # nothing is known of the scatter
        ([0.05], "smoke", "agrees"),  # but this is below the floor
        ([0.2, 1.2], "smoke", "agrees"),  # the run's own deviation 0.7
        ([0.6, 0.8], "smoke", "disagrees"),
    ],
)
def test_no_gain_is_contradicted_by_more_than_the_seeds_scatter(values, scale, direction):
    paper = dataclasses.replace(expected().paper, value=None, no_gain=True)
    known = Reference("model", {"fp32": Made((-0.5, 0.0, 0.5), (0, 1, 2), {}, "command")})
    claim = dataclasses.replace(expected(), paper=paper, reference={"testbed": known})
    result = check(claim, Run(values), scale)
    assert result.direction == direction
    # A seed of the reference counts as it would alone: all three are below 1.0.
    assert result.agreeing == (3 if scale == "testbed" else 0)


@pytest.mark.parametrize(
    ("reference", "scale", "obstacle", "reason"),
    [
        (VALUES, "smoke", None, "0 reference seeds at scale smoke"),
        (VALUES, "smoke", "other data", "0 reference seeds at scale smoke"),
        (VALUES[:2], "testbed", None, "2 reference seeds at scale testbed"),
        (VALUES, "testbed", "other data", "other data"),
    ],
)
def test_never_a_pass_without_a_reference(reference, scale, obstacle, reason):
    result = check(expected(values=reference), Run([8.24]), scale, obstacle=obstacle)
    assert result.verdict == "no_reference"
    assert reason in result.reason
    assert result.direction == "agrees"
    assert result.as_json()["reference"] is None


def test_nothing_measured_is_not_run():
    result = check(expected(), Run([]), "testbed")
    assert (result.verdict, result.direction) == ("not_run", None)
    assert check(expected(), Run([]), "testbed", obstacle="no weights").reason == "no weights"


def test_not_a_number_never_passes():
    result = check(expected(), Run([math.nan]), "testbed")
    assert (result.verdict, result.direction) == ("fail", None)


@pytest.mark.parametrize(("value", "verdict"), [(5.0, "pass"), (4.0, "fail")])
def test_equals_paper_needs_no_reference(value, verdict):
    exact = dataclasses.replace(
        expected(values=(), paper=5), check=Check("equals_paper", "arithmetic", tolerance=0)
    )
    assert check(exact, Run([value]), "smoke").verdict == verdict
    assert check(exact, Run([value]), "smoke", obstacle="other data").verdict == "no_reference"


@pytest.mark.parametrize(
    ("languages", "verdict", "reason"),
    [
        ({"de": 60.9, "fr": 39.5}, "pass", "50.2 against the paper's 50"),
        ({"de": 61.1, "fr": 39.3}, "fail", "by language: de 61.1 against 60"),
        ({"de": 50.2}, "fail", "by language: de 50.2 against 60, fr is absent"),
    ],
)
def test_each_language_is_held_against_the_paper(languages, verdict, reason):
    paper = PaperValue(50.0, "Table 2", "derived", {"de": 60.0, "fr": 40.0})
    parts = dataclasses.replace(
        expected(values=()),
        paper=paper,
        check=Check("equals_paper", "rounding", tolerance=0.5, language_tolerance=1.0),
    )
    result = check(parts, Run([50.2], languages=[languages]), "paper")
    assert result.verdict == verdict
    assert reason in result.reason


# Equal seeds on equal machines --------------------------------------------------------------------

VERSIONS = {"stilts_repro": "0.1.0", "torch": "2.13.0"}


def on_a_known_machine(same_seed=None, **others):
    """What is expected, with runs in fp32 on a known machine; `others` are those in other words."""
    known = Made(VALUES, tuple(range(len(VALUES))), VERSIONS, "command", "x86_64")
    runs = {"fp32": known} | {
        name: dataclasses.replace(known, values=values) for name, values in others.items()
    }
    held = expected()
    return dataclasses.replace(
        held,
        reference={"testbed": Reference("model", runs)},
        check=dataclasses.replace(held.check, same_seed=same_seed or {}),
    )


def run_of(values, seeds, platform="x86_64", arithmetic="fp32", **versions):
    return Run(values, seeds, arithmetic, platform, VERSIONS | versions)


def test_a_seed_gives_its_value_on_its_kind_of_machine():
    same = check(on_a_known_machine(), run_of([7.9, 8.1], [0, 2]), "testbed")
    assert (same.verdict, same.detectable_change) == ("pass", SAME)
    assert same.reason.endswith("equal seeds give equal values")
    newer = check(on_a_known_machine(), run_of([7.9], [0], stilts_repro="0.2.0"), "testbed")
    assert newer.verdict == "pass" and newer.detectable_change == SAME


@pytest.mark.parametrize("change", [2e-6, -2e-6, math.nan])
def test_a_change_far_inside_the_interval_is_found_there(change):
    moved = check(on_a_known_machine(), run_of([7.9, 8.1 + change], [0, 2]), "testbed")
    assert moved.verdict == "fail"
    assert "seed 2 gave" in moved.reason and "8.100000" in moved.reason


def test_seeds_that_the_reference_does_not_have_are_not_said_to_be_equal():
    result = check(on_a_known_machine(), run_of([7.9, 8.3], [0, 99]), "testbed")
    # Each seed by what is known of it: the new one, alone, by the interval.
    assert result.reason == (
        f"seeds that the reference lacks (99): 8.30 is inside {result.low:.2f} to "
        f"{result.high:.2f}; equal seeds give equal values"
    )
    alone = check(on_a_known_machine(), run_of([8.3], [99]), "testbed")
    assert (alone.low, alone.high) == (result.low, result.high)
    assert result.by == "interval"
    assert result.detectable_change == alone.detectable_change > 0.1
    moved = check(on_a_known_machine(), run_of([7.8, 8.3], [0, 99]), "testbed")
    assert moved.verdict == "fail" and "seed 0 gave 7.800000" in moved.reason
    far = check(on_a_known_machine(), run_of([7.9, 80.0], [0, 99]), "testbed")
    assert far.verdict == "fail"


def test_a_builds_mark_is_no_version():
    result = check(on_a_known_machine(), run_of([7.9], [0], torch="2.13.0+cpu"), "testbed")
    assert result.reason.endswith("equal seeds give equal values")


def test_the_references_own_seeds_say_how_many_agree_with_the_paper():
    result = check(expected(), Run([8.0]), "testbed")
    assert result.as_json()["reference"]["agreeing"] == result.n


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (run_of([8.2], [0], platform="arm64"), "another machine than the reference's"),
        (run_of([8.2], [0], torch="2.14.0"), "other versions (torch 2.14.0 for 2.13.0)"),
        (run_of([8.2], [7]), "8.20 is inside"),
    ],
)
def test_elsewhere_only_the_interval_speaks_where_no_tolerance_is_known(run, says):
    result = check(on_a_known_machine(), run, "testbed")
    assert result.verdict == "pass"
    assert says in result.reason
    assert result.detectable_change > 0.5


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (run_of([8.2], [0], platform="arm64"), "another machine than the reference's"),
        (run_of([8.2], [0], torch="2.14.0"), "with other versions (torch 2.14.0 for 2.13.0)"),
    ],
)
def test_elsewhere_a_seed_may_be_as_far_from_its_value_as_the_file_allows(run, why):
    near = check(on_a_known_machine({"testbed": 0.5}), run, "testbed")
    assert (near.verdict, near.detectable_change, near.by) == ("pass", 0.5, "same seed")
    assert (near.low, near.high) == (pytest.approx(7.4), pytest.approx(8.4))
    assert near.reason == f"seeds differ from the reference's by 0.3 at most, 0.5 allowed; {why}"
    far = check(on_a_known_machine({"testbed": 0.2}), run, "testbed")
    assert far.verdict == "fail"
    assert far.reason == f"seed 0 gave 8.200000, in the reference it was 7.900000; {why}"


def test_the_worst_seed_decides():
    run = run_of([7.9, 8.4, 8.7], [0, 1, 2], platform="arm64")
    assert check(on_a_known_machine({"testbed": 0.5}), run, "testbed").verdict == "fail"
    nothing = run_of([7.9, math.nan], [0, 1], platform="arm64")
    assert check(on_a_known_machine({"testbed": 0.5}), nothing, "testbed").verdict == "fail"


def test_a_run_is_held_against_values_in_its_own_arithmetic():
    other = tuple(value - 3.0 for value in VALUES)
    known = on_a_known_machine({"testbed": 0.5}, bf16=other)
    own = check(known, run_of([4.9], [0], arithmetic="bf16"), "testbed")
    assert own.verdict == "pass" and own.mean == pytest.approx(4.9)
    assert check(known, run_of([7.9], [0], arithmetic="bf16"), "testbed").verdict == "fail"
    # In none that the file has, the interval of the first speaks, with rounding in its width.
    unknown = check(known, run_of([7.9], [0], arithmetic="fp32, 2 threads"), "testbed")
    assert (unknown.by, unknown.high - unknown.mean) == ("interval", pytest.approx(3.0))
    assert unknown.reason.endswith("; no reference in fp32, 2 threads")
