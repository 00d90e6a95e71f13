"""Trainings that would move nothing, or whose losses are no numbers."""

import pytest
import torch

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training import loop, state
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.optimiser import Recipe

PAD = 1


def task(rows):
    ids = [[0, 50 + row % 30, 60, 2] for row in range(rows)]
    features = Features.of(ids, unit={"label": [row % 3 for row in range(rows)]})
    return TrainingTask(features, Recipe(learning_rate=1e-3, batch_size=4, epochs=1))


@pytest.fixture
def model(tiny_model):
    return MultiTaskModel.fresh(
        load_backbone(str(tiny_model), 0), {"mnli": TRAINING_SETS["mnli"].format}, 0
    )


def test_a_training_of_one_step_moves_the_weights(model):
    """By the schedule its rate is zero, and a gain would be zero whatever phase (ii) does."""
    before = model.head("mnli").linear.weight.detach().clone()
    assert train(model, {"mnli": task(4)}, PAD, 0, "x", Machine()).steps == 1
    # The first step of AdamW moves a weight by the rate, whatever its gradient.
    moved = (model.head("mnli").linear.weight - before).abs()
    torch.testing.assert_close(moved.median(), torch.tensor(1e-3), rtol=0.05, atol=0.0)


@pytest.mark.parametrize(("spoilt", "every"), [(1, 50), (3, 2), (5, 2)])
def test_a_loss_that_is_no_number_is_one_line_with_task_and_step(model, monkeypatch, spoilt, every):
    steps = iter(range(1, 100))
    backward = loop.backward

    def spoil(*arguments):
        loss = backward(*arguments)
        return loss * torch.nan if next(steps) == spoilt else loss

    monkeypatch.setattr(state, "LOOK_EVERY", every)
    monkeypatch.setattr(loop, "backward", spoil)
    with pytest.raises(InputError) as caught:
        train(model, {"mnli": task(20)}, PAD, 0, "target/mnli", Machine())
    line = str(caught.value)
    assert line.startswith(f"target/mnli: the loss of mnli at step {spoilt} is not a finite number")
    assert "\n" not in line
