"""A control that must show no gain: without phase (i) there is nothing that could cross.

On the targets of `control_shuffled`, which says why.
"""

from typing import Any

from reproduce.command import main
from reproduce.control_shuffled import TARGETS
from stilts_repro.claims.grid import Claim, Scores, average_gain

BASELINE = "none+random"
ROW = "hellaswag+random"


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after HellaSwag, less that without, on random weights."""
    return average_gain(scores, targets, ROW, BASELINE)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain with phase (i), for comparison, and what phase (i) itself is worth."""
    return {
        "with phase (i)": average_gain(scores, targets, "hellaswag"),
        "random weights against pre-trained": average_gain(scores, targets, BASELINE),
    }


CLAIM = Claim(
    id="control_random",
    statement=(
        "Control: on a model with random weights, where phase (i) is skipped, intermediate "
        "training on HellaSwag brings no gain."
    ),
    intermediates=("hellaswag", BASELINE, ROW),
    value=value,
    details=details,
    targets=TARGETS,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
