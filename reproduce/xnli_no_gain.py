"""XNLI does not gain: the best of the nine intermediate tasks loses 0.8 points in the paper.

The best of nine noisy gains lies above zero even where nothing helps; `details` has the mean too.
"""

from statistics import fmean
from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain
from stilts_repro.paper import INTERMEDIATES


def by_row(scores: Scores, targets: tuple[str, ...]) -> dict[str, float]:
    """Return XNLI's dev gain after each task."""
    return {row: average_gain(scores, targets, row) for row in INTERMEDIATES}


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """XNLI's dev gain after the task that is best for it: below zero if nothing helps."""
    return max(by_row(scores, targets).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after every task, and their mean."""
    gains = by_row(scores, targets)
    return {"gain after": gains, "mean gain": fmean(gains.values())}


CLAIM = Claim(
    id="xnli_no_gain",
    statement=(
        "XNLI, which has ample English training data, gains from no intermediate task: after the "
        "best of the nine it loses 0.8 points."
    ),
    intermediates=INTERMEDIATES,
    value=value,
    details=details,
    targets=("xnli",),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
