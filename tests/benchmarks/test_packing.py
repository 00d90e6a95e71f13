"""What packed batches bring on a GPU: one model with them, and with padding through torch's sdpa.

Lengths are those of MNLI's rows and of SQuAD's windows. Before anything is timed both must give the
same logits.
"""

import numpy as np
import pytest

from stilts_repro.evaluation.predict import predict
from stilts_repro.models.attention import backend, packs, padded
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe
from tests.benchmarks import given, made
from tests.benchmarks.shapes import TRAINED
from tests.benchmarks.timing import device, machine, measure, same_logits

pytestmark = pytest.mark.skipif(device().type == "cpu", reason="padding is what CPUs use")

PAD = 1
TASK = "mnli"
TOKENS = 200_000
PEER = "padded sdpa"


@pytest.fixture(params=["pairs", "windows"])
def given_both(request, shape):
    """Return a model that packs and features of some lengths, of which padding tells the same."""
    model = given.model(shape, TASK)
    if not packs(model.backbone):
        pytest.skip(f"nothing is packed here: the back end is {backend(model.backbone)}")
    lengths = made.lengths_like(request.param, TOKENS)
    held = made.features_of(TRAINING_SETS[TASK].format, lengths, shape.vocabulary)
    found = predict(model, TASK, held, PAD, machine())
    with padded(model.backbone):
        same_logits(found, predict(model, TASK, held, PAD, machine()))
    return model, held


def compare(benchmark, shape, given_both, work, passes, **options):
    """Time `work`, which computes `passes` forward passes' worth, packed and padded."""
    model, held = given_both

    def with_padding():
        with padded(model.backbone):
            work()

    measure(
        benchmark,
        work,
        {"tokens": held.tokens},
        peer=(PEER, with_padding),
        model=shape.name,
        attention=backend(model.backbone),
        flops=passes * shape.flops(np.diff(held.offsets)),
        **options,
    )


@pytest.mark.benchmark(group="training")
def test_training_packed_next_to_padded(benchmark, shape, given_both):
    model, held = given_both
    tasks = {TASK: TrainingTask(held, Recipe(batch_size=32, epochs=1))}

    def work():
        train(model, tasks, PAD, 0, "benchmark", machine())

    compare(benchmark, shape, given_both, work, TRAINED, turns=3)


@pytest.mark.benchmark(group="evaluation")
def test_evaluation_packed_next_to_padded(benchmark, shape, given_both):
    model, held = given_both

    def work():
        predict(model, TASK, held, PAD, machine())

    compare(benchmark, shape, given_both, work, 1)
