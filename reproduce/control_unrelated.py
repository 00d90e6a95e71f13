"""A control that must show no gain: languages that share nothing give nothing a way across.

The testbed with every word, name and document in one language only, and a masked LM of its own.
"""

from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.experiments.scales import UNRELATED
from stilts_repro.run.gains import average_gain
from stilts_repro.run.grid import CROSSING, Claim, Scores

RELATED, APART = after("hellaswag"), after("hellaswag", world=UNRELATED.name)
RETRIEVAL = ("bucc2018", "tatoeba")


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after HellaSwag, less that without, both unrelated."""
    return average_gain(scores, targets, APART)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain where languages are related, and retrieval beside chance.

    Chance is one in as many as there are to find; for BUCC it is less, since it is looked for among
    sentences without a translation too.
    """
    return {"with related languages": average_gain(scores, targets, RELATED)} | {
        target: {
            "before": scores.dev(APART.baseline, target),
            "after": scores.dev(APART, target),
            "chance": fmean(100 / n for n in scores.dev_counts(APART.baseline, target).values()),
        }
        for target in targets
        if target in RETRIEVAL
    }


CLAIM = Claim(
    id="control_unrelated",
    conditions=(RELATED, APART),
    value=value,
    details=details,
    targets=CROSSING,
    scales=("smoke", "testbed"),  # which alone have such a world
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
