"""Accuracy, the metric of PAWS-X, XNLI and every multiple-choice task; one label's F1 (QQP)."""

from collections.abc import Hashable, Sequence


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Return the share of equal labels, in points, as XTREME's evaluate.py does.

    `gold` and `predicted` hold one label an example, in the same order.
    Raises ValueError where their lengths differ or there is no example.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold labels but {len(predicted)} predictions")
    if len(gold) == 0:  # also for arrays
        raise ValueError("accuracy of no examples")
    correct = sum(a == b for a, b in zip(gold, predicted, strict=True))
    return 100.0 * correct / len(gold)


def label_f1(gold: Sequence[Hashable], predicted: Sequence[Hashable], label: Hashable) -> float:
    """Return the F1 of finding `label`, in points; 0 where nobody has it or nothing is found.

    `gold` and `predicted` hold one label an example, in the same order.
    Raises ValueError where their lengths differ.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold labels but {len(predicted)} predictions")
    found = sum(a == label and b == label for a, b in zip(gold, predicted, strict=True))
    total = sum(a == label for a in gold) + sum(b == label for b in predicted)
    return 200.0 * found / total if total else 0.0
