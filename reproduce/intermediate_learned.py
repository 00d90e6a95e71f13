"""A control that must succeed: phase (ii) teaches the model the tasks that it trains on.

A claim about transfer means nothing where phase (ii) did not happen or does nothing any more, and
gains of a point or two scatter too much to show that on another machine than the reference's. How
well the models do their own tasks shows it. Its cells are Tatoeba's, the cheapest to measure.
"""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.run.grid import Claim, Scores, singly


def own_scores(scores: Scores) -> Mapping[str, float]:
    """Return what the model of each single task scores on that task's English dev rows."""
    return {task: scores.own[task][task] for task in INTERMEDIATES if task in scores.own}


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean of these scores over the intermediate tasks."""
    return fmean(own_scores(scores).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the score of each task."""
    return {"on its own dev rows": own_scores(scores)}


CLAIM = Claim(
    id="intermediate_learned",
    conditions=singly(),
    value=value,
    details=details,
    targets=("tatoeba",),
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
