"""Average gain over the nine targets after intermediate training on MNLI (paper: +7.5)."""

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score with MNLI, less the dev score without."""
    return average_gain(scores, targets, "mnli")


CLAIM = Claim(
    id="mnli_gain",
    statement=(
        "Intermediate training on English MNLI raises the average over the nine target tasks "
        "by 7.5 points."
    ),
    intermediates=("mnli",),
    value=value,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
