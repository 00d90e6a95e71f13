"""A training that is stopped goes on to the very weights of an unbroken one."""

import math
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from stilts_repro import stopping
from stilts_repro.errors import InputError
from stilts_repro.experiments import forking
from stilts_repro.machine import HALVINGS, Machine
from stilts_repro.training import loop
from stilts_repro.training.checkpointing import STATE, Checkpoints
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.state import Losses
from tests.training.test_training_loop import MAKE, PAD, fresh, recipe, state

NAMES = ("mnli", "panx_en")
STEPS = 60
MACHINE = Machine()


def trained(path, checkpoints=None, progress=None, machine=MACHINE, **options):
    """Train two tasks with dropout, early stopping and a part of the embeddings."""
    options = {"epochs": 10, "dropout": 0.1, "embeddings": "read", "evaluate_every": 7} | options
    model = fresh(path, NAMES)
    tasks = {name: TrainingTask(MAKE[name](48), recipe(**options)) for name in NAMES}
    scores = lambda: float(model.head("mnli").linear.weight.detach().abs().sum())  # noqa: E731
    log = train(model, tasks, PAD, 0, "x", machine, progress, scores, checkpoints=checkpoints)
    return state(model), log


@pytest.fixture(scope="module")
def unbroken(tiny_model):
    return trained(tiny_model)


def same(found, expected):
    (weights, log), (expected_weights, expected_log) = found, expected
    assert weights.keys() == expected_weights.keys()
    assert all(torch.equal(weights[name], expected_weights[name]) for name in weights)
    for name in ("losses", "tokens", "steps", "best_step", "dev_scores", "halvings"):
        assert getattr(log, name) == getattr(expected_log, name), name


def child(path, folder, output):
    torch.set_num_threads(1)
    torch.save(trained(path, Checkpoints(folder, every=0.0)), output)


def test_resumed_equals_unbroken_wherever_it_was_killed(tiny_model, tmp_path, unbroken):
    """A checkpoint a step, and ten kills at any moment, in the middle of a checkpoint too."""
    folder, output, rng = tmp_path / "checkpoints", tmp_path / "out.pt", random.Random(3)
    context, kills, steps = forking.start(), 0, []
    while not output.is_file():
        process = context.Process(target=child, args=(tiny_model, folder, output))
        process.start()
        if kills < 10:
            # Not before it has gone on: a start takes longer than the steps between two kills.
            begun = {path.name for path in folder.glob("*")}
            while process.is_alive() and begun == {path.name for path in folder.glob("*")}:
                process.join(0.002)
            process.join(rng.uniform(0.0, 0.02))
            process.kill()
            kills += 1
        process.join()
        steps += [int(path.stem) for path in folder.glob("*.safetensors")]
    assert kills == 10 and len({*steps}) > 5
    same(torch.load(output, weights_only=False), unbroken)


def test_a_checkpoint_is_due_after_its_time(tmp_path, monkeypatch):
    assert Checkpoints(tmp_path, every=0.0).due()
    checkpoints = Checkpoints(tmp_path, every=1000.0)
    assert not checkpoints.due() and not checkpoints.due(last=True)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 500)
    assert checkpoints.due(last=True) and not checkpoints.due()
    monkeypatch.setattr(stopping, "_asked", True)
    assert checkpoints.due()


def test_losses_are_looked_at_after_the_same_steps_whoever_leaves_checkpoints():
    """Of two processes one leaves them, and both are to end at the same step."""
    leading, following = Losses("x"), Losses("x")
    for step in range(1, 51):
        loss = torch.tensor(math.nan if step == 30 else 1.0)
        for losses in (leading, following):
            if step < 50:
                losses.add("mnli", loss)
        if step == 40:
            assert len(leading.known()) == 40 and not leading.sound
    for losses in (leading, following):
        with pytest.raises(InputError, match="the loss of mnli at step 30 is not a finite"):
            losses.add("mnli", torch.tensor(1.0))


@pytest.fixture
def stopped(tiny_model, tmp_path):
    """The checkpoints of a training that was stopped."""

    def stop(step, steps):
        if step == 20:
            raise KeyboardInterrupt

    folder = tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        trained(tiny_model, Checkpoints(folder, every=0.0), stop)
    return folder


@pytest.mark.parametrize("name", [STATE, "19.safetensors"])
def test_a_damaged_checkpoint_is_none(tiny_model, stopped, unbroken, capsys, name):
    whole = (stopped / name).read_bytes()
    place = len(whole) // 2
    (stopped / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert Checkpoints(stopped).load() is None
    assert "a damaged checkpoint; the training starts anew" in capsys.readouterr().err
    same(trained(tiny_model, Checkpoints(stopped)), unbroken)


def test_a_checkpoint_of_before_is_gone_on_from(tiny_model, stopped, unbroken):
    told = []
    found = trained(tiny_model, Checkpoints(stopped), lambda step, steps: told.append(step))
    assert told[0] == 20
    same(found, unbroken)
    assert unbroken[1].earlier == 0 < found[1].earlier < found[1].seconds


def ask_and_train(path, folder, output):
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, stopping.request)

    def terminate(step, steps):
        if step == 20:
            os.kill(os.getpid(), signal.SIGTERM)

    with stopping.training():
        torch.save(trained(path, Checkpoints(folder), terminate), output)


def test_one_that_is_asked_to_end_finishes_its_step_and_leaves_a_checkpoint(
    tiny_model, tmp_path, unbroken
):
    folder, output = tmp_path / "checkpoints", Path(tmp_path / "out.pt")
    process = forking.start().Process(target=ask_and_train, args=(tiny_model, folder, output))
    process.start()
    process.join()
    assert process.exitcode == stopping.STATUS == 143
    assert not output.exists() and (folder / "20.safetensors").is_file()
    same(trained(tiny_model, Checkpoints(folder)), unbroken)


class Memory:
    """Room for so many tokens at once, less whenever it is asked for."""

    def __init__(self, backward, *room):
        self.backward, self.room = backward, [*room]
        self.asked = []

    def __call__(self, model, task, batch, machine):
        tokens = machine.tokens or batch.tokens
        self.asked.append(machine.tokens)
        if tokens > self.room[0]:
            self.backward(model, task, batch, machine)  # gradients that must not count twice
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return self.backward(model, task, batch, machine)


@pytest.mark.parametrize("machine", [Machine(), Machine(tokens=100_000)])
def test_a_step_that_is_too_much_is_done_in_parts(tiny_model, monkeypatch, machine):
    """Half of what it is, not of what a machine may take, which may be more than all of it."""
    memory = Memory(loop.backward, 40)
    monkeypatch.setattr(loop, "backward", memory)
    weights, log = trained(tiny_model, machine=machine, dropout=0.0)
    assert log.halvings == 2
    assert memory.asked[0] == machine.tokens and memory.asked[-1] == log.at_once <= 40
    monkeypatch.undo()
    whole, expected = trained(tiny_model, dropout=0.0)
    assert log.losses == pytest.approx(expected.losses, abs=1e-4)
    assert (expected.halvings, log.tokens) == (0, expected.tokens)
    for name in whole:
        torch.testing.assert_close(weights[name], whole[name], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("out of memory"), MemoryError(), RuntimeError("shapes differ")]
)
def test_what_halving_does_not_help_is_raised(tiny_model, monkeypatch, error):
    asked = []

    def fail(model, task, batch, machine):
        asked.append(machine.tokens)
        raise error

    monkeypatch.setattr(loop, "backward", fail)
    with pytest.raises(type(error)):
        trained(tiny_model)
    assert len(asked) == (1 if "shapes" in str(error) else 1 + HALVINGS)
