"""Training and evaluation of every format at the lengths of real rows, and at one length."""

from functools import lru_cache

import numpy as np
import pytest

from stilts_repro.evaluation.predict import predict
from stilts_repro.models.attention import backend
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe
from tests.benchmarks import given, made
from tests.benchmarks.shapes import MINI, TRAINED
from tests.benchmarks.timing import machine, measure

PAD = 1
BATCH = 32  # sequences a step
TASKS = {
    "classification": "mnli",
    "multiple_choice": "hellaswag",
    "span": "squad_v1",
    "tagging": "panx_en",
}

both = pytest.mark.parametrize("lengths", [*made.LENGTHS, "even"])
every = pytest.mark.parametrize("name", TASKS)


@lru_cache(maxsize=1)  # XLM-R Large's weights take seconds to draw
def model(shape, task):
    return given.model(shape, task)


def features(shape, task, lengths):
    tokens = 8_000 if shape is MINI else 200_000
    kind = TRAINING_SETS[task].format
    return made.features_of(kind, made.lengths_like(lengths, tokens), shape.vocabulary)


@pytest.mark.benchmark(group="training")
@every
@both
def test_training(benchmark, shape, name, lengths):
    task = TASKS[name]
    held, trained = features(shape, task, lengths), model(shape, task)
    tasks = {task: TrainingTask(held, Recipe(batch_size=BATCH // held.group, epochs=1))}
    log = train(trained, tasks, PAD, 0, "benchmark", machine())
    assert log.tokens == held.tokens
    assert np.isfinite(log.losses).all()
    measure(
        benchmark,
        lambda: train(trained, tasks, PAD, 0, "benchmark", machine()),
        {"tokens": held.tokens},
        model=shape.name,
        attention=backend(trained.backbone),
        flops=TRAINED * shape.flops(np.diff(held.offsets)),
        turns=3,
    )


@pytest.mark.benchmark(group="evaluation")
@every
@both
def test_evaluation(benchmark, shape, name, lengths):
    task = TASKS[name]
    held, trained = features(shape, task, lengths), model(shape, task)
    assert len(predict(trained, task, held, PAD, machine())) == len(held)
    measure(
        benchmark,
        lambda: predict(trained, task, held, PAD, machine()),
        {"tokens": held.tokens},
        model=shape.name,
        attention=backend(trained.backbone),
        flops=shape.flops(np.diff(held.offsets)),
    )
