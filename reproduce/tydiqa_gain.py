"""Gain on TyDiQA, the target with least English data, after SQuAD v2.0 (paper: +10.9)."""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import MULTITASK, after
from stilts_repro.run.gains import average_gain, average_gains
from stilts_repro.run.grid import Claim, Scores, singly

SQUAD = after("squad_v2")
CONDITIONS = (*singly(), MULTITASK)


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """TyDiQA's dev score after SQuAD v2.0, less the dev score without."""
    return average_gain(scores, targets, SQUAD)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain after every task that was there: the paper speaks of many."""
    return {"gain after": average_gains(scores, targets, scores.held(CONDITIONS))}


CLAIM = Claim(
    id="tydiqa_gain",
    conditions=CONDITIONS,
    value=value,
    details=details,
    targets=("tydiqa",),
    needed=(SQUAD,),
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
