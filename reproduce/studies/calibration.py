"""S5: whether English fine-tuning leaves a model surer than it is right where morphology is rich.

The statistic is the over-confidence on XNLI's test rows (mean confidence less accuracy, in points)
in languages of rich morphology less that in languages of poor one, without phase (ii).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.evaluation.confidence import SCALED
from stilts_repro.experiments.conditions import MAIN, Condition, after
from stilts_repro.experiments.scales import CUT, PARAMETERS
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import (
    Rung,
    Study,
    contrast,
    contrast_at_equal,
    design_of,
    sized,
    slope_per_doubling,
)

BEFORE = ("squad_v2", "hellaswag", "mnli")
# By size: pre-trained each to its own, or one model with its first layers.
TESTBED = {float(size): after(world=f"encoder-{width}") for width, size in PARAMETERS.items()}
LAYERS = {float(world.layers or 0): after(world=world.name) for world in CUT}
MEASURES = ("overconfidence", "debiased_error", "nll", "brier")


def rich_less_poor(scores: Scores, condition: Condition, measure: str) -> float:
    """Return the contrast of a measure of XNLI's test rows, in the measure's unit."""
    values = scores.metric(measure, condition, "xnli", "test")
    return contrast(values, design_of("calibration"), "rich", "poor")


def conditions_of(world: str) -> tuple[Condition, ...]:
    """Return what comes before XNLI in a world, the baseline first."""
    return (after(world=world), *(after(task, world=world) for task in BEFORE))


def details(
    own: str, sizes: Mapping[float, Condition], scores: Scores, targets: tuple[str, ...]
) -> dict[str, Any]:
    """Return every measure's contrast by condition, as it is and at English dev's temperature.

    Besides, that of over-confidence at equal accuracy: a model that is right less often is too sure
    for that alone. And its rise with each doubling of the model, where three sizes can
    measure XNLI at all: of a model at chance it is its confidence alone.
    """
    conditions = [c for c in conditions_of(own) if scores.measured([c])]
    told: dict[str, Any] = {
        name: {str(c): rich_less_poor(scores, c, name) for c in conditions}
        for measure in MEASURES
        for name in (measure, SCALED + measure)
        if scores.metric(name, conditions[0], "xnli", "test")  # without English no temperature
    }
    told["overconfidence at equal accuracy"] = {
        str(c): contrast_at_equal(
            scores.metric("overconfidence", c, "xnli", "test"),
            scores.metric("accuracy", c, "xnli", "test"),
            design_of("calibration"),
            "rich",
            "poor",
        )
        for c in conditions
    }
    whole = {float(scores.layers): after(world=own)}
    for name, compared in (("parameters", sizes), ("layers kept", LAYERS | whole)):
        by_size = {
            size: rich_less_poor(scores, condition, "overconfidence")
            for size, condition in compared.items()
            if scores.measured([condition]) and scores.sees(condition, "xnli")
        }
        if len(by_size) > 2:
            told[f"overconfidence by {name}"] = by_size
            told[f"rise per doubling of {name}"] = slope_per_doubling(by_size)
    return told


def calibration(rungs: Sequence[Rung]) -> Study:
    """Return the study of the first of these models; its sizes are those of that one's kind."""
    own = rungs[0]
    worlds = sized([rung for rung in rungs if rung.kind == own.kind])
    return _of(own.world, {size: after(world=world) for size, world in worlds.items()})


def _of(own: str, sizes: Mapping[float, Condition]) -> Study:
    def value(scores: Scores, targets: tuple[str, ...]) -> float:
        """Return over-confidence without phase (ii): rich less poor languages, in points."""
        return rich_less_poor(scores, after(world=own), "overconfidence")

    return Study(
        id="calibration",
        conditions=tuple(dict.fromkeys((*conditions_of(own), *sizes.values()))),
        value=value,
        details=partial(details, own, sizes),
        targets=("xnli",),
        needed=(after(world=own),),
        # 100 rows give a perfectly calibrated model an error of ten points.
        evaluation_rows=2_000,
        compares=calibration,
    )


STUDY = replace(_of(MAIN, TESTBED), elsewhere=(*conditions_of(MAIN), *LAYERS.values()))

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
