"""Holding measured values against what is expected: seed by seed, and by an interval.

A seed that the reference has, in the same arithmetic, is held against its own value: what the draw
brings is in both. New seeds are held against an interval. Both are two-sided: a number that is
suddenly too good deserves a look as much as one that is too bad.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Any

from stilts_repro.claims.expected import Expected, Made, Reference
from stilts_repro.claims.interval import FEWEST_SEEDS, detectable_change, half_width

SAME = 1e-6  # how far equal seeds on equal machines may be apart, in the claim's unit


@dataclass(frozen=True)
class Run:
    """What was run: one value a seed, and what equal numbers depend on besides.

    `arithmetic` is what jobs computed in, as references name it. `languages` are the value's parts,
    one mapping a seed, where the paper's value has any.
    """

    values: Sequence[float]
    seeds: Sequence[int] = ()
    arithmetic: str = "fp32"
    platform: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    languages: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True)
class CheckResult:
    """What came of a check; numbers are in the claim's unit.

    `mean`, `low`, `high` and `n` (seeds) describe the expectation, not the run, and are None where
    there is none; `by` says what low and high come from: "same seed", "interval" or "paper".
    `direction` says whether the run's sign is the paper's, and `agreeing` counts the reference's
    seeds of which, alone, it says so. `detectable_change` is the smallest true change that this
    check would find with 80 % probability.
    """

    verdict: str
    direction: str | None
    low: float | None
    high: float | None
    mean: float | None
    n: int | None
    reason: str
    detectable_change: float | None
    agreeing: int = 0
    by: str | None = None

    def unseen(self, targets: Sequence[str]) -> "CheckResult":
        """Return the result where none of its `targets` can be measured: it is no pass then."""
        if self.verdict == "fail":
            return self
        reason = f"{', '.join(targets)} cannot be measured here, see the gate; {self.reason}"
        return replace(self, verdict="not_measurable", reason=reason)

    def as_json(self) -> dict[str, Any]:
        """Return the part of a claim's entry in claims.json that the check decides."""
        reference = None
        if self.mean is not None:
            told = ("mean", "low", "high", "n", "agreeing", "by")
            reference = {name: getattr(self, name) for name in told}
        return {
            "reference": reference,
            "verdict": self.verdict,
            "direction": self.direction,
            "reason": self.reason,
            "detectable_change": self.detectable_change,
        }


def check(expected: Expected, run: Run, scale: str, *, obstacle: str | None = None) -> CheckResult:
    """Return the verdict on `run` under `expected` at `scale`.

    `obstacle` says why the run cannot be held against the expectation: other data or another model
    than the reference's, or why nothing was measured.

    On the reference's kind of machine, with its versions, a seed must give its value to `SAME`;
    elsewhere to the tolerance that the file has for the scale. Seeds without such a value are held,
    by their mean, against the interval.
    """
    if not run.values:
        return _without_reference("not_run", None, obstacle or "the claim was not measured")
    direction = _direction(run.values, expected, scale)
    if expected.check.kind == "equals_paper":
        if obstacle:
            return _without_reference("no_reference", direction, obstacle)
        return _against_paper(expected, run, direction)
    reference = expected.reference.get(scale)
    seeds = len(reference.main.values) if reference else 0
    if reference is None or seeds < FEWEST_SEEDS:
        reason = f"{seeds} reference seeds at scale {scale}; an interval needs {FEWEST_SEEDS}"
        return _without_reference("no_reference", direction, reason)
    if obstacle:
        return _without_reference("no_reference", direction, obstacle)
    return _against_reference(expected, reference, run, scale, direction)


def _against_reference(
    expected: Expected, reference: Reference, run: Run, scale: str, direction: str | None
) -> CheckResult:
    made = reference.runs.get(run.arithmetic, reference.main)
    elsewhere = _elsewhere(made, run)
    tolerance: float | None = SAME
    if elsewhere:  # where bf16 rounds in each make of processor's own way
        tolerance = expected.check.same_seed.get(scale) if run.arithmetic == "fp32" else None
    known = made.by_seed if run.arithmetic in reference.runs and tolerance is not None else {}
    seeds = run.seeds or [-1] * len(run.values)  # not one a value: none that is known
    numbered = [*zip(seeds, run.values, strict=True)]
    pairs = {seed: (value, known[seed]) for seed, value in numbered if seed in known}
    alone = [value for seed, value in numbered if seed not in known]
    told = CheckResult(
        verdict="pass",
        direction=direction,
        low=None,
        high=None,
        mean=fmean(made.values),
        n=len(made.values),
        reason="",
        detectable_change=None,
        agreeing=sum(_direction([value], expected, scale) == "agrees" for value in made.values),
    )
    if alone:
        told = _by_interval(told, expected, reference, made, alone)
    reasons = [told.reason] if alone else []
    if alone and pairs:
        new = ", ".join(str(seed) for seed in seeds if seed not in known)
        reasons = [f"seeds that the reference lacks ({new}): {told.reason}"]
    if pairs:
        assert tolerance is not None
        told = _by_seed(told, pairs, tolerance, alone=bool(alone))
        reasons.append(told.reason)
    elif run.arithmetic not in reference.runs:
        reasons.append(f"no reference in {run.arithmetic}")
    return replace(told, reason="; ".join([*reasons, *elsewhere]))


def _by_interval(
    told: CheckResult,
    expected: Expected,
    reference: Reference,
    made: Made,
    values: Sequence[float],
) -> CheckResult:
    """Return `told` with the verdict of the interval on the mean of `values`."""
    level, floor = expected.check.level, expected.check.floor
    assert level is not None and floor is not None  # the schema asks for both
    floor = max(floor, reference.noise)
    mean, sd, n, m = fmean(made.values), stdev(made.values), len(made.values), len(values)
    half = half_width(sd, n, m, level, floor)
    low, high = mean - half, mean + half
    return replace(
        told,
        verdict=_verdict(values, low, high),
        low=low,
        high=high,
        reason=_reason(fmean(values), low, high),
        detectable_change=detectable_change(sd, n, m, level, floor),
        by="interval",
    )


def _by_seed(
    told: CheckResult, pairs: Mapping[int, tuple[float, float]], tolerance: float, *, alone: bool
) -> CheckResult:
    """Return `told` with the verdict on each seed's value beside the reference's, `pairs`."""
    apart = {seed: abs(value - known) for seed, (value, known) in pairs.items()}
    # A value that is no number is the furthest of all.
    worst = max(apart, key=lambda seed: math.inf if math.isnan(apart[seed]) else apart[seed])
    value, known = pairs[worst]
    same = tolerance == SAME
    if apart[worst] <= tolerance:
        reason = (
            "equal seeds give equal values"
            if same
            else f"seeds differ from the reference's by {apart[worst]:.2g} at most, "
            f"{tolerance:g} allowed"
        )
        verdict = told.verdict
    else:
        place = "on this kind of machine" if same else "in the reference"
        reason = f"seed {worst} gave {value:.6f}, {place} it was {known:.6f}"
        verdict = "fail"
    told = replace(told, verdict=verdict, reason=reason)
    if alone:  # what the interval of the others would notice is told
        return told
    told = replace(told, detectable_change=tolerance)
    mean = fmean(known for _, known in pairs.values())
    return replace(told, mean=mean, low=mean - tolerance, high=mean + tolerance, by="same seed")


def _elsewhere(made: Made, run: Run) -> list[str]:
    """Return what the run has not in common with the reference: kind of machine, versions."""
    told = []
    machines = {kind for seed, kind in made.machines.items() if seed in run.seeds}
    if {*(machines or made.machines.values())} != {run.platform} or run.platform is None:
        told.append("another machine than the reference's")
    if moved := _differing(made.versions, run.versions):
        told.append(f"with other versions ({moved})")
    return told


def _differing(reference: Mapping[str, str], run: Mapping[str, str]) -> str:
    """Return which libraries are not the reference's, this package aside.

    A build's mark is no version: torch is 2.13.0 from one index and 2.13.0+cpu from another.
    """
    return ", ".join(
        f"{name} {run.get(name, 'absent')} for {version}"
        for name, version in reference.items()
        if name != "stilts_repro" and _release(run.get(name)) != _release(version)
    )


def _release(version: str | None) -> str | None:
    return version and version.partition("+")[0]


def _against_paper(expected: Expected, run: Run, direction: str | None) -> CheckResult:
    paper, tolerance = expected.paper.value, expected.check.tolerance
    assert paper is not None and tolerance is not None  # the schema asks for both
    low, high = paper - tolerance, paper + tolerance
    reason = f"{fmean(run.values):g} against the paper's {paper:g}, tolerance {tolerance:g}"
    verdict = _verdict(run.values, low, high)
    if off := _languages_off(expected, run.languages):
        verdict, reason = "fail", f"{reason}; by language: {', '.join(off)}"
    return CheckResult(verdict, direction, low, high, paper, 0, reason, tolerance, by="paper")


def _languages_off(expected: Expected, languages: Sequence[Mapping[str, float]]) -> list[str]:
    """Return a text for each language that is absent or too far from the paper's value."""
    off = []
    for code, paper in expected.paper.languages.items():
        values = [seed[code] for seed in languages if code in seed]
        if not values:
            off.append(f"{code} is absent")
        elif abs(fmean(values) - paper) > (expected.check.language_tolerance or 0.0):
            off.append(f"{code} {fmean(values):.1f} against {paper:g}")
    return off


def _verdict(observed: Sequence[float], low: float, high: float) -> str:
    return "pass" if low <= fmean(observed) <= high else "fail"


def _reason(value: float, low: float, high: float) -> str:
    place = "inside" if low <= value <= high else "above" if value > high else "below"
    return f"{value:.2f} is {place} {low:.2f} to {high:.2f}"


def _direction(values: Sequence[float], expected: Expected, scale: str) -> str | None:
    """Say whether the mean's sign is the paper's; None where either has none.

    Where the paper finds no gain, a mean above zero speaks against it only if it is more than
    seeds scatter: two standard errors, with the reference's deviation, else the run's own. Of one
    seed without a reference nobody knows.
    """
    value = fmean(values)
    if expected.paper.no_gain:
        reference = expected.reference.get(scale)
        known = reference.main.values if reference else ()
        scattered = known if len(known) >= FEWEST_SEEDS else values
        if value <= (expected.check.floor or 0.0):
            return "agrees"
        if len(scattered) < 2:
            return None
        error = stdev(scattered) / math.sqrt(len(values))
        return "agrees" if value <= 2 * error else "disagrees"
    product = value * (expected.paper.value or 0.0)
    return "agrees" if product > 0 else "disagrees" if product < 0 else None  # of what is no number


def _without_reference(verdict: str, direction: str | None, reason: str) -> CheckResult:
    return CheckResult(verdict, direction, None, None, None, None, reason, None)
