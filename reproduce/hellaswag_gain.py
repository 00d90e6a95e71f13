"""Average gain over the nine targets after intermediate training on HellaSwag (paper: +7.0)."""

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score with HellaSwag, less the dev score without."""
    return average_gain(scores, targets, "hellaswag")


CLAIM = Claim(
    id="hellaswag_gain",
    statement=(
        "Intermediate training on English HellaSwag raises the average over the nine target "
        "tasks by 7.0 points."
    ),
    intermediates=("hellaswag",),
    value=value,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
