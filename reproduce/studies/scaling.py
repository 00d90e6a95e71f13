"""S1: how what phase (ii) brings grows with the model's size, for encoders and for decoders.

The statistic is the rise with each doubling of the parameters beside the embeddings, in points, of
what MNLI and SQuAD v2.0 bring encoders on the targets that are scored by F1, in languages other
than English. SQuAD's gain is not counted where the target trains on SQuAD itself.
"""

import math
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import study
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import Condition, after
from stilts_repro.experiments.scales import PARAMETERS, WIDTHS
from stilts_repro.run.grid import Scores
from stilts_repro.run.studies import Study, errors_left_out, slope_per_doubling

TARGETS = ("udpos", "panx", "xquad", "mlqa", "tydiqa")
COUNTED = {"mnli": TARGETS, "squad_v2": ("udpos", "panx", "tydiqa")}
KINDS = ("encoder", "decoder")
CONDITIONS = {
    kind: tuple(after(task, world=f"{kind}-{width}") for width in WIDTHS for task in COUNTED)
    for kind in KINDS
}


def gains(
    scores: Scores, kind: str, targets: tuple[str, ...], *, logits: bool = False
) -> dict[float, float]:
    """Return the mean gain by number of parameters, in points or, of F1 / 100, in logits.

    It is that of each size that was there, over those of `targets` that count. Raises `InputError`
    where none does. A size that cannot measure all of them is left out.
    """
    counted = [(task, t) for task, held in COUNTED.items() for t in held if t in targets]
    if not counted:
        raise InputError(f"study scaling: no target that counts; give {', '.join(TARGETS)}")

    def height(condition: Condition, target: str) -> float:
        value = scores.others("f1", condition, target, "dev")
        share = min(max(value / 100, 1e-3), 1 - 1e-3)
        return math.log(share / (1 - share)) if logits else value

    found = {}
    for width, size in PARAMETERS.items():
        conditions = {task: after(task, world=f"{kind}-{width}") for task in COUNTED}
        seen = all(scores.sees(conditions[task], target) for task, target in counted)
        if not seen or not scores.measured(conditions.values()):
            continue
        found[float(size)] = fmean(
            height(conditions[task], target) - height(conditions[task].baseline, target)
            for task, target in counted
        )
    return found


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Return the rise of encoders' gain with each doubling of their parameters, in points."""
    return slope_per_doubling(gains(scores, "encoder", targets))


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return gains and rises by kind, in logits too, and how well each form tells a size left out.

    Near 100 a gain can fall by the ceiling alone; in logits there is none. A rise takes three
    sizes.
    """
    gained = {kind: held for kind in KINDS if (held := gains(scores, kind, targets))}
    rising = [kind for kind, held in gained.items() if len(held) > 2]
    return {
        "gain by parameters": gained,
        "rise per doubling": {kind: slope_per_doubling(gained[kind]) for kind in rising},
        "rise per doubling, in logits": {
            kind: slope_per_doubling(gains(scores, kind, targets, logits=True)) for kind in rising
        },
        "error at a size left out": {kind: errors_left_out(gained[kind]) for kind in rising},
    }


STUDY = Study(
    id="scaling",
    conditions=(*CONDITIONS["encoder"], *CONDITIONS["decoder"]),
    value=value,
    details=details,
    targets=TARGETS,
    scales=("smoke", "testbed"),
    needed=CONDITIONS["encoder"],
)

if __name__ == "__main__":
    raise SystemExit(study([STUDY]))
