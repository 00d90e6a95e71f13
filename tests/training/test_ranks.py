"""Two processes that train together do what one does."""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest
import torch
from torch import distributed

from stilts_repro.errors import InputError
from stilts_repro.experiments import forking, together
from stilts_repro.experiments.conditions import MLM
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.masked import Masking, load_masked_head
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.report.table import claim_row
from stilts_repro.run.execution import run_claims
from stilts_repro.training.checkpointing import Checkpoints
from stilts_repro.training.loop import TrainingTask, train
from stilts_repro.training.ranks import Ranks
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
from tests.training.test_training_loop import FORMATS, MAKE, PAD, recipe

ROOT = Path(__file__).parents[2]
# FSDP2 over gloo broke its own heap in 1 of some 50 runs. A run begins such a job again.
BROKEN = {-signal.SIGABRT, -signal.SIGSEGV}
# A softmax over tokens or choices is the same whatever is added to all of them: the gradient of
# these is rounding alone, and Adam makes whole steps of it, other ones on each make of machine.
ADDED_TO_ALL = {f"heads.{task}.linear.bias" for task in ("squad_v1", "hellaswag")}


class Stopped(Exception):
    """A training was stopped on purpose."""


def trained(path, checkpoints=None, *, processes=1, sharded=False, until=None):
    """Train on units, choices, words, spans and masked tokens; a batch of three, and of one."""

    def stop(step, steps):
        if step == until:
            raise Stopped

    model = MultiTaskModel.fresh(load_backbone(str(path), 0), FORMATS, 0)
    model.heads[MLM] = load_masked_head(str(path), model.backbone)
    tasks = {
        name: TrainingTask(MAKE[name](25), recipe(batch_size=3, dropout=0.0, evaluate_every=20))
        for name in FORMATS
    }
    masking = Masking(mask_id=4, special_ids=(0, 1, 2), vocabulary=800, rate=0.3)
    texts = TrainingTask(MAKE["mnli"](25), recipe(batch_size=3, share=0.2), masking)
    scores = lambda: float(model.head("mnli").linear.weight.detach().abs().sum())  # noqa: E731
    log = train(
        *(model, tasks | {MLM: texts}, PAD, 0, "x"),
        *(Machine(processes=processes, sharded=sharded), stop, scores),
        checkpoints=checkpoints,
    )
    return model.state_dict(), log


def share(path, number, meeting, output, sharded, stops):
    faulthandler.enable()  # says where, if torch dies
    torch.set_num_threads(1)
    for until in stops:
        there = f"file://{meeting}-{until}"
        distributed.init_process_group("gloo", there, rank=number, world_size=2)
        # Spread weights go on from the checkpoint that the leading process left.
        checkpoints = Checkpoints(Path(f"{output}-checkpoints-{number * (not sharded)}"), every=0.0)
        with suppress(Stopped):
            both = {"processes": 2, "sharded": sharded, "until": until}
            torch.save(trained(path, checkpoints, **both), f"{output}-{number}")
        distributed.destroy_process_group()


def by_two(path, folder, meeting, sharded, stops):
    """Return with which status each of two processes ended."""
    context = forking.start()
    given = folder / meeting, folder / "out", sharded, stops
    both = [context.Process(target=share, args=(path, n, *given)) for n in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    return [process.exitcode for process in both]


@pytest.mark.parametrize(("sharded", "stops"), [(False, [0]), (True, [23, 0])])
def test_two_processes_have_the_losses_of_one(masked_lm, tmp_path, sharded, stops):
    alone, log = trained(masked_lm)
    statuses = by_two(masked_lm, tmp_path, "meeting", sharded, stops)
    if sharded and BROKEN & {*statuses}:
        statuses = by_two(masked_lm, tmp_path, "again", sharded, stops)
    assert statuses == [0, 0]
    found = [torch.load(f"{tmp_path}/out-{n}", weights_only=False) for n in range(2)]
    for _, told in found:
        assert told.losses == pytest.approx(log.losses, abs=2e-4)
        assert (told.steps, told.tokens) == (log.steps, log.tokens)
        assert told.dev_scores == pytest.approx(log.dev_scores, rel=1e-3)
    told_by_rows = {name: value for name, value in alone.items() if name not in ADDED_TO_ALL}
    assert len(told_by_rows) == len(alone) - len(ADDED_TO_ALL)
    for weights, _ in found[: 1 if sharded else 2]:  # spread weights are whole where one leads
        for name, value in told_by_rows.items():
            torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=2e-3)
    # The leading one alone leaves checkpoints; what is whole in both is equal to the last bit.
    assert Path(f"{tmp_path}/out-checkpoints-0").is_dir()
    assert not Path(f"{tmp_path}/out-checkpoints-1").exists()
    assert sharded or all(torch.equal(found[0][0][name], found[1][0][name]) for name in alone)


def fail():
    raise InputError("no number on more than one row of a hundred")


def meet(number, meeting, folder):
    """Have the leading process fail alone, and then both say a number together."""
    distributed.init_process_group("gloo", f"file://{meeting}", rank=number, world_size=2)
    ranks = Ranks.here()
    told = [ranks.led(lambda: 0.5)]
    with pytest.raises(InputError) as error:
        ranks.led(fail)
    told += [str(error.value), ranks.agreed(float(number))]
    (folder / str(number)).write_text(json.dumps(told))
    distributed.destroy_process_group()


def test_what_the_leading_process_meets_alone_ends_all_and_they_stay_in_step(tmp_path):
    context = forking.start()
    both = [context.Process(target=meet, args=(n, tmp_path / "m", tmp_path)) for n in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    first, second = (json.loads((tmp_path / str(n)).read_text()) for n in range(2))
    assert first == [0.5, "no number on more than one row of a hundred", 0.0]
    assert second == [0.5, "the leading process met an error, which it tells", 0.0]


def below_torchrun(*command):
    """Run a command in two processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [sys.executable, *launcher, *map(str, command)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_bad_input_below_torchrun_is_one_line(tmp_path):
    command = ("-m", "reproduce", "squad_gain", "--scale", "smoke")
    paths = ("--data", tmp_path / "nowhere", "--output", tmp_path / "out")
    done = below_torchrun(*command, *paths)
    lines = [line for line in done.stderr.splitlines() if line.startswith("reproduce: ")]
    assert done.returncode and len(lines) == 1 and "nowhere" in lines[0]
    assert "fault" not in done.stderr


COMMAND = """
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from reproduce.catalogue import all_claims
from stilts_repro.cli import reproduce
from stilts_repro.experiments import together
from stilts_repro.machine import Machine
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
if __name__ == "__main__":
    model, output = sys.argv[1:]
    request = narrowed(run_request(model, Path(output), NAMES[:1]))
    request = replace(request, workers=together.all_workers, machine=Machine.of(device="cpu"))
    options = reproduce.parser().parse_args([])
    sys.exit(reproduce.check_claims(request, options, reproduce.Console()))
"""


def test_a_run_below_torchrun_is_one_run(masked_lm, tmp_path):
    script, output = tmp_path / "run.py", tmp_path / "out"
    script.write_text(COMMAND)
    for reused in (0, 5):  # the second time there is nothing to do
        done = below_torchrun(script, masked_lm, output)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("written: ") == 1
        assert f"{reused} finished already" in done.stdout
    alone = run_claims(narrowed(run_request(masked_lm, tmp_path / "alone", NAMES[:1])))
    printed = claim_row(alone["claims"][0])
    assert printed[0] in done.stdout and len([*output.glob("jobs/[!.]*")]) == 5


COUNTED = """
import os
import signal
import time
from stilts_repro import stopping
from stilts_repro.training import loop
update = loop._update
def counted(*arguments):
    update(*arguments)
    if os.environ["RANK"] != "0":
        return
    with open({steps!r}, "ab") as steps:
        steps.write(b"x")
        if steps.tell() == {last}:  # the launcher hands it on to all
            os.kill(os.getppid(), signal.SIGTERM)
            while not stopping.asked():
                time.sleep(0.01)
loop._update = counted
"""


def test_sigterm_below_torchrun_leaves_a_checkpoint_that_is_gone_on_from(
    masked_lm, tmp_path, by_one
):
    script, output, steps = tmp_path / "run.py", tmp_path / "out", tmp_path / "steps"
    script.write_text(COUNTED.format(steps=str(steps), last=4) + COMMAND)
    for checkpoints in (1, 0):
        done = below_torchrun(script, masked_lm, output)
        assert bool(done.returncode) == bool(checkpoints), done.stderr
        assert len([*output.glob("checkpoints/*/checkpoint.json")]) == checkpoints
    found = trainings(output)
    for title, expected in by_one[1].items():
        assert found[title] == pytest.approx(expected, rel=1e-3)
    # No step was done twice.
    assert steps.stat().st_size == sum(told[0] for told in found.values())


@pytest.fixture(scope="module")
def by_one(masked_lm, tmp_path_factory):
    """A run whose jobs have one process each."""
    output = tmp_path_factory.mktemp("by_one") / "out"
    return run_claims(narrowed(run_request(masked_lm, output, NAMES[:1]))), trainings(output)


def trainings(output):
    """Return steps, tokens and first loss of each training, by its title."""
    found = [json.loads(path.read_text()) for path in output.glob("jobs/*/result.json")]
    return {
        str((r["job"]["kind"], r["job"]["intermediate"], r["job"]["tasks"])): [
            r[name] for name in ("steps", "tokens", "first_loss")
        ]
        for r in found
        if "steps" in r
    }


@pytest.mark.parametrize("sharded", [False, True])
def test_workers_have_helpers_where_a_job_has_two_processes(masked_lm, tmp_path, by_one, sharded):
    """As `--gpus-per-job 2` has it, on a machine without GPUs."""
    machine = Machine(processes=2, sharded=sharded)
    request = narrowed(run_request(masked_lm, tmp_path / "out", NAMES[:1], machine=machine))
    result = run_claims(request)
    assert not result["failed"]["jobs"]
    found, alone = trainings(tmp_path / "out"), by_one[1]
    assert len(found) == 3 and found.keys() == alone.keys()
    for title, expected in alone.items():
        assert found[title] == pytest.approx(expected, rel=1e-3)


class Named(NamedTuple):
    """As much of a job as is looked at before it is begun."""

    title: str
    recipes: str


def die(*_):
    os._exit(7)


def lead(path):
    with (path / "told").open("w") as told:
        os.dup2(told.fileno(), 2)
    together._help = die
    job = Named("a job", "0")
    with together.helped(Machine(processes=2), [], job, None, path):
        time.sleep(60)


def test_a_worker_ends_with_its_helper(tmp_path):
    """Otherwise it would wait for it for ever, and its GPUs with it."""
    process = forking.start().Process(target=lead, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == 1
    assert "a job: a helper of it ended with status 7" in (tmp_path / "told").read_text()


@pytest.mark.parametrize(
    ("status", "is_over", "ends"),
    [
        (0, False, False),  # it has done its share, and the worker goes on to evaluate
        (together.MET, False, True),  # it met an error that the worker does not meet
        (together.MET, True, False),
        (7, True, False),
    ],
)
def test_what_a_helpers_end_says(monkeypatch, status, is_over, ends):
    helper, over, ended = forking.start().Process(target=sys.exit, args=(status,)), Event(), []
    helper.start()
    monkeypatch.setattr(together.os, "_exit", ended.append)
    monkeypatch.setattr(together, "AGREEMENT", 0.1)
    if is_over:
        over.set()
    together._end_with([helper], "a job", over)
    assert ended == [1] * ends
