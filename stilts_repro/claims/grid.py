"""The transfer grid a claim is measured on, and how its scores become the claim's number.

The grid has one row an intermediate task (and the row "none": no intermediate training) and one
column a target task. A score is a target task's mean over its languages, in points from 0 to 100;
where a task has an F1 and an exact match, its score is the mean of the two (XTREME's convention,
and the only one under which the paper's printed averages come out).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.experiments.plan import Cell
from stilts_repro.experiments.rows import NONE, Row
from stilts_repro.paper import BEST, INTERMEDIATES, TARGETS


@dataclass(frozen=True)
class Scores:
    """The scores of one seed: (intermediate, target, "dev" or "test") to points, 0 to 100.

    `languages` holds the same by language code, and `counts` how many rows were scored. `tasks` are
    the intermediate tasks whose data was there; reports say where that is not all of them.
    `translations` holds, by row and task, what records say of translated rows; `own`, by row and
    task, how well the model does what it trained on, in points on its English dev rows.
    """

    values: Mapping[tuple[str, str, str], float]
    languages: Mapping[tuple[str, str, str], Mapping[str, float]] = field(default_factory=dict)
    tasks: tuple[str, ...] = INTERMEDIATES
    counts: Mapping[tuple[str, str, str], Mapping[str, int]] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def dev(self, intermediate: str, target: str) -> float:
        """Return the development score in points; raise `InputError` where the cell is absent."""
        return self._get(intermediate, target, "dev")

    def test(self, intermediate: str, target: str) -> float:
        """Return the test score in points; raise `InputError` where the cell is absent."""
        return self._get(intermediate, target, "test")

    def _get(self, intermediate: str, target: str, part: str) -> float:
        try:
            return self.values[intermediate, target, part]
        except KeyError:
            raise InputError(
                f"scores: no {part} score of target {target!r} after intermediate"
                f" {intermediate!r}; run that cell, or list it among the claim's intermediates"
            ) from None


Measure = Callable[[Scores, tuple[str, ...]], float]
Details = Callable[[Scores, tuple[str, ...]], Mapping[str, Any]]
ByLanguage = Callable[[Scores], Mapping[str, float]]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """One reported number: the cells it needs and how one seed's scores become its value.

    `value` and `details` take the scores of one seed and the names of the targets that are
    available, which may be fewer than nine. `value` returns the claim's unit (points);
    `details` returns what a reader of the report wants to know besides.

    targets      the targets it is about, all nine of the paper unless it says which; empty: it is
                 arithmetic, nothing is run
    scales       where it can be measured; None: everywhere
    any_rows     whether it makes do with those of `intermediates` whose data is there
    by_language  the value's parts, for a check that holds each language against the paper
    obstacle     why these records do not measure what the paper measured, or None
    """

    id: str
    statement: str
    intermediates: tuple[str, ...]
    value: Measure
    details: Details | None = None
    targets: tuple[str, ...] = TARGETS
    scales: tuple[str, ...] | None = None
    any_rows: bool = False
    by_language: ByLanguage | None = None
    obstacle: Callable[[Sequence[Record]], str | None] | None = None

    @property
    def is_arithmetic(self) -> bool:
        """Whether it needs no cells."""
        return self.targets == ()

    def rows(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """Return the rows of the grid it can have where the data of `tasks` is there.

        The baseline's comes first. Multi-task training needs two tasks at least.
        """
        there = tuple(tasks)
        return (NONE, *(r for r in self.intermediates if Row.parse(r).trains_on(there)))

    def cells(
        self, targets: Sequence[str], seed: int, tasks: Sequence[str] = INTERMEDIATES
    ) -> list[Cell]:
        """Return the cells of `seed`: the baseline's and each intermediate's, for each target."""
        rows = () if self.is_arithmetic else self.rows(tasks)
        return [Cell(row, target, seed) for row in rows for target in self.of(targets)]

    def of(self, targets: Sequence[str]) -> tuple[str, ...]:
        """Return those of `targets` that the claim is about."""
        return tuple(t for t in targets if t in self.targets)


def gain_claim(id: str, row: str, statement: str) -> Claim:
    """Return the claim that training on `row` moves the average over the nine targets.

    The number is the Avg column of Table 2: the mean over targets of the development score after
    `row`, less the score without intermediate training.
    """

    def value(scores: Scores, targets: tuple[str, ...]) -> float:
        return average_gain(scores, targets, row)

    return Claim(id, statement, (row,), value)


def gains(
    scores: Scores, targets: Sequence[str], intermediate: str, baseline: str = NONE
) -> dict[str, float]:
    """Return each target's development gain over `baseline`, in points."""
    return {t: scores.dev(intermediate, t) - scores.dev(baseline, t) for t in targets}


def average_gain(
    scores: Scores, targets: Sequence[str], intermediate: str, baseline: str = NONE
) -> float:
    """Return the mean development gain over `targets`, in points (the Avg column of Table 2).

    Raises `InputError` where a cell is absent or no target is left.
    """
    return _mean(gains(scores, targets, intermediate, baseline))


def added(scores: Scores, targets: Sequence[str], what: str) -> dict[str, float]:
    """Return, for each of the paper's three best tasks, what `+what` adds to the average gain."""
    return {task: average_gain(scores, targets, f"{task}+{what}", task) for task in BEST}


def with_and_without(what: str) -> tuple[str, ...]:
    """Return the rows that `added` compares."""
    return tuple(name for task in BEST for name in (task, f"{task}+{what}"))


def best_intermediates(
    scores: Scores, targets: Sequence[str], intermediates: Sequence[str]
) -> dict[str, str]:
    """Return, for each target, the intermediate with the best development score.

    The baseline is no candidate: the paper asks for the best intermediate model. On a tie the one
    listed first wins.
    """
    return {t: max(intermediates, key=lambda i: scores.dev(i, t)) for t in targets}


def best_per_target_gains(
    scores: Scores, targets: Sequence[str], intermediates: Sequence[str]
) -> dict[str, float]:
    """Return each target's test gain, in points, of the model chosen on its development set."""
    chosen = best_intermediates(scores, targets, intermediates)
    return {t: scores.test(chosen[t], t) - scores.test(NONE, t) for t in targets}


def best_per_target_gain(
    scores: Scores, targets: Sequence[str], intermediates: Sequence[str]
) -> float:
    """Return the mean test gain, in points, of the best model a target (the XTREME entry).

    The model is chosen on the development set and scored on the test set. Raises `InputError`
    where a cell is absent or no target is left.
    """
    return _mean(best_per_target_gains(scores, targets, intermediates))


def best_per_target_details(
    scores: Scores, targets: Sequence[str], intermediates: Sequence[str]
) -> dict[str, Any]:
    """Return the chosen model and the test gain, in points, of each target."""
    return {
        "chosen": best_intermediates(scores, targets, intermediates),
        "gains": best_per_target_gains(scores, targets, intermediates),
    }


def _mean(values: Mapping[str, float]) -> float:
    if not values:
        raise InputError("claim: no target task is available; give data that has at least one")
    return fmean(values.values())
