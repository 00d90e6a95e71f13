"""Gain on BUCC and Tatoeba, which nothing is trained for, over the nine tasks (paper: +32.0)."""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.run.gains import average_gains, gains
from stilts_repro.run.grid import Claim, Scores, singly

RETRIEVAL = ("bucc2018", "tatoeba")


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the nine tasks and the two targets of the dev score, less the score without."""
    return fmean(average_gains(scores, targets, scores.held(singly())).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Each task's gain on each target: the paper's gains are all above ten points."""
    by_task = {str(task): gains(scores, targets, task) for task in scores.held(singly())}
    return {target: {task: gain[target] for task, gain in by_task.items()} for target in targets}


CLAIM = Claim(
    id="retrieval_gain",
    conditions=singly(),
    value=value,
    details=details,
    targets=RETRIEVAL,
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
