"""From cells to jobs: what must be trained once, and shared."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MLM, Cell, Condition, Row, World
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.jobs import (
    RETRIEVAL,
    IntermediateTraining,
    Job,
    RetrievalEvaluation,
    Setting,
    TargetTraining,
    measured_by,
)
from stilts_repro.experiments.scales import Scale
from stilts_repro.experiments.survey import Survey
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.sampler import PROPORTIONAL, Sampler


@dataclass(frozen=True)
class Ground:
    """A world that jobs can stand on: its model and rows are there and have been checked."""

    world: World
    setting: Setting
    inventory: Inventory
    survey: Survey

    def intermediate(self, recipe: Recipe) -> Recipe:
        """Return `recipe` at the world's own rate of phase (ii)."""
        return replace(recipe, learning_rate=recipe.learning_rate * self.world.intermediate_rate)

    def target(self, name: str, recipe: Recipe) -> Recipe:
        """Return the `recipe` of training set `name` at the world's own rate of phase (iii).

        That was tried on tagging and spans. Classification has phase (ii)'s, tried on MNLI: the
        rows of XNLI are MNLI's.
        """
        if TRAINING_SETS[name].format.labels_rows:
            return self.intermediate(recipe)
        return replace(recipe, learning_rate=recipe.learning_rate * self.world.target_rate)


class Plan:
    """Jobs for cells, each once, in an order in which every job comes after what it needs."""

    def __init__(
        self, scale: Scale, grounds: Mapping[str, Ground], sampler: Sampler = PROPORTIONAL
    ) -> None:
        self.scale = scale
        self.grounds = grounds
        self.sampler = sampler
        self.jobs: dict[str, Job] = {}
        self._by_cell: dict[Cell, str] = {}

    def add(self, cells: Iterable[Cell]) -> None:
        """Add the jobs that `cells` need, phase (ii) first: most of the others wait for it.

        Raises `InputError` where the plan lacks the world of one.
        """
        cells = tuple(cells)
        for cell in cells:
            self._training(cell.condition, cell.seed)
        for cell in cells:
            self._by_cell[cell] = self._measuring(cell).hash

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All that is measured, each cell once."""
        return tuple(self._by_cell)

    @property
    def worlds(self) -> dict[str, World]:
        """The worlds that jobs stand on, by name."""
        return {name: ground.world for name, ground in self.grounds.items()}

    def job_of(self, cell: Cell) -> Job:
        """Return the job that measures `cell`."""
        return self.jobs[self._by_cell[cell]]

    def behind(self, job: Job) -> Iterator[Job]:
        """Yield what `job` starts from, what that starts from, and so on."""
        while job.start is not None:
            job = self.jobs[job.start]
            yield job

    def _ground(self, condition: Condition) -> Ground:
        if condition.world not in self.grounds:
            raise InputError(f"+{condition.world}: this plan has no such world")
        return self.grounds[condition.world]

    def _put(self, job: Job) -> Job:
        return self.jobs.setdefault(job.hash, job)

    def _training(self, condition: Condition, seed: int) -> Job | None:
        """Return phase (ii) of `condition`; None where it has none."""
        row, ground = condition.row, self._ground(condition)
        if not row.tasks:
            return None
        if row.then:
            return self._second(condition, seed)
        inventory = ground.inventory
        # Where data is left out, multi-task training has the rest; reports say which.
        tasks = tuple(task for task, name in row.sets.items() if name in ground.survey.sets)
        recipes = self.scale.multitask if row.several else self.scale.intermediate
        continued = self.scale.continued if row.mlm else None
        data = {
            task: inventory.intermediate_hash(task, recipes[task].rows, row.translated)
            for task in tasks
        }
        if continued:
            data[MLM] = inventory.continued(continued.rows).hash
        versions = inventory.translation.versions() if inventory.translation else None
        return self._put(
            IntermediateTraining(
                condition=condition,
                tasks=tasks,
                seed=seed,
                data=data,
                setting=ground.setting,
                recipes={t: ground.intermediate(_as_often(recipes[t], row)) for t in tasks},
                continued=continued,
                translation=versions if row.translated else None,
                sampler=self.sampler if row.several else PROPORTIONAL,
            )
        )

    def _second(self, condition: Condition, seed: int) -> Job:
        """Return the training that comes after another of phase (ii)."""
        ground, task = self._ground(condition), condition.row.then
        first = self._training(replace(condition, row=replace(condition.row, then="")), seed)
        assert first is not None, "it comes after one"
        recipe = ground.intermediate(self.scale.intermediate[task])
        return self._put(
            IntermediateTraining(
                condition=condition,
                tasks=(task,),
                seed=seed,
                data={task: ground.inventory.intermediate_hash(task, recipe.rows, False)},
                setting=ground.setting,
                recipes={task: recipe},
                start=first.hash,
            )
        )

    def _measuring(self, cell: Cell) -> Job:
        """Return the job that measures `cell`.

        It evaluates every available target of its training set, asked for or not: its hash, and
        with it every number, then does not depend on which claims are run.
        """
        ground, start = self._ground(cell.condition), self._training(cell.condition, cell.seed)
        name, inventory = measured_by(cell.target), ground.inventory
        tasks = tuple(t for t in ground.survey.targets if measured_by(t) == name)
        recipes = {} if name == RETRIEVAL else {name: ground.target(name, self.scale.target[name])}
        hashes = {f"train/{s}": inventory.training(s, r.rows).hash for s, r in recipes.items()}
        chosen_by = (s for s, recipe in recipes.items() if recipe.evaluate_every)
        hashes |= {f"dev/{s}": inventory.dev(s).hash for s in chosen_by}
        kind = TargetTraining if recipes else RetrievalEvaluation
        return self._put(
            kind(
                condition=cell.condition,
                tasks=tasks,
                seed=cell.seed,
                data={task: inventory.target_hash(task) for task in tasks} | hashes,
                setting=ground.setting,
                recipes=recipes,
                start=start.hash if start else None,
            )
        )


def _as_often(recipe: Recipe, row: Row) -> Recipe:
    """Return `recipe` with the passes over its rows that `row` makes."""
    return replace(recipe, epochs=recipe.epochs * row.divided) if row.repeated else recipe
