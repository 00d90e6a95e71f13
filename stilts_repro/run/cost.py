"""What a run would cost before it is begun: `python -m reproduce --plan`."""

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING

import torch

from stilts_repro.evaluation.predict import BUDGET, predict
from stilts_repro.experiments.conditions import MLM
from stilts_repro.experiments.executor import unfinished
from stilts_repro.experiments.inventory import PARTS
from stilts_repro.experiments.jobs import IntermediateTraining, Job, TargetTraining
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.plan import Plan
from stilts_repro.jsonio import content_hash
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import draw_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.run.request import Request, plan_of
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.training.loop import TrainingTask, own_steps, train

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TRIED_FOR = 3.0  # seconds that each rate is measured for, about
WARM_UP = 4  # steps
FULL_BATCHES = 4  # that rates of evaluation are measured on, so that a last, smaller one is little
# Parameters beside the token embeddings. Without a GPU a larger model is not drawn: its rates would
# take long, and its run nobody wants.
TIMED_ON_CPU = 50_000_000

Largest = tuple[str, Material, TrainingTask]  # a training set, who reads it, and what it is


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


@dataclass(frozen=True)
class Rates:
    """Real tokens a second that one worker trains on and evaluates, measured on `task`."""

    trained: float
    evaluated: float
    task: str

    def seconds(self, cost: Cost) -> float:
        """Return what `cost` takes one worker."""
        return cost.trained / self.trained + cost.evaluated / self.evaluated


@dataclass(frozen=True)
class Estimate:
    """What a request costs.

    claims    how many of its claims have jobs
    whole     all its jobs, each once
    left      those that are not finished yet
    unshared  the same cells, each with trainings of its own
    workers   jobs that run at once, where there are as many
    rates     None where there is nothing to train, or nothing to time it on
    untimed   why there are no rates though there is something to train; '' otherwise
    together  the rates of one job on all cores, where jobs have one core each; else None
    """

    claims: int
    whole: Cost
    left: Cost
    unshared: Cost
    workers: int
    rates: Rates | None
    untimed: str = ""
    together: Rates | None = None

    @property
    def at_once(self) -> int:
        """Jobs that run at once: a worker has nothing to do where fewer are left than workers."""
        return max(1, min(self.workers, self.left.jobs))

    @property
    def seconds_left(self) -> float | None:
        """What is left takes this machine so long; None without rates."""
        return None if self.rates is None else self.rates.seconds(self.left) / self.at_once


def estimate(request: Request) -> Estimate:
    """Return what `request` costs on this machine; nothing is trained but for the rates.

    Reads, checks and tokenises all data, as the run would. A target's dev evaluations during
    training are left out, as early stopping may end them. Raises `InputError` or `MissingError`.
    """
    planned = plan_of(request)
    plan, store = planned.plan, request.store
    costs = Costs(plan)
    if plan.jobs:
        told = f"reproduce: counting the tokens of {len(plan.jobs)} jobs; a tokenizer's first time "
        print(f"{told}through many rows is long", file=sys.stderr, flush=True)
    left, _ = unfinished(plan.jobs, store, keep_models=request.keep_models)
    targets, seed = planned.survey.targets, request.seeds[0]
    machine, workers = request.machine, request.machine.workers()
    untimed = _untimed(plan, machine)
    largest = None if untimed else _largest(plan, costs)
    several = machine.device == "cpu" and machine.threads == 1 and workers > 1
    every_core = replace(machine, threads=workers)
    return Estimate(
        claims=sum(bool(claim.cells(targets, seed, planned.sets)) for claim in request.running),
        whole=_sum(costs.of(job) for job in plan.jobs.values()),
        left=_sum(costs.of(job) for job in left.values()),
        unshared=_sum(_alone(plan, costs)),
        workers=workers,
        rates=measure_rates(largest, machine) if largest else None,
        untimed=untimed,
        together=measure_rates(largest, every_core) if largest and several else None,
    )


def _trainings(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs.values() if job.recipes]


def _untimed(plan: Plan, machine: Machine) -> str:
    """Return why the plan's trainings are not timed here; '' where they are, or it has none."""
    models = {plan.worlds[job.condition.world].model for job in _trainings(plan)}
    if not models or machine.device != "cpu":
        return ""
    with torch.device("meta"):  # shapes without memory
        largest = max(_body(draw_backbone(model, 0)) for model in models)
    if largest <= TIMED_ON_CPU:
        return ""
    return f"the model has {largest / 1e6:,.0f} million parameters, and there is no GPU here"


def _body(backbone: "PreTrainedModel") -> int:
    """Return how many parameters there are beside the token embeddings."""
    table = backbone.get_input_embeddings()
    rows = sum(parameter.numel() for parameter in table.parameters())
    return sum(parameter.numel() for parameter in backbone.parameters()) - rows


def _largest(plan: Plan, costs: "Costs") -> Largest | None:
    """Return the training set of the plan that has the most tokens; None of none."""
    materials = [costs.material(job) for job in _trainings(plan)]
    by_set = {name: material for material in materials for name in material.job.recipes}
    tasks = {name: material.task(name) for name, material in by_set.items()}
    if not tasks:
        return None
    name = max(tasks, key=lambda name: tasks[name].features.tokens)
    return name, by_set[name], tasks[name]


def measure_rates(largest: Largest, machine: Machine) -> Rates:
    """Return the rates of one worker on the largest training, by some steps of it.

    The weights are drawn: none have to be there.
    """
    name, material, task = largest
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads)
    try:
        backbone = draw_backbone(material.world.model, 0)
        model = MultiTaskModel.fresh(backbone, {name: material.format(name)}, 0)
        model.to(machine.device)
        attention.use(backbone, machine)
        pad_id = int(material.tokenizer.pad_token_id)
        trained = _training_rate(model, name, task, pad_id, machine)
        return Rates(trained, _evaluation_rate(model, name, material, pad_id, machine), name)
    finally:
        torch.set_num_threads(before)


def _training_rate(
    model: MultiTaskModel, name: str, task: TrainingTask, pad_id: int, machine: Machine
) -> float:
    """Return the tokens a second of the loop itself.

    On a GPU steps are queued: each timed run waits for its losses at the end, as the warm-up did,
    so that it begins with an empty queue and ends with one.
    """
    epoch = math.ceil(len(task.features) / task.batch_size)

    def some(steps: int) -> tuple[int, float]:
        short = replace(task, recipe=replace(task.recipe, epochs=steps / epoch, share=None))
        log = train(model, {name: short}, pad_id, 0, "plan", machine)
        return log.tokens, log.seconds

    some(WARM_UP)
    _, taken = some(WARM_UP)
    tokens, taken = some(max(WARM_UP, math.ceil(WARM_UP * TRIED_FOR / taken)))
    return tokens / taken


def _evaluation_rate(
    model: MultiTaskModel, name: str, material: Material, pad_id: int, machine: Machine
) -> float:
    """Return the tokens a second of predictions, in batches as full as a run's are."""
    examples, dev = material.dev(name)
    wanted = FULL_BATCHES * BUDGET[model.backbone.device.type]
    if dev.tokens > wanted:
        dev = material.dev(name, math.ceil(len(examples) * wanted / dev.tokens))[1]
    predict(model, name, dev, pad_id, machine)  # a warm-up, which ends with its logits on the host
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < TRIED_FOR:
        predict(model, name, dev, pad_id, machine)
        done += dev.tokens
    return done / (time.perf_counter() - started)


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


def _alone(plan: Plan, costs: Costs) -> Iterable[Cost]:
    """Yield what each cell costs that shares nothing with another."""
    for cell in plan.cells:
        job = plan.job_of(cell)
        own = costs.of(job)
        yield Cost(1, own.trainings, own.trained, costs.evaluation(job, cell.target))
        yield from map(costs.of, plan.behind(job))


def _sum(costs: Iterable[Cost]) -> Cost:
    return sum(costs, Cost())
