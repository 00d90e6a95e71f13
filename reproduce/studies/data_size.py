"""S3: what the size of phase (ii)'s data does to zero-shot PAWS-X.

MNLI's rows are cut to a 64th, a 16th and a quarter, in two ways: read once, so that fewer rows are
fewer steps as well, and as often as gives all the steps. The statistic is the rise of macro F1 in
languages other than English with each doubling of the rows, read once.
"""

from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import NONE, Condition, after
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study, slope_per_doubling

PARTS = (64, 16, 4, 1)
SHUFFLED = (4, 1)  # what the steps alone do
ONCE = {part: after("mnli", divided=part) for part in PARTS}
REPEATED = {part: after("mnli", divided=part, repeated=part > 1) for part in PARTS}
CONTROL = {part: after("mnli", divided=part, shuffled=True) for part in SHUFFLED}
MEASURES = ("macro_f1", "f1_of_1", "accuracy", "largest_share")


def others(scores: Scores, condition: Condition, measure: str) -> float:
    """Return the mean of a measure over PAWS-X's test rows in languages other than English."""
    return scores.others(measure, condition, "pawsx", "test")


def slope(scores: Scores, arm: dict[int, Condition], measure: str) -> float:
    """Return the rise of a measure, in points, with each doubling of the rows."""
    return slope_per_doubling({1 / part: others(scores, c, measure) for part, c in arm.items()})


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the rise of macro F1 with each doubling of the rows, each read once, in points."""
    return slope(scores, ONCE, "macro_f1")


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return every measure by condition, and its rise in both ways of having fewer rows.

    F1 of "1", that both say the same, rewards a model that always says so: the largest share of
    equal predictions stands beside it.
    """
    conditions = (NONE, *ONCE.values(), *REPEATED.values(), *CONTROL.values())
    told: dict[str, Any] = {
        measure: {str(c): others(scores, c, measure) for c in conditions} for measure in MEASURES
    }
    told["rise per doubling, read once"] = {m: slope(scores, ONCE, m) for m in MEASURES}
    told["rise per doubling, as many steps"] = {m: slope(scores, REPEATED, m) for m in MEASURES}
    return told


STUDY = Study(
    id="data_size",
    conditions=(*ONCE.values(), *REPEATED.values(), *CONTROL.values()),
    value=value,
    details=details,
    targets=("pawsx",),
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
