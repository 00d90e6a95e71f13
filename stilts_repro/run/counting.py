"""What jobs cost, by the tokens of their features."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import chain

from stilts_repro.experiments.conditions import MLM
from stilts_repro.experiments.inventory import PARTS
from stilts_repro.experiments.jobs import IntermediateTraining, Job, TargetTraining
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.plan import Plan
from stilts_repro.jsonio import content_hash
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.training.loop import own_steps


@dataclass(frozen=True)
class Cost:
    """Jobs, trainings among them, and the real tokens that are trained on and evaluated."""

    jobs: int = 0
    trainings: int = 0
    trained: int = 0
    evaluated: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return both together."""
        return Cost(
            self.jobs + other.jobs,
            self.trainings + other.trainings,
            self.trained + other.trained,
            self.evaluated + other.evaluated,
        )


class Costs:
    """What the jobs of a plan cost, by the tokens of their features."""

    def __init__(self, plan: Plan) -> None:
        self.worlds = plan.worlds
        self._known: dict[str, int] = {}
        self._tokenizer = cache(load_tokenizer)

    def material(self, job: Job) -> Material:
        """Return what `job` reads, as the tokenizer of its own world's model cuts it."""
        world = self.worlds[job.condition.world]
        return Material(job, world, self._tokenizer(world.model))

    def of(self, job: Job) -> Cost:
        """Return what `job` costs."""
        evaluated = sum(self.evaluation(job, task) for task in job.tasks)
        return Cost(1, int(bool(job.recipes)), self._once(job, _trained), evaluated)

    def evaluation(self, job: Job, task: str) -> int:
        """Return the tokens by which `job` evaluates `task`."""
        return self._once(job, partial(_evaluated, task), task)

    def _once(self, job: Job, count: Callable[[Material], int], what: str = "") -> int:
        """Return what `count` gives for the job; once for all that read the same rows alike."""
        world, recipes = self.worlds[job.condition.world], {**job.recipes}
        if isinstance(job, IntermediateTraining) and job.continued:
            recipes[MLM] = job.continued
        alike = [job.kind, what, job.data, {name: asdict(r) for name, r in recipes.items()}]
        drawn = [job.condition.row.divided, str(job.sampler)]
        key = content_hash([*alike, *drawn, world.data, world.model])
        if key not in self._known:
            self._known[key] = count(self.material(job))
        return self._known[key]


def _evaluated(task: str, material: Material) -> int:
    """Return the tokens of what the job evaluates `task` on."""
    if isinstance(material.job, IntermediateTraining):
        return material.dev(task)[1].tokens
    parts: tuple[str, ...] = PARTS
    if not TARGET_TASKS[task].mining:
        division = material.inventory.division(task)
        parts = PARTS[:1] if division.dev == division.test else PARTS
    return sum(_part(material, task, part) for part in parts)


def _part(material: Material, task: str, part: str) -> int:
    """Return the tokens of one part of a target's rows; English sentences to embed count once."""
    if isinstance(material.job, TargetTraining):
        return material.evaluation(task, part)[1].tokens
    if TARGET_TASKS[task].mining:
        pools = material.pools(task, part).values()
        sides = [(pool.source, pool.target) for pool in pools]
    else:
        held = material.inventory.evaluation(task, part).values()
        sides = [
            (tuple(p.source for p in e.examples), tuple(p.target for p in e.examples)) for e in held
        ]
    english = dict.fromkeys(chain.from_iterable(target for _, target in sides))
    texts = [*chain.from_iterable(source for source, _ in sides), *english]
    return material.sentences(texts).tokens


def _trained(material: Material) -> int:
    """Return the tokens that the job's training goes through."""
    tasks = material.training()
    if not tasks:
        return 0
    own = own_steps(tasks, material.job.sampler.cap)
    steps, weights = sum(own.values()), material.job.sampler.weights(own)
    a_step = {
        name: task.features.tokens / math.ceil(len(task.features) / task.batch_size)
        for name, task in tasks.items()
    }
    return round(sum(steps * weights[name] * a_step[name] for name in tasks))
