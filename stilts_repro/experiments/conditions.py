"""What comes before a target: the row of the transfer grid, and the world it is run in.

As they are printed and stored:

`mnli`            one task                `multitask`        the paper's nine together
`mnli+mlm`        masked-language modelling in every language mixed in
`mnli+translated` machine translations mixed in: rows in turn in English and other languages
`mnli+shuffled`   a control: its labels are permuted, so that there is nothing to learn
`mnli+random`     a control: phase (i) is skipped; its baseline is `none+random`
`hellaswag>mnli`  one task, and then another
`mnli/4`          on a quarter of its rows, once; `mnli/4+repeated`: as many steps as on all
`mnli+unrelated`  in the world `unrelated`; its baseline is `none+unrelated`

Nothing reads these names back: code hands the values on.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from stilts_repro.models.ways import Way
from stilts_repro.paper import INTERMEDIATES

MLM = "mlm"  # continued masked-language modelling, beside the tasks that it is mixed in with
TRANSLATED = "translated"
MAIN = ""  # the world of `--model` and `--data`


@dataclass(frozen=True)
class World:
    """Where cells are run: a phase-(i) model and a source of rows.

    model, data         as `--model` and `--data` name them; "" for the run's own
    corpus, translator  as the options of these names
    control             whether it is there to show no effect
    made_by             the command that makes its model, where that need not be there
    way                 how its model is read, where that is not usual (`models.ways`)
    layers              how many of its model's layers are kept, the first; None: all
    intermediate_rate, target_rate
                        what the learning rates of phases (ii) and (iii) are multiplied by (in
                        phase (iii) classification has that of phase (ii))
    """

    name: str
    model: str
    data: str
    corpus: str | None = None
    translator: str | None = None
    control: bool = False
    made_by: str = ""
    way: Way = ""
    layers: int | None = None
    intermediate_rate: float = 1.0
    target_rate: float = 1.0


@dataclass(frozen=True)
class Row:
    """What phase (ii) trains on and what is done to it; without tasks there is no phase (ii).

    tasks       trained on together, in this order
    mlm         masked-language modelling on text in every language is mixed in
    translated  rows are in turn in English and in other languages
    shuffled    training labels are permuted
    random      phase (i) is skipped: weights are drawn
    divided     of each task's rows one in so many is trained on: the first of a permutation that
                the seed draws, so that fewer rows are among more
    repeated    fewer rows are read as many times more, so that the steps are as many
    then        trained on after that, alone and as it is
    """

    tasks: tuple[str, ...] = ()
    mlm: bool = False
    translated: bool = False
    shuffled: bool = False
    random: bool = False
    divided: int = 1
    repeated: bool = False
    then: str = ""

    def __str__(self) -> str:
        base = "multitask" if self.tasks == INTERMEDIATES else "&".join(self.tasks) or "none"
        if self.divided > 1:
            base += f"/{self.divided}"
        changes = (MLM, TRANSLATED, "shuffled", "random", "repeated")
        first = "+".join([base, *(change for change in changes if getattr(self, change))])
        return f"{first}>{self.then}" if self.then else first

    @property
    def several(self) -> bool:
        """Whether it trains on several intermediate tasks together."""
        return len(self.tasks) > 1

    @property
    def control(self) -> bool:
        """Whether it is there to show no effect."""
        return self.shuffled or self.random

    @property
    def sets(self) -> dict[str, str]:
        """What the rows that each task trains on are called: `mnli`, or `mnli+translated`."""
        more = f"+{TRANSLATED}" if self.translated else ""
        return {task: task + more for task in self.tasks}

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there to train it: rows by their names, and text."""
        return (*self.sets.values(), *[self.then] * bool(self.then), *[MLM] * self.mlm)

    def possible(self, there: Container[str]) -> bool:
        """Say whether it can be trained where `there` is, of what rows need.

        Multi-task training makes do with what there is, of two tasks at least.
        """
        held = sum(rows in there for rows in self.sets.values())
        others = self.needs[len(self.tasks) :]
        return held >= min(2, len(self.tasks)) and all(need in there for need in others)


@dataclass(frozen=True)
class Condition:
    """A row of the grid in a world, which is named."""

    row: Row = Row()
    world: str = MAIN

    def __str__(self) -> str:
        return f"{self.row}+{self.world}" if self.world else str(self.row)

    @property
    def baseline(self) -> "Condition":
        """The same phase (i) without phase (ii): what a gain is a gain over."""
        return Condition(Row(random=self.row.random), self.world)


def after(*tasks: str, world: str = MAIN, **changes: Any) -> Condition:
    """Return the condition of training on `tasks`, with the `changes` that `Row` names."""
    return Condition(Row(tasks, **changes), world)


NONE = after()
MULTITASK = after(*INTERMEDIATES)


@dataclass(frozen=True)
class Cell:
    """One square of the grid under one seed: what comes before, then the target measured."""

    condition: Condition
    target: str
    seed: int
