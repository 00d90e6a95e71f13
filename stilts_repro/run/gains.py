"""Gains: from the scores of one seed to a claim's number."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import Condition, after
from stilts_repro.paper import BEST
from stilts_repro.run.grid import Claim, Scores


def gain_claim(id: str, condition: Condition) -> Claim:
    """Return the claim that `condition` moves the average over the nine targets.

    The number is the Avg column of Table 2: the mean over targets of the development score after
    intermediate training, less the score without.
    """
    return Claim(id, (condition,), lambda scores, targets: average_gain(scores, targets, condition))


def gains(
    scores: Scores, targets: Sequence[str], condition: Condition, before: Condition | None = None
) -> dict[str, float]:
    """Return each target's development gain over `before`, else the baseline, in points."""
    base = before or condition.baseline
    return {t: scores.dev(condition, t) - scores.dev(base, t) for t in targets}


def average_gain(
    scores: Scores, targets: Sequence[str], condition: Condition, before: Condition | None = None
) -> float:
    """Return the mean development gain over `targets`, in points (the Avg column of Table 2).

    It is the gain over `before`, else over the condition's baseline. Raises `InputError` where a
    cell is absent or no target is left.
    """
    return _mean(gains(scores, targets, condition, before))


def average_gains(
    scores: Scores, targets: Sequence[str], conditions: Iterable[Condition]
) -> dict[str, float]:
    """Return the average gain of each of `conditions`, by its name."""
    return {str(c): average_gain(scores, targets, c) for c in conditions}


def added(scores: Scores, targets: Sequence[str], **change: Any) -> dict[str, float]:
    """Return, for each of the paper's three best tasks, what `change` adds to the average gain."""
    return {
        task: average_gain(scores, targets, after(task, **change), after(task)) for task in BEST
    }


def with_and_without(**change: Any) -> tuple[Condition, ...]:
    """Return the conditions that `added` compares."""
    return tuple(c for task in BEST for c in (after(task), after(task, **change)))


def best_conditions(
    scores: Scores, targets: Sequence[str], conditions: Sequence[Condition]
) -> dict[str, Condition]:
    """Return, for each target, the condition with the best development score.

    The baseline is no candidate: the paper asks for the best intermediate model. On a tie the one
    listed first wins.
    """
    return {t: max(conditions, key=lambda c: scores.dev(c, t)) for t in targets}


def best_per_target_gains(
    scores: Scores, targets: Sequence[str], conditions: Sequence[Condition]
) -> dict[str, float]:
    """Return each target's test gain, in points, of the model chosen on its development set."""
    chosen = best_conditions(scores, targets, conditions)
    return {t: scores.test(c, t) - scores.test(c.baseline, t) for t, c in chosen.items()}


def best_per_target_gain(
    scores: Scores, targets: Sequence[str], conditions: Sequence[Condition]
) -> float:
    """Return the mean test gain, in points, of the best model a target (the XTREME entry).

    The model is chosen on the development set and scored on the test set. Raises `InputError`
    where a cell is absent or no target is left.
    """
    return _mean(best_per_target_gains(scores, targets, conditions))


def best_per_target_details(
    scores: Scores, targets: Sequence[str], conditions: Sequence[Condition]
) -> dict[str, Any]:
    """Return the chosen model's name and the test gain, in points, of each target."""
    chosen = best_conditions(scores, targets, conditions)
    return {
        "chosen": {target: str(condition) for target, condition in chosen.items()},
        "gains": best_per_target_gains(scores, targets, conditions),
    }


def _mean(values: Mapping[str, float]) -> float:
    if not values:
        raise InputError("claim: no target task is available; give data that has at least one")
    return fmean(values.values())
