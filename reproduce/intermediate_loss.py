"""A control that sees small changes: the loss that phase (ii) ends on, the mean over tasks.

Scores count whole answers, and a change of the optimiser's epsilon by a factor of ten moves none of
them at `smoke`. A loss moves with everything that training does.
"""

from stilts_repro.cli.reproduce import main
from stilts_repro.run.grid import Scores, own_tasks_claim, singly


def last_losses(scores: Scores) -> dict[str, float]:
    """Return the mean of the last twenty losses of each single task's training, in nats."""
    return {str(c): scores.losses[str(c)] for c in scores.held(singly())}


CLAIM = own_tasks_claim("intermediate_loss", "last loss", last_losses)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
