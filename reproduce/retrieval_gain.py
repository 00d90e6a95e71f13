"""Gain on BUCC and Tatoeba, which nothing is trained for, over the nine tasks (paper: +32.0)."""

from statistics import fmean
from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain, gains
from stilts_repro.paper import INTERMEDIATES

RETRIEVAL = ("bucc2018", "tatoeba")


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the nine tasks and the two targets of the dev score, less the score without."""
    return fmean(average_gain(scores, targets, row) for row in INTERMEDIATES)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Each task's gain on each target: the paper's gains are all above ten points."""
    by_row = {row: gains(scores, targets, row) for row in INTERMEDIATES}
    return {target: {row: held[target] for row, held in by_row.items()} for target in targets}


CLAIM = Claim(
    id="retrieval_gain",
    statement=(
        "BUCC and Tatoeba, which have no training data, gain a lot from almost every intermediate "
        "task: 32.0 points on average over the two and the nine tasks."
    ),
    intermediates=INTERMEDIATES,
    value=value,
    details=details,
    targets=RETRIEVAL,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
