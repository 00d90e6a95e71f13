"""S2: how much an intermediate task aligns languages, beside fine-tuning on MNLI alone.

The statistic is the share of Tatoeba's sentences whose translation is nearest to them, and they to
it, with each language's mean taken away, after an intermediate task and then MNLI, less that after
MNLI alone: the mean over languages and over both tasks, in points.
"""

from contextlib import suppress
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import NONE, Condition, after
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study, contrast, design_of

DIRECT = after("mnli")
BEFORE = (after("squad_v2", then="mnli"), after("hellaswag", then="mnli"))
CONTROL = after("hellaswag", shuffled=True, then="mnli")  # steps without a task
MEASURES = ("mutual", "centred", "accuracy")


def gains(
    scores: Scores, condition: Condition, measure: str, beside: Condition = DIRECT
) -> dict[str, float]:
    """Return what `condition` brings beyond another, MNLI alone, by language, in points."""
    then = scores.metric(measure, condition, "tatoeba", "dev")
    alone = scores.metric(measure, beside, "tatoeba", "dev")
    return {code: value - alone[code] for code, value in then.items()}


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the mean gain in mutually nearest sentences, in points."""
    return fmean(fmean(gains(scores, condition, "mutual").values()) for condition in BEFORE)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return each measure by condition, and what a rich morphology gains beyond a poor one."""
    told: dict[str, Any] = {
        measure: {
            str(c): fmean(scores.metric(measure, c, "tatoeba", "dev").values())
            for c in (NONE, DIRECT, *BEFORE, CONTROL)
        }
        for measure in MEASURES
    }
    with suppress(InputError):  # without one kind of language the rest is told all the same
        told["mutual, gain of rich less poor morphology"] = {
            str(c): contrast(gains(scores, c, "mutual"), design_of("alignment"), "rich", "poor")
            for c in (*BEFORE, CONTROL)
        }
    return told


STUDY = Study(
    id="alignment",
    conditions=(DIRECT, *BEFORE, CONTROL),
    value=value,
    details=details,
    targets=("tatoeba",),
    evaluation_rows=500,
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
