"""XNLI does not gain: the best of the nine intermediate tasks loses 0.8 points in the paper.

The best of nine noisy gains lies above zero even where nothing helps; `details` has the mean too.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.run.gains import average_gains
from stilts_repro.run.grid import Claim, Scores, singly


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """XNLI's dev gain after the task that is best for it: below zero if nothing helps."""
    return max(average_gains(scores, targets, scores.held(singly())).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after every task, and their mean."""
    gains = average_gains(scores, targets, scores.held(singly()))
    return {"gain after": gains, "mean gain": fmean(gains.values())}


CLAIM = Claim(
    id="xnli_no_gain",
    conditions=singly(),
    value=value,
    details=details,
    targets=("xnli",),
    scales=("smoke", "testbed-long", "laptop", "base", "paper"),  # at testbed it is dark
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
