"""What a run would cost before it is begun: `python -m reproduce --plan`."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain

import torch

from stilts_repro.claims.measure import plan_of
from stilts_repro.claims.measured import Request
from stilts_repro.data.features import collate, training_batches
from stilts_repro.evaluation.predict import predict
from stilts_repro.experiments import environment
from stilts_repro.experiments.executor import finished
from stilts_repro.experiments.inventory import PARTS
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.plan import Job, Plan
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import content_hash
from stilts_repro.models import attention
from stilts_repro.models.backbone import draw_backbone, load_tokenizer
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.seeds import numpy_rng
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.tables import TARGET_TASKS
from stilts_repro.training.accumulation import backward
from stilts_repro.training.arithmetic import threads, tokens_at_once, uses_bf16
from stilts_repro.training.loop import own_steps
from stilts_repro.training.optimiser import make_optimiser

TRIED_FOR = 3.0  # seconds that each rate is measured for, at least


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

    whole     all its jobs, each once
    left      those that are not finished yet
    unshared  the same cells, each with trainings of its own
    rates     None where there is nothing to train
    """

    whole: Cost
    left: Cost
    unshared: Cost
    workers: int
    rates: Rates | None


def estimate(request: Request) -> Estimate:
    """Return what `request` costs on this machine; nothing is trained but for the rates.

    Reads, checks and tokenises all data, as the run would. A target's dev evaluations during
    training are left out, as early stopping may end them. Raises `InputError` or `MissingError`.
    """
    plan = plan_of(request)
    costs = Costs(request.model)
    store = Store(request.output)
    left = [
        job
        for job in plan.jobs.values()
        if not finished(job, store, keep_models=request.keep_models)
    ]
    return Estimate(
        whole=_sum(costs.of(job) for job in plan.jobs.values()),
        left=_sum(costs.of(job) for job in left),
        unshared=_sum(_alone(plan, costs)),
        workers=environment.workers(),
        rates=measure_rates(plan, request.model),
    )


def measure_rates(plan: Plan, model: str) -> Rates | None:
    """Return the rates of one worker on the plan's largest training, by some steps of it.

    The weights are drawn: none have to be there.
    """
    jobs = [job for job in plan.jobs.values() if job.kind != "retrieval"]
    if not jobs:
        return None
    tokenizer, device = load_tokenizer(model), environment.device()
    materials = [Material(job, tokenizer) for job in jobs]
    found = {name: material for material in materials for name in material.sets if name != MLM}
    name = max(found, key=lambda task: found[task].training(task).features.tokens)
    task = found[name].training(name)
    before = torch.get_num_threads()
    torch.set_num_threads(threads())
    try:
        bf16 = uses_bf16(device)
        backbone = draw_backbone(model, 0).to(device)
        attention.use(backbone, bf16=bf16)
        trained = MultiTaskModel.fresh(backbone, {name: found[name].format(name)}, 0).to(device)
        optimiser = make_optimiser(trained, task.recipe)
        order = training_batches(task.features, task.batch_size, numpy_rng(0, "plan", name))
        pad_id, budget = int(tokenizer.pad_token_id), tokens_at_once(device)

        def step() -> int:
            batch = collate(task.features, next(order), pad_id)
            backward(trained, name, batch, budget)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            return batch.tokens

        dev = found[name].dev(name, task.batch_size)[1]

        def evaluate() -> int:
            predict(trained, name, dev, pad_id)
            return dev.tokens

        return Rates(_rate(step, device), _rate(evaluate, device), name)
    finally:
        torch.set_num_threads(before)


class Costs:
    """What jobs cost, by the tokens of their features."""

    def __init__(self, model: str) -> None:
        self.tokenizer = load_tokenizer(model)
        self._known: dict[str, int] = {}

    def of(self, job: Job) -> Cost:
        """Return what `job` costs."""
        evaluated = sum(self.evaluation(job, task) for task in job.tasks)
        return Cost(1, int(job.kind != "retrieval"), self._once(job, _trained), evaluated)

    def evaluation(self, job: Job, task: str) -> int:
        """Return the tokens by which `job` evaluates `task`."""
        return self._once(job, partial(_evaluated, task), task)

    def _once(self, job: Job, count: Callable[[Material], int], what: str = "") -> int:
        """Return what `count` gives for the job; once for all that read the same rows alike."""
        told = [job.kind, what, job.data, {k: asdict(r) for k, r in job.recipes.items()}]
        key = content_hash([*told, str(job.sampler), job.setting.data])
        if key not in self._known:
            self._known[key] = count(Material(job, self.tokenizer))
        return self._known[key]


def _evaluated(task: str, material: Material) -> int:
    """Return the tokens of what the job evaluates `task` on."""
    if material.job.kind == "intermediate":
        return 0 if task == MLM else material.dev(task)[1].tokens
    parts = PARTS
    if not TARGET_TASKS[task].mining:
        division = material.inventory.division(task)
        parts = PARTS[:1] if division.dev == division.test else PARTS
    return sum(_part(material, task, part) for part in parts)


def _part(material: Material, task: str, part: str) -> int:
    """Return the tokens of one part of a target's rows; English sentences to embed count once."""
    if material.job.kind == "target":
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
    tasks = {name: material.training(name) for name in material.sets}
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
        if job.start is not None:
            yield costs.of(plan.jobs[job.start])


def _rate(work: Callable[[], int], device: torch.device) -> float:
    """Return the tokens a second of `work`, which returns how many it did, after a warm-up."""
    work()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < TRIED_FOR:
        done += work()
        if device.type == "cuda":
            torch.cuda.synchronize()
    return done / (time.perf_counter() - started)


def _sum(costs: Iterable[Cost]) -> Cost:
    return sum(costs, Cost())
