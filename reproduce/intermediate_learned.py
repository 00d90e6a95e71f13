"""A control that must succeed: phase (ii) teaches the model the tasks that it trains on.

A claim about transfer means nothing where phase (ii) did not happen or does nothing any more, and
gains of a point or two scatter too much to show that on another machine than the reference's. How
well the models do their own tasks, the mean over these, shows it.
"""

from collections.abc import Mapping

from stilts_repro.cli.reproduce import main
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.run.grid import Scores, own_tasks_claim


def own_scores(scores: Scores) -> Mapping[str, float]:
    """Return what the model of each single task scores on that task's English dev rows."""
    return {task: scores.own[task][task] for task in INTERMEDIATES if task in scores.own}


CLAIM = own_tasks_claim("intermediate_learned", "on its own dev rows", own_scores)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
