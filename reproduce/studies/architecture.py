"""S4: whether an encoder or a decoder of equal size gains more from phase (ii), in which languages.

The statistic is what MNLI and SQuAD v2.0 bring an encoder of width 96, in the mean over targets and
languages other than English, less what they bring a decoder, in points. Both were pre-trained on
the same documents in the same order.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import after
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study

WIDTH = 96
TASKS = ("mnli", "squad_v2")
TARGETS = ("xnli", "udpos", "panx", "tydiqa", "tatoeba")
CONDITIONS = {
    kind: tuple(after(task, world=f"{kind}-{WIDTH}") for task in TASKS)
    for kind in ("encoder", "decoder")
}


def gains(scores: Scores, kind: str) -> dict[str, dict[str, float]]:
    """Return the mean gain over tasks by target and language other than English, in points."""
    return {
        target: {
            code: fmean(
                scores.dev_languages(c, target)[code]
                - scores.dev_languages(c.baseline, target)[code]
                for c in CONDITIONS[kind]
            )
            for code in scores.dev_languages(CONDITIONS[kind][0], target)
            if code != "en"
        }
        for target in TARGETS
    }


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return what an encoder gains more than a decoder, in points."""
    encoder, decoder = (
        fmean(fmean(held.values()) for held in gains(scores, kind).values()) for kind in CONDITIONS
    )
    return encoder - decoder


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain of each kind by target, and by language over targets."""
    told: dict[str, Any] = {}
    for kind in CONDITIONS:
        held = gains(scores, kind)
        told[f"{kind}: gain by target"] = {t: fmean(v.values()) for t, v in held.items()}
        codes = {code for by_language in held.values() for code in by_language}
        told[f"{kind}: gain by language"] = {
            code: fmean(v[code] for v in held.values() if code in v) for code in sorted(codes)
        }
    return told


STUDY = Study(
    id="architecture",
    conditions=(*CONDITIONS["encoder"], *CONDITIONS["decoder"]),
    value=value,
    details=details,
    targets=TARGETS,
    scales=("smoke", "testbed"),
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
