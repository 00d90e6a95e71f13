"""S4: whether an encoder or a decoder of equal size gains more from phase (ii), in which languages.

The statistic is what MNLI and SQuAD v2.0 bring an encoder of width 96, in the mean over targets and
languages other than English, less what they bring a decoder, in points. Both were pre-trained on
the same documents in the same order. Whether a difference is the class's or the reading's is told
by a decoder without its mask and one that reads its input twice; an encoder-decoder stands beside
them, read as usual and by its encoder.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import Condition, after
from stilts_repro.experiments.scales import MIDDLE, PARAMETERS
from stilts_repro.models.ways import Kind
from stilts_repro.run.grid import Scores, besides_english
from stilts_repro.run.studies import Rung, Study

KINDS: tuple[Kind, ...] = ("encoder", "decoder")  # that are compared
READ: tuple[tuple[Kind, str], ...] = (
    *(("encoder", ""), ("decoder", ""), ("decoder", "-unmasked"), ("decoder", "-repeated")),
    *(("encoder_decoder", ""), ("encoder_decoder", "-encoder")),
)
TESTBED = tuple(Rung(f"{kind}-{MIDDLE}{way}", kind, PARAMETERS[MIDDLE]) for kind, way in READ)
TASKS = ("mnli", "squad_v2")


def conditions_of(world: str) -> tuple[Condition, ...]:
    """Return what comes before the targets of a model."""
    return tuple(after(task, world=world) for task in TASKS)


def gains(scores: Scores, world: str, targets: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the mean gain over tasks by target and language other than English, in points."""
    return {
        target: {
            code: fmean(
                scores.dev_languages(c, target)[code]
                - scores.dev_languages(c.baseline, target)[code]
                for c in conditions_of(world)
            )
            for code in besides_english(
                scores.dev_languages(conditions_of(world)[0], target), target
            )
        }
        for target in targets
    }


def details(worlds: Sequence[str], scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain by target, and by language over targets, of each model that was there.

    Without targets that it cannot measure.
    """
    told: dict[str, Any] = {}
    for world in worlds:
        conditions = conditions_of(world)
        if not scores.measured(conditions):
            continue
        held = gains(scores, world, tuple(t for t in targets if scores.sees(conditions[0], t)))
        told[f"{world}: gain by target"] = {t: fmean(v.values()) for t, v in held.items()}
        codes = {code for by_language in held.values() for code in by_language}
        told[f"{world}: gain by language"] = {
            code: fmean(v[code] for v in held.values() if code in v) for code in sorted(codes)
        }
    return told


def architecture(rungs: Sequence[Rung]) -> Study:
    """Return the study of these models: it compares the first encoder and the first decoder.

    Raises `InputError` where there is none of either.
    """
    firsts = [next((r.world for r in rungs if r.kind == kind), None) for kind in KINDS]
    compared = [world for world in firsts if world is not None]
    if len(compared) < len(KINDS):
        told = ", ".join(map(str, rungs))
        raise InputError(f"--models: {told}; an encoder and a decoder are compared, give both")

    def value(scores: Scores, targets: tuple[str, ...]) -> float:
        """Return what an encoder gains more than a decoder, in points."""
        encoder, decoder = (
            fmean(fmean(held.values()) for held in gains(scores, world, targets).values())
            for world in compared
        )
        return encoder - decoder

    return Study(
        id="architecture",
        conditions=tuple(c for rung in rungs for c in conditions_of(rung.world)),
        needed=tuple(c for world in compared for c in conditions_of(world)),
        value=value,
        details=partial(details, [rung.world for rung in rungs]),
        targets=("xnli", "udpos", "panx", "tydiqa", "tatoeba"),
        compares=architecture,
    )


STUDY = replace(architecture(TESTBED), scales=("smoke", "testbed"))

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
