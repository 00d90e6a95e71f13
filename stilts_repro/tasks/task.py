"""What describes a task: where its rows lie, how they are divided, what they are scored by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from stilts_repro.tasks.format import Format
from stilts_repro.tasks.recipe import Recipe, SetUp

XTREME = "google/xtreme"
XQUAD_R = "google-research-datasets/xquad_r"
MEWSLI_X = "google-research/mewsli-x"


@dataclass(frozen=True)
class Part:
    """A split, or those rows of it whose hash falls into tenths `low` to `high` - 1."""

    split: str
    low: int = 0
    high: int = 10

    @property
    def whole(self) -> bool:
        """Whether it is the split as it stands."""
        return (self.low, self.high) == (0, 10)

    def __str__(self) -> str:
        return self.split if self.whole else f"{self.split}[{self.low}:{self.high}]"


@dataclass(frozen=True)
class Rows:
    """Where English rows lie: a repository, a configuration, what to train on, what plays dev.

    `size` is the published number of training rows: where several data sets make up one training
    set and it is capped, each gives its share.
    """

    repo: str
    config: str
    train: Part = Part("train")
    dev: Part = Part("validation")
    size: int = 1

    def __str__(self) -> str:
        return f"{self.repo} {self.config}"


@dataclass(frozen=True)
class TrainingSet:
    """English rows to train on, from one data set or several that share a head.

    intermediate     the recipes by which phase (ii) trains on it, by this name; {}: it never does
    target           the recipes by which phase (iii) does
    english_by_id    keep rows whose id begins with `english`
    drop_unlabelled  rows with the label -1 (annotators without a majority) are dropped (jiant)
    substitutes      real rows of another data set, used where the named one is not there, and
                     marked as a substitute wherever a number made with it is printed
    """

    name: str
    title: str
    format: Format
    parts: tuple[Rows, ...]
    intermediate: Mapping[SetUp, Recipe] = field(default_factory=dict)
    target: Mapping[SetUp, Recipe] = field(default_factory=dict)
    english_by_id: bool = False
    drop_unlabelled: bool = False
    substitutes: tuple[Rows, ...] = ()

    def restricted(self, division: "Division") -> "TrainingSet":
        """Return the set with the rows that `division` leaves to train on, and its dev rows."""
        if division.train is None:
            return self
        train, dev = division.train, division.dev
        return replace(self, parts=tuple(replace(p, train=train, dev=dev) for p in self.parts))


@dataclass(frozen=True)
class Division:
    """What plays dev and what plays test (and what is left for training, where that changes)."""

    dev: Part
    test: Part
    train: Part | None = None


DEV_TEST = Division(Part("validation"), Part("test"))


@dataclass(frozen=True)
class TargetTask:
    """One XTREME task.

    `config` is filled with a language's `code`, `name` or `iso3`; where one configuration holds all
    languages, `language_in` says what tells them apart. `candidates` is the configuration of those
    among which the answers to all languages' rows are looked for, where they are rows of their own;
    its split is `test`. `divisions` are tried in order, and the first whose two parts are both
    there with labels is used; the record says which. `version` goes up whenever a change here or in
    the format may move a score. `entry` is what the benchmark's evaluate.py calls it, where that is
    not its name: XTREME-R's POS is `udpos` there.
    """

    name: str
    title: str
    format: Format
    config: str
    languages: tuple[str, ...]
    train_on: str | None = None
    divisions: tuple[Division, ...] = (DEV_TEST,)
    language_in: Literal["config", "column", "id"] = "config"
    repo: str = XTREME
    candidates: str = ""
    version: int = 1
    entry: str = ""

    @property
    def mining(self) -> bool:
        """Whether translations are mined from a pool (BUCC), not looked up (Tatoeba)."""
        return self.format.mining
