"""A control that must show no gain: HellaSwag with its labels permuted has nothing to teach."""

from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.run.gains import average_gain
from stilts_repro.run.grid import CROSSING, Claim, Scores

TRUE, SHUFFLED = after("hellaswag"), after("hellaswag", shuffled=True)


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over targets of the dev score after training on permuted labels, less that without."""
    return average_gain(scores, targets, SHUFFLED)


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return the gain with the labels as they are, for comparison."""
    return {"with true labels": average_gain(scores, targets, TRUE)}


CLAIM = Claim(
    id="control_shuffled",
    conditions=(TRUE, SHUFFLED),
    value=value,
    details=details,
    targets=CROSSING,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
