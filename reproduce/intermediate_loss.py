"""A control that sees small changes: the loss that phase (ii) ends on.

Scores count whole answers, and a change of the optimiser's epsilon by a factor of ten moves none of
them at `smoke`. A loss moves with everything that training does. Its cells are Tatoeba's, the
cheapest to measure.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.run.grid import Claim, Scores, singly


def last_losses(scores: Scores) -> dict[str, float]:
    """Return the mean of the last twenty losses of each single task's training, in nats."""
    return {str(c): scores.losses[str(c)] for c in scores.held(singly())}


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean of these losses over the intermediate tasks."""
    return fmean(last_losses(scores).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the loss of each task."""
    return {"last loss": last_losses(scores)}


CLAIM = Claim(
    id="intermediate_loss",
    conditions=singly(),
    value=value,
    details=details,
    targets=("tatoeba",),
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
