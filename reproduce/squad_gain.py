"""Average gain over the nine targets after intermediate training on SQuAD v2.0 (paper: +8.2)."""

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score with SQuAD v2.0, less the dev score without."""
    return average_gain(scores, targets, "squad_v2")


CLAIM = Claim(
    id="squad_gain",
    statement=(
        "Intermediate training on English SQuAD v2 raises the average over the nine target "
        "tasks by 8.2 points."
    ),
    intermediates=("squad_v2",),
    value=value,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
