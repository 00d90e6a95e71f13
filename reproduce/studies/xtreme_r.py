"""Whether phase (ii) helps on XTREME-R: reasoning, and more languages than the paper looked at.

The statistic is the gain after SQuAD v2.0 or MNLI, the mean over both and over the targets that are
there, in points: Mewsli-X, retrieval of entities, only where somebody has its files.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import average_gains, gains
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study, design_of

TARGETS = (
    *("xnli", "xcopa", "udpos_r", "panx_r", "xquad_r", "mlqa", "tydiqa"),
    *("tatoeba_r", "lareqa", "mewsli_x"),
)
BEFORE = (after("squad_v2"), after("mnli"))


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the mean gain, in points."""
    return fmean(average_gains(scores, targets, scores.held(BEFORE)).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain by target, and that of the languages that XTREME had not."""
    added = {*design_of("xtreme_r").languages["added"]}
    told: dict[str, Any] = {}
    for condition in scores.held(BEFORE):
        told[f"{condition}: gain by target"] = gains(scores, targets, condition)
        told[f"{condition}: gain of the languages that are new"] = {
            target: fmean(found)
            for target in targets
            if (
                found := [
                    score - scores.dev_languages(condition.baseline, target)[code]
                    for code, score in scores.dev_languages(condition, target).items()
                    if code in added
                ]
            )
        }
    return told


STUDY = Study(
    id="xtreme_r",
    conditions=BEFORE,
    value=value,
    details=details,
    targets=TARGETS,
    scales=("laptop", "base", "paper"),
    needed=(),
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
