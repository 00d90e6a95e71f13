"""Rows of the transfer grid: what phase (ii) trains on, and what is done to it.

`mnli`            one task                `multitask`        all nine together
`mnli+mlm`        masked-language modelling in every language mixed in
`mnli+translated` machine translations mixed in: rows in turn in English and other languages
`mnli+shuffled`   a control: its labels are permuted, so that there is nothing to learn
`mnli+random`     a control: phase (i) is skipped; its baseline is `none+random`
`mnli+unrelated`  a control: languages share nothing; its baseline is `none+unrelated`
"""

from dataclasses import dataclass

from stilts_repro.errors import InputError
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.tables import intermediate_tasks

NONE = "none"
MULTITASK = "multitask"
TRANSLATED = "translated"
SHUFFLED = "shuffled"
RANDOM = "random"
UNRELATED = "unrelated"
PARTS = (MLM, TRANSLATED, SHUFFLED, RANDOM, UNRELATED)  # what is done besides; fields of `Row`
FEWEST = {NONE: 0, MULTITASK: 2}  # tasks without which a row is not what its name says


@dataclass(frozen=True)
class Row:
    """A row by its parts: the base (a task, `none` or `multitask`), and what is done besides."""

    base: str
    mlm: bool = False
    translated: bool = False
    shuffled: bool = False
    random: bool = False
    unrelated: bool = False

    @classmethod
    def parse(cls, name: str) -> "Row":
        """Read a row's name; `InputError` where a part of it is not known."""
        base, *more = name.split("+")
        known = (NONE, MULTITASK, *intermediate_tasks())
        if base not in known or not set(more) <= set(PARTS):
            raise InputError(f"row {name!r}: give one of {', '.join(known)}, and +mlm and the like")
        return cls(base, **{part: part in more for part in PARTS})

    @property
    def several(self) -> bool:
        """Whether it trains on several intermediate tasks together."""
        return self.base == MULTITASK

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it trains on."""
        if self.base == NONE:
            return ()
        tasks = INTERMEDIATES if self.several else (self.base,)
        return (*tasks, MLM) if self.mlm else tasks

    @property
    def sets(self) -> dict[str, str]:
        """The name of the rows that each task trains on: `mnli`, or `mnli+translated`."""
        more = f"+{TRANSLATED}" if self.translated else ""
        return {task: task if task == MLM else task + more for task in self.tasks}

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there: the rows it trains on, and where it asks for one another world."""
        sets = tuple(self.sets.values())
        return (*sets, UNRELATED) if self.unrelated else sets

    def trains_on(self, there: tuple[str, ...]) -> bool:
        """Say whether it can be trained where `there` is, rows by their names and other worlds."""
        held = {task for task, rows in self.sets.items() if rows in there and task != MLM}
        whole = {MLM, UNRELATED}.intersection(self.needs) <= set(there)
        return len(held) >= FEWEST.get(self.base, 1) and whole


def is_control(name: str) -> bool:
    """Say whether the row `name` is there to fail, or the baseline of one that is."""
    return any(part in (SHUFFLED, RANDOM, UNRELATED) for part in name.split("+")[1:])


def baseline_of(name: str) -> str:
    """Return the row without phase (ii) that the row `name` is held against: of its phase (i)."""
    return "+".join([NONE, *(part for part in name.split("+")[1:] if part in (RANDOM, UNRELATED))])
