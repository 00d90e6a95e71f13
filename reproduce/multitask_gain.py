"""Average gain over the nine targets after training on all tasks together (paper: +8.7)."""

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after multi-task training, less the dev score without."""
    return average_gain(scores, targets, "multitask")


CLAIM = Claim(
    id="multitask_gain",
    statement=(
        "Multi-task intermediate training on all nine English tasks raises the average over "
        "the nine target tasks by 8.7 points, the best of all."
    ),
    intermediates=("multitask",),
    value=value,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
