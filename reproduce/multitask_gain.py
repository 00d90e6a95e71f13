"""Average gain over the nine targets after training on all tasks together (paper: +8.7)."""

from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain
from stilts_repro.experiments.rows import MULTITASK
from stilts_repro.paper import INTERMEDIATES


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after multi-task training, less the dev score without."""
    return average_gain(scores, targets, MULTITASK)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Which tasks it was trained on: all nine, unless the data of some was left out."""
    tasks = [task for task in INTERMEDIATES if task in scores.tasks]
    return {"trained on": f"{', '.join(tasks)} ({len(tasks)} of {len(INTERMEDIATES)})"}


CLAIM = Claim(
    id="multitask_gain",
    statement=(
        "Multi-task intermediate training on all nine English tasks raises the average over "
        "the nine target tasks by 8.7 points, the best of all."
    ),
    intermediates=(MULTITASK,),
    value=value,
    details=details,
    any_rows=True,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
