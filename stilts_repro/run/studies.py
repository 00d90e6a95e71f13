"""Studies: questions that the paper leaves open, on the plan, the store and the records of claims.

A study is a claim with a design instead of a paper's value: what it asks, the smallest effect that
would matter and the languages that it contrasts stand in its file before anything is run. Its value
is the primary statistic of one seed; what its seeds say is a finding (`claims.finding`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, Self

import numpy as np

from stilts_repro.claims.expected import Design, load_expected
from stilts_repro.claims.schema import STUDIES
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MAIN, NONE, Condition
from stilts_repro.experiments.scales import Scale
from stilts_repro.models.ways import Kind
from stilts_repro.run.execution import Progress, run_claims
from stilts_repro.run.grid import Claim
from stilts_repro.run.request import Request, plan_of


class Rung(NamedTuple):
    """A model that a study compares: its world, its kind, its parameters beside the embeddings."""

    world: str
    kind: Kind
    parameters: float

    def __str__(self) -> str:
        return f"{self.world} ({self.kind})"


@dataclass(frozen=True)
class Study(Claim):
    """A question; `value` is its primary statistic.

    `elsewhere` are its conditions at scales that have not the worlds of the usual ones. `compares`
    makes the same study of other models than its own (`--models`).
    """

    seeds: int = 3  # fewer have no interval
    elsewhere: tuple[Condition, ...] | None = None
    compares: Callable[[Sequence[Rung]], "Study"] | None = None

    @property
    def file(self) -> Path:
        """The file of what is expected of it."""
        return STUDIES / f"{self.id}.json"

    def at(self, scale: Scale) -> Self:
        """Return the study as it is at `scale`: as a claim would be, `elsewhere` if need be."""
        study = super().at(scale)
        there = {MAIN, *(world.name for world in scale.worlds)}
        if self.elsewhere is None or {c.world for c in self.conditions} <= there:
            return study
        return replace(study, conditions=self.elsewhere)


def run_study(request: Request, progress: Progress) -> dict[str, Any]:
    """Run the study that `request` asks for and return the content of claims.json.

    Its baselines come first, the main world's where it asks for that: where the gate says that
    nothing can be seen, nothing else is run. Raises as `run_claims` does.
    """
    (study,) = request.claims
    if study.runs(request.scale) and not study.lacks(plan_of(request).sets):
        own = dict.fromkeys(c.baseline for c in study.conditions)
        worlds = () if NONE in own else tuple(own)
        first = replace(
            study,
            conditions=worlds,
            needed=tuple(dict.fromkeys(c.baseline for c in study.needed or ())) if worlds else (),
            # A statistic of baselines alone can say by now that it lacks languages or rows.
            value=study.value if {*study.essential} <= {*own} else lambda *_: 0.0,
            details=None,
        )
        looked = run_claims(replace(request, claims=(first,)), progress)
        verdict = looked["claims"][0]["verdict"]
        if verdict == "not_measurable" or (verdict == "not_run" and not looked["failed"]["jobs"]):
            return looked
    return run_claims(request, progress)


@cache
def design_of(study: str) -> Design:
    """Return what the file of `study` laid down; `MissingError` or `InputError` as it is read."""
    design = load_expected(study, STUDIES).design
    assert design is not None, "a study's file has a design"
    return design


def contrast(values: Mapping[str, float], design: Design, one: str, other: str) -> float:
    """Return the mean of `values`, by language, over the set `one` less that over `other`.

    Only languages that have a value count. Raises `InputError` where a set has none.
    """
    means = []
    for name in (one, other):
        held = [values[code] for code in design.languages[name] if code in values]
        if not held:
            codes = ", ".join(design.languages[name])
            raise InputError(f"study: no rows in any of the {name} languages ({codes}); give some")
        means.append(fmean(held))
    return means[0] - means[1]


def contrast_at_equal(
    values: Mapping[str, float],
    beside: Mapping[str, float],
    design: Design,
    one: str,
    other: str,
) -> float | None:
    """Return the contrast of `values` that is left where `beside` is equal, by least squares.

    None where the two cannot be told apart: with fewer than four languages, or where all of a set
    are equal in `beside`.
    """
    codes = [c for name in (one, other) for c in design.languages[name] if c in values]
    within = np.array([c in design.languages[one] for c in codes], float)
    held = np.array([beside[c] for c in codes])
    if len(codes) < 4:
        return None
    columns = np.column_stack([np.ones(len(codes)), within, held - held.mean()])
    solved, _, rank, _ = np.linalg.lstsq(columns, np.array([values[c] for c in codes]), rcond=None)
    return float(solved[1]) if rank == columns.shape[1] else None


def sized(rungs: Sequence[Rung]) -> dict[float, str]:
    """Return the worlds of models by their sizes; `InputError` where two have one size."""
    found: dict[float, str] = {}
    for rung in sorted(rungs, key=lambda rung: rung.parameters):
        if other := found.get(rung.parameters):
            raise InputError(
                f"--models: {other} and {rung.world} have equally many parameters; leave one out"
            )
        found[rung.parameters] = rung.world
    return found


def slope_per_doubling(values: Mapping[float, float]) -> float:
    """Return by how much `values`, by size, rise with each doubling of the size: least squares.

    Raises `InputError` with fewer than three sizes: two points lie on every line.
    """
    _check_sizes(values, "a slope")
    sizes = np.log2([*values])
    return float(np.polyfit(sizes, [*values.values()], 1)[0])


FORMS = {
    "constant": (lambda n: [1.0]),
    "linear in the logarithm": (lambda n: [1.0, math.log2(n)]),
    "saturating": (lambda n: [1.0, n**-0.5]),
}


def errors_left_out(values: Mapping[float, float]) -> dict[str, float]:
    """Return how well each form of growth tells `values`, by size, at a size that it was not given.

    Root mean squares over sizes that are left out in turn, in the unit of `values`. With four sizes
    a power law's exponent cannot be told, so that of the saturating form is fixed. Raises
    `InputError` with fewer than three sizes.
    """
    _check_sizes(values, "leaving one out")
    sizes, held = [*values], np.array([*values.values()])
    found = {}
    for name, form in FORMS.items():
        columns = np.array([form(size) for size in sizes])
        errors = []
        for place in range(len(sizes)):
            rest = np.arange(len(sizes)) != place
            solved, *_ = np.linalg.lstsq(columns[rest], held[rest], rcond=None)
            errors.append(columns[place] @ solved - held[place])
        found[name] = float(np.sqrt(np.mean(np.square(errors))))
    return found


def _check_sizes(values: Mapping[float, float], what: str) -> None:
    if len(values) < 3:
        raise InputError(f"study: {len(values)} sizes; {what} needs three")
