"""Multi-task training against the best single task (paper: 8.7 against 8.2, so +0.5)."""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import MULTITASK
from stilts_repro.run.gains import average_gain, average_gains
from stilts_repro.run.grid import Claim, Scores, singly


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Average dev gain of multi-task training, less that of the best single task."""
    best = max(average_gains(scores, targets, singly()).values())
    return average_gain(scores, targets, MULTITASK) - best


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Every row's average gain."""
    return {"average gain after": average_gains(scores, targets, (*singly(), MULTITASK))}


CLAIM = Claim(
    id="multitask_best",
    conditions=(*singly(), MULTITASK),
    value=value,
    details=details,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
