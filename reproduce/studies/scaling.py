"""S1: how what phase (ii) brings grows with the model's size, for encoders and for decoders.

The statistic is the rise with each doubling of the parameters beside the embeddings, in points, of
what MNLI and SQuAD v2.0 bring encoders on the targets that are scored by F1, in languages other
than English. SQuAD's gain is not counted where the target trains on SQuAD itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import Condition, after
from stilts_repro.experiments.scales import PARAMETERS
from stilts_repro.models.ways import Kind
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Rung, Study, errors_left_out, sized, slope_per_doubling

TARGETS = ("udpos", "panx", "xquad", "mlqa", "tydiqa")
COUNTED = {"mnli": TARGETS, "squad_v2": ("udpos", "panx", "tydiqa")}
Worlds = Mapping[float, str]  # of models of one kind, by their parameters
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "encoder_decoder")
TESTBED = tuple(
    Rung(f"{kind}-{width}", kind, size) for kind in KINDS[:2] for width, size in PARAMETERS.items()
)


def conditions_of(world: str) -> dict[str, Condition]:
    """Return what comes before the targets of a model, by intermediate task."""
    return {task: after(task, world=world) for task in COUNTED}


def gains(
    scores: Scores, worlds: Worlds, targets: tuple[str, ...], *, logits: bool = False
) -> dict[float, float]:
    """Return the mean gain by number of parameters, in points or, of F1 / 100, in logits.

    It is that of each size that was there, over those of `targets` that count. A size that cannot
    measure all of them is left out.
    """
    counted = [(task, t) for task, held in COUNTED.items() for t in held if t in targets]

    def height(condition: Condition, target: str) -> float:
        value = scores.others("f1", condition, target, "dev")
        share = min(max(value / 100, 1e-3), 1 - 1e-3)
        return math.log(share / (1 - share)) if logits else value

    found = {}
    for size, world in worlds.items():
        conditions = conditions_of(world)
        seen = all(scores.sees(conditions[task], target) for task, target in counted)
        if not seen or not scores.measured(conditions.values()):
            continue
        found[size] = fmean(
            height(conditions[task], target) - height(conditions[task].baseline, target)
            for task, target in counted
        )
    return found


def details(
    by_kind: Mapping[Kind, Worlds], scores: Scores, targets: tuple[str, ...]
) -> dict[str, Any]:
    """Return gains and rises by kind, in logits too, and how well each form tells a size left out.

    Near 100 a gain can fall by the ceiling alone; in logits there is none. A rise takes three
    sizes.
    """
    gained = {k: held for k, own in by_kind.items() if (held := gains(scores, own, targets))}
    rising = [kind for kind, held in gained.items() if len(held) > 2]
    return {
        "gain by parameters": gained,
        "rise per doubling": {kind: slope_per_doubling(gained[kind]) for kind in rising},
        "rise per doubling, in logits": {
            kind: slope_per_doubling(gains(scores, by_kind[kind], targets, logits=True))
            for kind in rising
        },
        "error at a size left out": {kind: errors_left_out(gained[kind]) for kind in rising},
    }


def scaling(rungs: Sequence[Rung]) -> Study:
    """Return the study of these models; its statistic is of the encoders among them.

    Without three encoders it is of the first kind that has three sizes. Raises `InputError` where
    none has.
    """
    by_kind = {kind: sized([rung for rung in rungs if rung.kind == kind]) for kind in KINDS}
    primary = next((worlds for worlds in by_kind.values() if len(worlds) > 2), None)
    if primary is None:
        told = ", ".join(map(str, rungs))
        raise InputError(f"--models: {told}; a slope needs three sizes of one kind, give more")

    def value(scores: Scores, targets: tuple[str, ...]) -> float:
        """Return the rise of the gain with each doubling of the parameters, in points."""
        return slope_per_doubling(gains(scores, primary, targets))

    return Study(
        id="scaling",
        conditions=tuple(c for rung in rungs for c in conditions_of(rung.world).values()),
        value=value,
        details=partial(details, by_kind),
        targets=TARGETS,
        needed=tuple(c for world in primary.values() for c in conditions_of(world).values()),
        compares=scaling,
    )


STUDY = replace(scaling(TESTBED), scales=("smoke", "testbed"))

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
