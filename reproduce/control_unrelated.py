"""A control that must show no gain: languages that share nothing give nothing a way across.

The testbed with every word, name and document in one language only, and a masked LM of its own. On
the targets of `control_shuffled`, which says why.
"""

from statistics import fmean
from typing import Any

from reproduce.command import main
from reproduce.control_shuffled import TARGETS
from stilts_repro.claims.grid import Claim, Scores, average_gain

BASELINE = "none+unrelated"
ROW = "hellaswag+unrelated"
RETRIEVAL = ("bucc2018", "tatoeba")


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after HellaSwag, less that without, both unrelated."""
    return average_gain(scores, targets, ROW, BASELINE)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain where languages are related, and retrieval beside chance.

    Chance is one in as many as there are to find; for BUCC it is less, since it is looked for among
    sentences without a translation too.
    """
    return {"with related languages": average_gain(scores, targets, "hellaswag")} | {
        target: {
            "before": scores.dev(BASELINE, target),
            "after": scores.dev(ROW, target),
            "chance": fmean(100 / n for n in scores.counts[BASELINE, target, "dev"].values()),
        }
        for target in targets
        if target in RETRIEVAL
    }


CLAIM = Claim(
    id="control_unrelated",
    statement=(
        "Control: where the languages share no words, names or documents, intermediate training "
        "on HellaSwag brings no gain."
    ),
    intermediates=("hellaswag", BASELINE, ROW),
    value=value,
    details=details,
    targets=TARGETS,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
