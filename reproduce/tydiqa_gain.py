"""Gain on TyDiQA, the target with least English data, after SQuAD v2.0 (paper: +10.9)."""

from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, average_gain
from stilts_repro.experiments.rows import MULTITASK
from stilts_repro.paper import INTERMEDIATES

ROWS = (*INTERMEDIATES, MULTITASK)


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """TyDiQA's dev score after SQuAD v2.0, less the dev score without."""
    return average_gain(scores, targets, "squad_v2")


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after every task: the paper speaks of many."""
    return {"gain after": {row: average_gain(scores, targets, row) for row in ROWS}}


CLAIM = Claim(
    id="tydiqa_gain",
    statement=(
        "TyDiQA gains consistently from many intermediate tasks, most from SQuAD v2: 10.9 points "
        "(the mean of 10.4 in F1 and 11.3 in exact match)."
    ),
    intermediates=ROWS,
    value=value,
    details=details,
    targets=("tydiqa",),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
