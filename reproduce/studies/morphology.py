"""S2, its second half: whether alignment moves more in languages of rich morphology.

The measure of alignment is that of the study `alignment`: mutually nearest sentences of Tatoeba,
with each language's mean taken away. On the testbed languages differ in morphology alone, in three
worlds; elsewhere real languages are told apart as they are. The statistic is the slope, over
languages, of what an intermediate task before MNLI brings beyond MNLI alone on measured complexity,
which is the type-token ratio over that of the English sides: points for each standard deviation,
the mean over worlds and both tasks.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

import numpy as np

from reproduce.studies.alignment import BEFORE, CONTROL, DIRECT, gains
from stilts_repro.cli.reproduce import study
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MAIN, Condition
from stilts_repro.experiments.scales import MORPHOLOGY
from stilts_repro.metrics.morphology import wals_complexity
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study

WORLDS = tuple(world.name for world in MORPHOLOGY)
RATIO = "type_token_ratio_to_english"  # by language, of other sentences each


def within(world: str, conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Return `conditions` in a world."""
    return tuple(Condition(condition.row, world) for condition in conditions)


def slope(values: Mapping[str, float], complexity: Mapping[str, float]) -> float:
    """Return by how much `values` rise with a standard deviation of `complexity`: least squares.

    Raises `InputError` with fewer than three languages that have both.
    """
    codes = [code for code in values if code in complexity]
    if len(codes) < 3:
        raise InputError(f"study: {len(codes)} languages with a measured complexity; give three")
    held = np.array([complexity[code] for code in codes])
    scaled = (held - held.mean()) / held.std()
    return float(np.polyfit(scaled, [values[code] for code in codes], 1)[0])


def gained(
    scores: Scores,
    condition: Condition,
    beside: Condition,
    complexity: Mapping[str, float] | None = None,
) -> float:
    """Return the slope of what `condition` brings beyond another, in points.

    It is on `complexity` (default: the measured one).
    """
    held = complexity or scores.metric(RATIO, beside, "tatoeba", "dev")
    return slope(gains(scores, condition, "mutual", beside), held)


def measured(scores: Scores) -> list[str]:
    """Return the worlds that were there."""
    return [w for w in (MAIN, *WORLDS) if scores.measured(within(w, (DIRECT, *BEFORE)))]


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the slope of the gain on complexity, in points a standard deviation."""
    slopes = []
    for world in measured(scores):
        (direct,), before = within(world, [DIRECT]), within(world, BEFORE)
        slopes += [gained(scores, condition, direct) for condition in before]
    return fmean(slopes)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return complexity, slopes of every gain, and of what MNLI itself does, by world."""
    told: dict[str, Any] = {}
    for world in measured(scores):
        (direct,), others = within(world, [DIRECT]), within(world, (*BEFORE, CONTROL))
        name = world or "languages"
        told[f"{name}: type-token ratio over English"] = scores.metric(
            RATIO, direct, "tatoeba", "dev"
        )
        pairs = [(direct, direct.baseline), *((c, direct) for c in others)]
        told[f"{name}: slope of the gain"] = {str(c): gained(scores, c, b) for c, b in pairs}
        known = {
            code: wals_complexity(code)
            for code in scores.metric("mutual", direct, "tatoeba", "dev")
        }
        grammars = {code: degree for code, degree in known.items() if degree is not None}
        if len(grammars) > 2:
            told[f"{name}: slope on what grammars say"] = {
                str(c): gained(scores, c, b, grammars) for c, b in pairs
            }
    return told


STUDY = Study(
    id="morphology",
    conditions=tuple(c for world in WORLDS for c in within(world, (DIRECT, *BEFORE, CONTROL))),
    elsewhere=(DIRECT, *BEFORE, CONTROL),
    value=value,
    details=details,
    targets=("tatoeba",),
    evaluation_rows=500,
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
