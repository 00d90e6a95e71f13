"""Gain on XTREME with the best intermediate model for each target (paper: +5.4).

The model is chosen on each target's dev part and scored on its test part, so that the choice
cannot profit from the rows it is scored on.
"""

from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import (
    Claim,
    Scores,
    best_per_target_details,
    best_per_target_gain,
)
from stilts_repro.experiments.rows import MULTITASK
from stilts_repro.paper import INTERMEDIATES

MODELS = (*INTERMEDIATES, MULTITASK)


def models(scores: Scores) -> list[str]:
    """Return the models to choose from: all ten, unless the data of some was left out."""
    return [row for row in MODELS if row == MULTITASK or row in scores.tasks]


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the test score of the chosen model, less the test score without."""
    return best_per_target_gain(scores, targets, models(scores))


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Which model was chosen for each target, and what it gained."""
    return best_per_target_details(scores, targets, models(scores))


CLAIM = Claim(
    id="xtreme_gain",
    statement=(
        "The best intermediate model for each target task, chosen on its development set, "
        "gains 5.4 points over XLM-R Large on the XTREME benchmark."
    ),
    intermediates=MODELS,
    value=value,
    details=details,
    any_rows=True,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
