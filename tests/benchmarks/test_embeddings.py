"""Training that moves the token embeddings its rows hold, or none, next to the whole table.

A model of E5-small's shape on MNLI rows in batches of 32: four fifths of it are the table. That
both learn alike is held by a test (tests/training/test_moved_embeddings.py).
"""

from dataclasses import replace

import pytest

from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe
from tests.benchmarks import given
from tests.benchmarks.shapes import TRAINED, Shape
from tests.benchmarks.timing import machine, measure

pytestmark = pytest.mark.benchmark(group="training loop")

SMALL = Shape("multilingual-e5-small", 12, 384, 12, 1536, 250_002, dropout=0.0)
ROWS = 320  # ten steps, so that making room for the moments, once a training, is little
RECIPE = Recipe(learning_rate=2e-4, epochs=1, weight_decay=0.0)


@pytest.mark.parametrize("choice", ["read", "frozen"])
def test_embeddings(benchmark, choice):
    features = given.training_features("mnli", ROWS)
    model = given.model(SMALL, "mnli")

    def trained(embeddings):
        task = TrainingTask(features, replace(RECIPE, embeddings=embeddings))
        return train(model, {"mnli": task}, given.pad_id(), 0, "benchmark", machine())

    measure(
        benchmark,
        lambda: trained(choice),
        {"tokens": features.tokens},
        peer=("whole table", lambda: trained("whole")),
        model=SMALL.name,
        flops=TRAINED * SMALL.flops(features.unit_lengths()),
        turns=2,
    )
