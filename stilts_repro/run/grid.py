"""The transfer grid a claim is measured on, and how its scores become the claim's number.

The grid has one row an intermediate task (and the row "none": no intermediate training) and one
column a target task. A score is a target task's mean over its languages, in points from 0 to 100;
where a task has an F1 and an exact match, its score is the mean of the two (XTREME's convention,
and the only one under which the paper's printed averages come out).
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import NONE, Cell, Condition, after
from stilts_repro.experiments.scales import SCALES, Scale
from stilts_repro.paper import INTERMEDIATES, TARGETS

# The targets in which a cross-lingual effect shows soonest, and at the least cost: retrieval, for
# which nothing is trained, and answers in the text. Controls are measured on them.
CROSSING = ("bucc2018", "tatoeba", "xquad", "tydiqa")
# For a claim of six rows of the grid: all nine targets cost a third of the testbed's time.
RETRIEVED_ON_THE_TESTBED = dict.fromkeys(("smoke", "testbed"), CROSSING[:2])


@dataclass(frozen=True)
class Scores:
    """The scores of one seed: (condition's name, target, "dev" or "test") to points, 0 to 100.

    `languages` holds the same by language code, and `counts` how many rows were scored. `tasks` are
    the intermediate tasks whose data was there; reports say where that is not all of them.
    `translations` holds, by condition and task, what records say of translated rows; `own`, by
    condition and task, how well the model does what it trained on, in points on its English dev
    rows; `losses`, by condition, what that training's loss came to; `metrics`, as `languages`, all
    that was measured, by name; `layers` are those of the main world's model; `dark` are the worlds
    and targets of which the baseline says that nothing can be seen there.
    """

    values: Mapping[tuple[str, str, str], float]
    languages: Mapping[tuple[str, str, str], Mapping[str, float]] = field(default_factory=dict)
    tasks: tuple[str, ...] = INTERMEDIATES
    counts: Mapping[tuple[str, str, str], Mapping[str, int]] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    losses: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[tuple[str, str, str], Mapping[str, Mapping[str, float]]] = field(
        default_factory=dict
    )
    layers: int = 0
    dark: frozenset[tuple[str, str]] = frozenset()

    def sees(self, condition: Condition, target: str) -> bool:
        """Say whether the baseline in the condition's world lets `target` be measured there."""
        return (condition.world, target) not in self.dark

    def held(self, conditions: Iterable[Condition]) -> tuple[Condition, ...]:
        """Return those of `conditions` whose tasks were there."""
        return tuple(c for c in conditions if c.row.possible(self.tasks))

    def measured(self, conditions: Iterable[Condition]) -> bool:
        """Say whether all of `conditions` were measured."""
        return {*map(str, conditions)} <= {name for name, _, _ in self.metrics}

    def dev(self, condition: Condition, target: str) -> float:
        """Return the development score in points; raise `InputError` where the cell is absent."""
        return self._get(condition, target, "dev")

    def test(self, condition: Condition, target: str) -> float:
        """Return the test score in points; raise `InputError` where the cell is absent."""
        return self._get(condition, target, "test")

    def dev_languages(self, condition: Condition, target: str) -> Mapping[str, float]:
        """Return the development score in points by language code."""
        return self.languages[str(condition), target, "dev"]

    def metric(self, name: str, condition: Condition, target: str, part: str) -> dict[str, float]:
        """Return what is called `name` in the records, by language; the score is one of them."""
        held = self.metrics[str(condition), target, part]
        return {code: metrics[name] for code, metrics in held.items() if name in metrics}

    def others(self, name: str, condition: Condition, target: str, part: str) -> float:
        """Return the mean of what is called `name` over languages other than English.

        Raises `InputError` where there are none.
        """
        return fmean(besides_english(self.metric(name, condition, target, part), target).values())

    def dev_counts(self, condition: Condition, target: str) -> Mapping[str, int]:
        """Return how many development rows were scored, by language code."""
        return self.counts[str(condition), target, "dev"]

    def _get(self, condition: Condition, target: str, part: str) -> float:
        try:
            return self.values[str(condition), target, part]
        except KeyError:
            raise InputError(
                f"scores: no {part} score of target {target!r} after intermediate"
                f" {str(condition)!r}; run that cell, or list it among the claim's conditions"
            ) from None


def besides_english(values: Mapping[str, float], target: str) -> dict[str, float]:
    """Return `values`, by language, without English's; `InputError` where there are no others."""
    others = {code: value for code, value in values.items() if code != "en"}
    if not others:
        raise InputError(f"{target}: rows in English alone, and it is asked of others; add them")
    return others


Value = Callable[[Scores, tuple[str, ...]], float]
Details = Callable[[Scores, tuple[str, ...]], Mapping[str, Any]]
ByLanguage = Callable[[Scores], Mapping[str, float]]
Record = Mapping[str, Any]
Sets = Mapping[str, Container[str]]  # by world, what its rows of the grid can train on


@dataclass(frozen=True)
class Claim:
    """One reported number: the cells it needs and how one seed's scores become its value.

    `value` and `details` take the scores of one seed and the names of the targets that are
    available, which may be fewer than nine. `value` returns the claim's unit (points);
    `details` returns what a reader of the report wants to know besides.

    conditions   what is measured, each beside its baseline; without any, the main baseline alone
    targets      the targets it is about, all nine of the paper unless it says which; empty: it is
                 arithmetic, nothing is run
    scales       where it can be measured; None: everywhere
    narrowed     by scale, the targets that it is about there (see `at`)
    needed       those of `conditions` without which it is not measured (None: all); with none at
                 all, one of them is enough
    by_language  the value's parts, for a check that holds each language against the paper
    obstacle     why these records do not measure what the paper measured, or None
    seeds, evaluation_rows
                 how many it is run with, and looks at of a language, where the scale has fewer
    """

    id: str
    conditions: tuple[Condition, ...]
    value: Value
    details: Details | None = None
    targets: tuple[str, ...] = TARGETS
    scales: tuple[str, ...] | None = None
    narrowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needed: tuple[Condition, ...] | None = None
    by_language: ByLanguage | None = None
    obstacle: Callable[[Sequence[Record]], str | None] | None = None
    seeds: int = 1
    evaluation_rows: int = 0

    @property
    def file(self) -> Path:
        """The file of what is expected of it."""
        return EXPECTED_RESULTS / f"{self.id}.json"

    @property
    def essential(self) -> tuple[Condition, ...]:
        """The conditions that its value is of; others are told besides, where they are there."""
        return self.needed or self.conditions

    def misses(self, without: Iterable[str]) -> bool:
        """Say whether its value lacks any of what is `without` rows to train on."""
        needs = {need for condition in self.essential for need in condition.row.needs}
        return not needs.isdisjoint(without)

    @property
    def is_arithmetic(self) -> bool:
        """Whether it needs no cells."""
        return self.targets == ()

    def at(self, scale: Scale) -> Self:
        """Return the claim as it is at `scale`: about fewer targets where it is too dear there.

        Targets that the scale leaves dark are in no claim's mean; one about nothing else stays so.
        """
        targets = self.narrowed.get(scale.name, self.targets)
        return replace(self, targets=tuple(t for t in targets if t not in scale.dark) or targets)

    def runs(self, scale: Scale) -> bool:
        """Say whether it needs any job at `scale`."""
        there = self.scales is None or scale.name in self.scales
        return not self.is_arithmetic and there and (not scale.claims or self.id in scale.claims)

    def run_at(self) -> list[str]:
        """Return the names of the scales at which it needs any job."""
        return [name for name, scale in SCALES.items() if self.runs(scale)]

    def possible(self, sets: Sets | None = None) -> tuple[Condition, ...]:
        """Return those of its conditions that can be run where `sets` are there (None: all)."""
        if sets is None:
            return self.conditions
        there = (c for c in self.conditions if c.world in sets)
        return tuple(c for c in there if c.row.possible(sets[c.world]))

    def lacks(self, sets: Sets) -> bool:
        """Say whether it cannot be measured where `sets` are there."""
        possible = self.possible(sets)
        needed = self.conditions if self.needed is None else self.needed
        return not {*needed} <= {*possible} or bool(self.conditions and not possible)

    def measured(self, sets: Sets | None = None) -> tuple[Condition, ...]:
        """Return its possible conditions, each once and after its baseline."""
        pairs = [(c.baseline, c) for c in self.possible(sets)] or [(NONE, NONE)]
        return () if self.is_arithmetic else tuple(dict.fromkeys(chain.from_iterable(pairs)))

    def cells(self, targets: Sequence[str], seed: int, sets: Sets | None = None) -> list[Cell]:
        """Return the cells of `seed`: of each condition that it measures, every target.

        None where it cannot be measured.
        """
        if sets is not None and self.lacks(sets):
            return []
        return [Cell(c, target, seed) for c in self.measured(sets) for target in self.of(targets)]

    def of(self, targets: Sequence[str]) -> tuple[str, ...]:
        """Return those of `targets` that the claim is about."""
        return tuple(t for t in targets if t in self.targets)


def singly(tasks: Iterable[str] = INTERMEDIATES) -> tuple[Condition, ...]:
    """Return the conditions of training on each of `tasks` alone."""
    return tuple(after(task) for task in tasks)


def own_tasks_claim(id: str, told: str, by_task: Callable[[Scores], Mapping[str, float]]) -> Claim:
    """Return the claim about what single intermediate trainings come to on their own tasks.

    `by_task` returns that of each task that was there, `told` names it in the report. Its cells are
    Tatoeba's, the cheapest to measure.
    """
    return Claim(
        id,
        singly(),
        value=lambda scores, targets: fmean(by_task(scores).values()),
        details=lambda scores, targets: {told: by_task(scores)},
        targets=("tatoeba",),
        needed=(),
    )
