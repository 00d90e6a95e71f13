"""Continued multilingual MLM beside the intermediate task (paper: not consistently better).

The three tasks that the paper names best, each with and without a quarter of the steps on masked
text in every language.
"""

from statistics import fmean
from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain

BEST = ("squad_v2", "mnli", "hellaswag")


def differences(scores: Scores, targets: tuple[str, ...]) -> dict[str, float]:
    """Return what MLM beside the task adds to its average gain, for each task."""
    return {
        row: average_gain(scores, targets, f"{row}+mlm") - average_gain(scores, targets, row)
        for row in BEST
    }


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the three tasks of the average dev gain with MLM, less the gain without."""
    return fmean(differences(scores, targets).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return what MLM adds for each task."""
    return {"MLM adds": differences(scores, targets)}


CLAIM = Claim(
    id="mlm_continuation",
    statement=(
        "Continuing multilingual masked-language modelling during intermediate training does not "
        "consistently beat plain English intermediate training."
    ),
    intermediates=tuple(name for row in BEST for name in (row, f"{row}+mlm")),
    value=value,
    details=details,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
