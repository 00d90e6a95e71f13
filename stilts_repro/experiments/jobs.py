"""The three kinds of job, each a pure function of its fields and addressed by a hash of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from stilts_repro.experiments.conditions import Condition
from stilts_repro.jsonio import content_hash
from stilts_repro.models.transfer import DEFAULT, Crossing
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.training.sampler import PROPORTIONAL, Sampler

RETRIEVAL = "retrieval"


@dataclass(frozen=True)
class Setting:
    """What all jobs of a world share; `crosses` says what phase (iii) takes over from phase (ii).

    `environment` is what must be equal for a finished job to be used again.
    """

    scale: str
    model_hash: str
    tokenizer_hash: str
    evaluation_rows: int | None
    retrieval_length: int
    environment: Mapping[str, str]
    crosses: Crossing = DEFAULT


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every job has.

    tasks    trained on in phase (ii), evaluated by the other kinds
    recipes  a recipe for each training set
    data     content hashes of all rows that are read
    sampler  which task a step of multi-task training is drawn from
    start    the address of the job whose backbone this one starts from; None: the world's model
    """

    kind: ClassVar[str]
    condition: Condition
    tasks: tuple[str, ...]
    seed: int
    data: Mapping[str, str]
    setting: Setting
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    sampler: Sampler = PROPORTIONAL
    start: str | None = None

    @cached_property
    def hash(self) -> str:
        """The job's address: a hash of its kind and all its fields."""
        return content_hash([self.kind, asdict(self)])

    @property
    def name(self) -> str:
        """What tells a condition's jobs apart: a training set, or "retrieval"."""
        return next(iter(self.recipes), RETRIEVAL)

    @property
    def title(self) -> str:
        """The job in words, for progress lines."""
        return f"{self.condition} -> {self.name} (seed {self.seed})"

    @property
    def purpose(self) -> str:
        """What the random streams of its training are for."""
        return f"{self.kind}/{self.name}"

    def describe(self) -> dict[str, Any]:
        """Return the job as JSON."""
        names = {"kind": self.kind, "hash": self.hash, "intermediate": str(self.condition)}
        return names | asdict(self)


@dataclass(frozen=True, kw_only=True)
class IntermediateTraining(Job):
    """Phase (ii): train on `tasks`, keep the backbone.

    continued    the recipe of masked-language modelling, where it is mixed in
    translation  versions of the translators, by language, where translated rows are mixed in
    """

    kind = "intermediate"
    continued: Recipe | None = None
    translation: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """What tells phase-(ii) jobs apart: their conditions."""
        return str(self.condition)

    @property
    def title(self) -> str:
        """The job in words, for progress lines."""
        return f"{self.condition} (seed {self.seed})"

    @property
    def purpose(self) -> str:
        """What the random streams are for: a second training reads what it would as the first."""
        return f"{self.kind}/{self.condition.row.then or self.name}"


class TargetTraining(Job):
    """Phase (iii): train on the set `name`, evaluate all targets that train on it."""

    kind = "target"


class RetrievalEvaluation(Job):
    """Phase (iii) of targets without training data: evaluate the model as it is."""

    kind = RETRIEVAL


def measured_by(target: str) -> str:
    """Return which job of a condition measures `target`: by its training set, or "retrieval"."""
    return TARGET_TASKS[target].train_on or RETRIEVAL
