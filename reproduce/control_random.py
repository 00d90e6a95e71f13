"""A control that must show no gain: without phase (i) there is nothing that could cross."""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import NONE, after
from stilts_repro.run.gains import average_gain
from stilts_repro.run.grid import CROSSING, Claim, Scores

TRAINED, RANDOM = after("hellaswag"), after("hellaswag", random=True)


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after HellaSwag, less that without, on random weights."""
    return average_gain(scores, targets, RANDOM)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain with phase (i), for comparison, and what phase (i) itself is worth."""
    return {
        "with phase (i)": average_gain(scores, targets, TRAINED),
        "random weights against pre-trained": average_gain(scores, targets, RANDOM.baseline, NONE),
    }


CLAIM = Claim(
    id="control_random",
    conditions=(TRAINED, RANDOM),
    value=value,
    details=details,
    targets=CROSSING,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
