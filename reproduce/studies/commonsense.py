"""Whether an English commonsense task before COPA helps XCOPA, XTREME-R's reasoning target.

XTREME-R trains on SIQA and then on COPA, whose rows are few: intermediate training by another name.
The statistic is the mean gain on XCOPA's test rows over the commonsense tasks that are there, in
points: they are several times its 100 development rows, and nothing is chosen by them.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import after
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study

BEFORE = (after("hellaswag"), after("cosmosqa"), after("csqa"), after("siqa"))


def gains(scores: Scores) -> dict[str, float]:
    """Return the gain on XCOPA after each task that was there, in points."""
    return {
        str(c): scores.test(c, "xcopa") - scores.test(c.baseline, "xcopa")
        for c in scores.held(BEFORE)
    }


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the mean gain after the tasks that were there, in points."""
    return fmean(gains(scores).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after each task."""
    return {"gain after": gains(scores)}


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
