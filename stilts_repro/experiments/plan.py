"""From cells to jobs: what must be trained once, and shared."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from stilts_repro.errors import InputError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.rows import NONE, Row
from stilts_repro.experiments.scales import Scale
from stilts_repro.jsonio import content_hash
from stilts_repro.models.transfer import DEFAULT, Crossing
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.tables import TARGET_TASKS
from stilts_repro.training.sampler import PROPORTIONAL, Sampler

RETRIEVAL = "retrieval"
Kind = Literal["intermediate", "target", "retrieval"]


@dataclass(frozen=True)
class Cell:
    """One square of the grid under one seed: train on `intermediate`, then measure `target`."""

    intermediate: str
    target: str
    seed: int


@dataclass(frozen=True)
class Setting:
    """What all jobs of a run share; `crosses` says what phase (iii) takes over from phase (ii)."""

    scale: str
    model: str
    model_hash: str
    tokenizer_hash: str
    data: str
    evaluation_rows: int | None
    retrieval_length: int
    environment: Mapping[str, str]
    corpus: str | None = None
    translator: str | None = None
    crosses: Crossing = DEFAULT


@dataclass(frozen=True)
class Job:
    """One training, with the evaluations that belong to it, as a pure function of its fields.

    kind           intermediate: train `tasks`, keep the backbone. target: train on `name`, evaluate
                   `tasks`. retrieval: evaluate `tasks`, train nothing.
    intermediate   the row of the grid ("none", a task, "multitask")
    recipes        a recipe for each training set
    data           content hashes of all rows read
    sampler        which task a step of multi-task training is drawn from
    shuffled       whether training labels are permuted (a control)
    translation    versions of the translators, by language, where translated rows are mixed in
    random         whether phase (i) is skipped: weights are drawn (a control)
    start          hash of the job whose backbone this one starts from; None: the scale's model
    """

    kind: Kind
    name: str
    intermediate: str
    tasks: tuple[str, ...]
    seed: int
    recipes: Mapping[str, Recipe]
    data: Mapping[str, str]
    start: str | None
    setting: Setting
    sampler: Sampler = PROPORTIONAL
    shuffled: bool = False
    random: bool = False
    translation: Mapping[str, str] | None = None
    hash: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        described = asdict(self)
        del described["hash"]
        # Where the model lies does not matter, only what is in it.
        del described["setting"]["model"]
        del described["setting"]["data"]
        del described["setting"]["corpus"]
        del described["setting"]["translator"]
        object.__setattr__(self, "hash", content_hash(described))

    @property
    def title(self) -> str:
        """Return the job in words, for progress lines."""
        arrow = self.name if self.kind == "intermediate" else f"{self.intermediate} -> {self.name}"
        return f"{arrow} (seed {self.seed})"

    def describe(self) -> dict[str, Any]:
        """Return the job as JSON."""
        return asdict(self)


def job_name(target: str) -> str:
    """Return the name of the job that measures `target`: its training set, or "retrieval"."""
    return TARGET_TASKS[target].train_on or RETRIEVAL


World = tuple[Setting, Inventory]


class Plan:
    """Jobs for cells, each once, in an order in which every job comes after what it needs."""

    def __init__(
        self,
        scale: Scale,
        setting: Setting,
        inventory: Inventory,
        sampler: Sampler = PROPORTIONAL,
        unrelated: World | None = None,
    ) -> None:
        self.scale = scale
        self.setting = setting
        self.inventory = inventory
        self.sampler = sampler
        self.unrelated = unrelated
        self.jobs: dict[str, Job] = {}
        self._by_cell: dict[Cell, str] = {}

    def add(self, cells: Iterable[Cell]) -> None:
        """Add the jobs that `cells` need."""
        for cell in cells:
            self._by_cell[cell] = self._measure(cell).hash

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All that is measured, each cell once."""
        return tuple(self._by_cell)

    def job_of(self, cell: Cell) -> Job:
        """Return the job that measures `cell`."""
        return self.jobs[self._by_cell[cell]]

    def _world(self, row: Row) -> World:
        """Return what the jobs of `row` stand on; `InputError` where there is no such world."""
        if not row.unrelated:
            return self.setting, self.inventory
        if self.unrelated is None:
            raise InputError("+unrelated: this plan has no unrelated world")
        return self.unrelated

    def _put(self, job: Job) -> Job:
        return self.jobs.setdefault(job.hash, job)

    def _train(self, row: str, seed: int) -> Job | None:
        parsed = Row.parse(row)
        if parsed.base == NONE:
            return None
        setting, inventory = self._world(parsed)
        # Where data is left out, multi-task training has the rest; reports say which.
        sets = {t: name for t, name in parsed.sets.items() if name in inventory.intermediates}
        tasks = tuple(sets)
        recipes = {
            **(self.scale.multitask if parsed.several else self.scale.intermediate),
            MLM: self.scale.continued,
        }
        return self._put(
            Job(
                kind="intermediate",
                name=row,
                intermediate=row,
                tasks=tasks,
                seed=seed,
                recipes={task: recipes[task] for task in tasks},
                data={
                    task: inventory.intermediate_hash(name, recipes[task].rows)
                    for task, name in sets.items()
                },
                start=None,
                setting=setting,
                shuffled=parsed.shuffled,
                random=parsed.random,
                translation=_translators(inventory) if parsed.translated else None,
                sampler=self.sampler if parsed.several else PROPORTIONAL,
            )
        )

    def _measure(self, cell: Cell) -> Job:
        row = Row.parse(cell.intermediate)
        setting, inventory = self._world(row)
        start = self._train(cell.intermediate, cell.seed)
        name = job_name(cell.target)
        # A job evaluates every available target of its training set, asked for or not: its hash,
        # and with it every number, then does not depend on which claims are run.
        tasks = tuple(t for t in inventory.targets if job_name(t) == name)
        recipes = {} if name == RETRIEVAL else {name: self.scale.target[name]}
        data = {task: inventory.target_hash(task) for task in tasks}
        if recipes:
            data[f"train/{name}"] = inventory.training_hash(name, recipes[name].rows)
        return self._put(
            Job(
                kind="retrieval" if name == RETRIEVAL else "target",
                name=name,
                intermediate=cell.intermediate,
                tasks=tasks,
                seed=cell.seed,
                recipes=recipes,
                data=data,
                start=start.hash if start else None,
                setting=setting,
                random=row.random,
            )
        )


def _translators(inventory: Inventory) -> dict[str, str] | None:
    translation = inventory.translation
    return translation.versions() if translation else None
