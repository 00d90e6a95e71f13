"""S4: whether an encoder or a decoder of equal size gains more from phase (ii), in which languages.

The statistic is what MNLI and SQuAD v2.0 bring an encoder of width 96, in the mean over targets and
languages other than English, less what they bring a decoder, in points. Both were pre-trained on
the same documents in the same order. Whether a difference is the class's or the reading's is told
by a decoder without its mask and one that reads its input twice; an encoder-decoder stands beside
them, read as usual and by its encoder.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.experiments.conditions import after
from stilts_repro.experiments.scales import MIDDLE
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study

KINDS = ("encoder", "decoder")
OTHERS = tuple(
    f"{kind}-{MIDDLE}{way}"
    for kind, way in (
        *(("decoder", "-unmasked"), ("decoder", "-repeated")),
        *(("encoder_decoder", ""), ("encoder_decoder", "-encoder")),
    )
)
TASKS = ("mnli", "squad_v2")
CONDITIONS = {
    world: tuple(after(task, world=world) for task in TASKS)
    for world in (*(f"{kind}-{MIDDLE}" for kind in KINDS), *OTHERS)
}
COMPARED = tuple(CONDITIONS)[: len(KINDS)]


def gains(scores: Scores, world: str, targets: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the mean gain over tasks by target and language other than English, in points."""
    return {
        target: {
            code: fmean(
                scores.dev_languages(c, target)[code]
                - scores.dev_languages(c.baseline, target)[code]
                for c in CONDITIONS[world]
            )
            for code in scores.dev_languages(CONDITIONS[world][0], target)
            if code != "en"
        }
        for target in targets
    }


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return what an encoder gains more than a decoder, in points."""
    encoder, decoder = (
        fmean(fmean(held.values()) for held in gains(scores, w, targets).values()) for w in COMPARED
    )
    return encoder - decoder


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain by target, and by language over targets, of each kind that was there.

    Without targets that it cannot measure.
    """
    told: dict[str, Any] = {}
    for world, conditions in CONDITIONS.items():
        if not scores.measured(conditions):
            continue
        held = gains(scores, world, tuple(t for t in targets if scores.sees(conditions[0], t)))
        told[f"{world}: gain by target"] = {t: fmean(v.values()) for t, v in held.items()}
        codes = {code for by_language in held.values() for code in by_language}
        told[f"{world}: gain by language"] = {
            code: fmean(v[code] for v in held.values() if code in v) for code in sorted(codes)
        }
    return told


STUDY = Study(
    id="architecture",
    conditions=tuple(c for conditions in CONDITIONS.values() for c in conditions),
    needed=tuple(c for world in COMPARED for c in CONDITIONS[world]),
    value=value,
    details=details,
    targets=("xnli", "udpos", "panx", "tydiqa", "tatoeba"),
    scales=("smoke", "testbed"),
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
