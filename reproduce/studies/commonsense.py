"""Whether an English commonsense task before COPA helps XCOPA, XTREME-R's reasoning target.

XTREME-R trains on SIQA and then on COPA, whose rows are few: intermediate training by another name.
The statistic is the mean gain on XCOPA's development rows over the commonsense tasks that are
there, in points.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import average_gains
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study

BEFORE = (after("hellaswag"), after("cosmosqa"), after("csqa"), after("siqa"))


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the mean gain after the tasks that were there, in points."""
    return fmean(average_gains(scores, targets, scores.held(BEFORE)).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after each task."""
    return {"gain after": average_gains(scores, targets, scores.held(BEFORE))}


STUDY = Study(
    id="commonsense",
    conditions=BEFORE,
    value=value,
    details=details,
    targets=("xcopa",),
    scales=("laptop", "base", "paper"),
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
