"""Gain on XTREME with the best intermediate model for each target (paper: +5.4).

The model is chosen on each target's dev part and scored on its test part, so that the choice
cannot profit from the rows it is scored on.
"""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import MULTITASK, Condition
from stilts_repro.run.grid import (
    Claim,
    Scores,
    best_per_target_details,
    best_per_target_gain,
    singly,
)


def models(scores: Scores) -> tuple[Condition, ...]:
    """Return the models to choose from: all ten, unless the data of some was left out."""
    return (*(c for c in singly() if str(c) in scores.tasks), MULTITASK)


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the test score of the chosen model, less the test score without."""
    return best_per_target_gain(scores, targets, models(scores))


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Which model was chosen for each target, and what it gained."""
    return best_per_target_details(scores, targets, models(scores))


CLAIM = Claim(
    id="xtreme_gain",
    conditions=(*singly(), MULTITASK),
    value=value,
    details=details,
    any_rows=True,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
