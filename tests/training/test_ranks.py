"""Two processes that train together do what one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from stilts_repro.experiments import forking
from stilts_repro.experiments.conditions import MLM
from stilts_repro.machine import Machine
from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.masked import Masking, load_masked_head
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.report.table import claim_row
from stilts_repro.run.execution import run_claims
from stilts_repro.training.checkpointing import Checkpoints
from stilts_repro.training.loop import TrainingTask, train
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
from tests.training.test_training_loop import FORMATS, MAKE, PAD, recipe

ROOT = Path(__file__).parents[2]


def trained(path, checkpoints=None):
    """Train on units, choices, words, spans and masked tokens; a batch of three, and of one."""
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
        *(model, tasks | {MLM: texts}, PAD, 0, "x", Machine(processes=2), None, scores),
        checkpoints=checkpoints,
    )
    return model.state_dict(), log


def share(path, number, meeting, output):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{meeting}", rank=number, world_size=2)
    checkpoints = Checkpoints(Path(f"{output}-checkpoints-{number}"), every=0.0)
    torch.save(trained(path, checkpoints), f"{output}-{number}")
    distributed.destroy_process_group()


def test_two_processes_have_the_losses_of_one(masked_lm, tmp_path):
    alone, log = trained(masked_lm)
    context = forking.start()
    both = [
        context.Process(target=share, args=(masked_lm, n, tmp_path / "meeting", tmp_path / "out"))
        for n in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    found = [torch.load(f"{tmp_path}/out-{n}", weights_only=False) for n in range(2)]
    for weights, told in found:
        assert told.losses == pytest.approx(log.losses, abs=2e-4)
        assert (told.steps, told.tokens) == (log.steps, log.tokens)
        assert told.dev_scores == pytest.approx(log.dev_scores, rel=1e-3)
        for name, value in alone.items():
            torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=2e-3)
    # Equal to the last bit in both, and the leading one alone leaves checkpoints.
    assert all(torch.equal(found[0][0][name], found[1][0][name]) for name in alone)
    assert Path(f"{tmp_path}/out-checkpoints-0").is_dir()
    assert not Path(f"{tmp_path}/out-checkpoints-1").exists()


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
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for reused in (0, 5):  # the second time there is nothing to do
        done = subprocess.run(
            [sys.executable, *launcher, str(script), str(masked_lm), str(output)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("written: ") == 1
        assert f"{reused} finished already" in done.stdout
    alone = run_claims(narrowed(run_request(masked_lm, tmp_path / "alone", NAMES[:1])))
    printed = claim_row(alone["claims"][0])
    assert printed[0] in done.stdout and len([*output.glob("jobs/[!.]*")]) == 5
