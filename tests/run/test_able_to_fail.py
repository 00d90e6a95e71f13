"""A check that cannot fail shows nothing: each of these changes must turn its claim red."""

import json
import shutil
from dataclasses import replace
from statistics import fmean

import pytest
import torch

from reproduce.catalogue import all_claims
from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.check import Run, check
from stilts_repro.claims.expected import Made, load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.experiments import work
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.work import run_job
from stilts_repro.machine import Machine
from stilts_repro.run import execution
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.training.loop import TrainingLog
from tests.planning import SMALL, small_scale

REFERENCES = [(claim, scale) for claim in all_claims() for scale in load_expected(claim).reference]


@pytest.mark.parametrize(("claim", "scale"), REFERENCES)
def test_a_shift_by_what_the_check_says_it_finds_is_found(claim, scale):
    expected = load_expected(claim)
    mean = fmean(expected.reference[scale].main.values)
    unchanged = check(expected, Run([mean]), scale)
    assert unchanged.verdict == "pass"
    for change in (unchanged.detectable_change, -unchanged.detectable_change):
        assert check(expected, Run([mean + change]), scale).verdict == "fail"


# What needs no training of its own shows every change of phase (ii).
CLAIMS, TARGETS = ("hellaswag_gain", "mnli_gain"), ("tatoeba",)
SEEDS = (0, 1, 2)
SCALE = small_scale(replace(SMALL, rows=64), evaluation_rows=None)


def in_this_process(jobs, worlds, store, machine, report, *, keep_models=False):
    for job in jobs.values():
        if not store.done(job.hash):
            run_job(job, worlds[job.condition.world], store, machine)


@pytest.fixture(scope="module", autouse=True)
def sabotageable():
    """Jobs run in the test's process, where a patch reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "run_local", in_this_process)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in a worker
        yield
        torch.set_num_threads(threads)


def run(model, output, seeds):
    inventory_of.cache_clear()
    known = all_claims()
    return run_claims(
        Request(
            claims=tuple(replace(known[name], targets=TARGETS) for name in CLAIMS),
            scale=SCALE,
            data="testbed",
            model=str(model),
            seeds=seeds,
            output=output,
        )
    )


@pytest.fixture(scope="module")
def blessed(tiny_model, tmp_path_factory):
    """A copy of the expected results with three seeds of a small run as the reference."""
    folder = tmp_path_factory.mktemp("blessed") / "expected_results"
    shutil.copytree(EXPECTED_RESULTS, folder)
    result = run(tiny_model, tmp_path_factory.mktemp("runs"), SEEDS)
    for claim in result["claims"]:
        path, values = folder / f"{claim['id']}.json", claim["observed"]["values"]
        made = Made(tuple(values), SEEDS, result["versions"], "command", result["platform"])
        write_reference(path, "smoke", Machine.of().arithmetic, made, claim["model"])
    return folder


@pytest.fixture
def verdicts(blessed, tiny_model, tmp_path, monkeypatch):
    """Run the seeds again, with whatever the test has changed, and return the claims' verdicts."""
    monkeypatch.setattr(execution, "load_expected", lambda name: load_expected(name, blessed))

    def rerun():
        return {c["id"]: c["verdict"] for c in run(tiny_model, tmp_path, SEEDS)["claims"]}

    return rerun


def test_an_unchanged_package_passes(verdicts):
    assert verdicts() == dict.fromkeys(CLAIMS, "pass")


def test_skipping_phase_two_is_found(verdicts, monkeypatch):
    train = work.train

    def only_phase_three(model, tasks, pad_id, seed, purpose, *rest):
        if purpose.startswith("intermediate/"):
            return TrainingLog(steps=1, losses=[0.0])
        return train(model, tasks, pad_id, seed, purpose, *rest)

    monkeypatch.setattr(work, "train", only_phase_three)
    assert verdicts() == dict.fromkeys(CLAIMS, "fail")


def test_swapped_labels_are_found_in_the_claim_that_reads_them(verdicts, monkeypatch):
    load = TestbedSource.load

    def swapped(self, repo, config, split, limit=None):
        rows = load(self, repo, config, split, limit)
        if repo != "Rowan/hellaswag":
            return rows
        return [row | {"label": str((int(row["label"]) + 1) % 4)} for row in rows]

    monkeypatch.setattr(TestbedSource, "load", swapped)
    assert verdicts() == {"hellaswag_gain": "fail", "mnli_gain": "pass"}


def test_a_folder_is_judged_by_the_machine_that_ran_its_jobs(verdicts, tiny_model, tmp_path):
    verdicts()
    records = sorted((tmp_path / "records").glob("*.json"))
    for count in (1, len(records)):  # of one job, then all of them
        for path in records[:count]:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"platform": "a laptop"}))
        result = run(tiny_model, tmp_path, SEEDS)
        assert result["jobs"]["reused"] == result["jobs"]["total"]
        assert result["platform"] == ("a laptop" if count > 1 else None)
        assert any("another machine" in claim["reason"] for claim in result["claims"])
    assert all("another machine" in claim["reason"] for claim in result["claims"])
