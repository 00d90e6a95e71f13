"""How fast this machine trains and evaluates, by some steps of the largest training of a plan."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from stilts_repro.evaluation.predict import BUDGET, predict
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.plan import Plan
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import draw_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.run.counting import Cost, Costs
from stilts_repro.training.loop import TrainingTask, train

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
class Rates:
    """Real tokens a second that one worker trains on and evaluates, measured on `task`."""

    trained: float
    evaluated: float
    task: str

    def seconds(self, cost: Cost) -> float:
        """Return what `cost` takes one worker."""
        return cost.trained / self.trained + cost.evaluated / self.evaluated


def sizes(plan: Plan) -> dict[str, int]:
    """Return how many parameters each model that the plan trains has beside its embeddings."""
    models = dict.fromkeys(plan.worlds[job.condition.world].model for job in _trainings(plan))
    with torch.device("meta"):  # shapes without memory
        return {model: _body(draw_backbone(model, 0)) for model in models}


def untimed(parameters: Mapping[str, int], machine: Machine) -> str:
    """Return why trainings of models of so many `parameters` are not timed here; '' if they are."""
    largest = max(parameters.values(), default=0)
    if machine.device != "cpu" or largest <= TIMED_ON_CPU:
        return ""
    return f"the model has {largest / 1e6:,.0f} million parameters, and there is no GPU here"


def _trainings(plan: Plan) -> list[Job]:
    return [job for job in plan.jobs.values() if job.recipes]


def _body(backbone: "PreTrainedModel") -> int:
    table = backbone.get_input_embeddings()
    rows = sum(parameter.numel() for parameter in table.parameters())
    return sum(parameter.numel() for parameter in backbone.parameters()) - rows


def largest_of(plan: Plan, costs: Costs, parameters: Mapping[str, int]) -> Largest | None:
    """Return the training set with the most tokens of the plan's largest model; None of none."""
    model = max(parameters, key=parameters.__getitem__, default=None)
    trainings = (j for j in _trainings(plan) if plan.worlds[j.condition.world].model == model)
    materials = [costs.material(job) for job in trainings]
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
