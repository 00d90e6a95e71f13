"""Average gain over the nine targets after training on all tasks together (paper: +8.7)."""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import MULTITASK
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.run.gains import average_gain
from stilts_repro.run.grid import Claim, Scores


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after multi-task training, less the dev score without."""
    return average_gain(scores, targets, MULTITASK)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Which tasks it was trained on: all nine, unless the data of some was left out."""
    tasks = [task for task in INTERMEDIATES if task in scores.tasks]
    return {"trained on": f"{', '.join(tasks)} ({len(tasks)} of {len(INTERMEDIATES)})"}


CLAIM = Claim(
    id="multitask_gain",
    conditions=(MULTITASK,),
    value=value,
    details=details,
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
