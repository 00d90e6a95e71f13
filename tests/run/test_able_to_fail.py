"""A check that cannot fail shows nothing: each of these changes must turn its claim red."""

import json
import shutil
from dataclasses import replace
from statistics import fmean

import pytest
import torch
from tokenizers.normalizers import Lowercase

from reproduce.catalogue import all_claims
from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.check import SAME, Run, check
from stilts_repro.claims.expected import Made, Reference, load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.experiments import trainings
from stilts_repro.experiments.conditions import after
from stilts_repro.experiments.scales import SCALES, TESTBED_MODEL
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.work import run_job
from stilts_repro.machine import Machine
from stilts_repro.models import families
from stilts_repro.models.multitask import set_dropout
from stilts_repro.run import execution
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.training import loop
from stilts_repro.training.state import TrainingLog
from tests.planning import SMALL, small_scale
from tests.run.test_compare import seal

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
SCALE = small_scale(replace(SMALL, rows=64), evaluation_rows=60)


def in_this_process(jobs, worlds, store, machine, report, complain, **options):
    for job in jobs.values():
        if not store.done(job.hash):
            run_job(job, worlds[job.condition.world], store, machine)
    return {}


@pytest.fixture(scope="module", autouse=True)
def sabotageable():
    """Jobs run in the test's process, where a patch reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "run_jobs", in_this_process)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as in a worker
        yield
        torch.set_num_threads(threads)


def run(model, output, seeds, claims=CLAIMS, targets=TARGETS, scale=SCALE, **changes):
    inventory_of.cache_clear()
    known = all_claims()
    return run_claims(
        Request(
            claims=tuple(replace(known[name], targets=targets, **changes) for name in claims),
            scale=scale,
            data="testbed",
            model=str(model),
            seeds=seeds,
            output=output,
            machine=Machine(),
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
        write_reference(path, "smoke", "fp32", made, claim["model"])
    return folder


@pytest.fixture
def verdicts(blessed, tiny_model, tmp_path, monkeypatch):
    """Run the seeds again, with whatever the test has changed, and return the claims' verdicts."""
    monkeypatch.setattr(execution, "load_expected", lambda name, _: load_expected(name, blessed))

    def rerun():
        return {c["id"]: c["verdict"] for c in run(tiny_model, tmp_path, SEEDS)["claims"]}

    return rerun


def test_an_unchanged_package_passes(verdicts):
    assert verdicts() == dict.fromkeys(CLAIMS, "pass")


def test_skipping_phase_two_is_found(verdicts, monkeypatch):
    train = trainings.train

    def only_phase_three(model, tasks, pad_id, seed, purpose, *rest):
        if purpose.startswith("intermediate/"):
            return TrainingLog(steps=1, losses=[0.0])
        return train(model, tasks, pad_id, seed, purpose, *rest)

    monkeypatch.setattr(trainings, "train", only_phase_three)
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


def tags(output, seeds):
    """Run what sees the most for its cost at smoke itself: tags of many words."""
    return run(TESTBED_MODEL, output, seeds, ("mnli_gain",), ("udpos",), SCALES["smoke"])


def loss(output, seeds):
    """Run what sees more than any score, at smoke, of one task."""
    asked = (("intermediate_loss",), TARGETS, SCALES["smoke"])
    return run(TESTBED_MODEL, output, seeds, *asked, conditions=(after("squad_v2"),))


@pytest.fixture(scope="module", params=[tags, loss])
def elsewhere(request, tmp_path_factory):
    """What to run, and its expected results: by a seed of this machine, and of another kind."""
    result = request.param(tmp_path_factory.mktemp("seed"), (0,))
    (claim,) = result["claims"]
    # A reference has three seeds; that of another seed is held against nothing here.
    values = (*claim["observed"]["values"], 0.0, 0.0)
    made = Made(values, SEEDS, result["versions"], "command", result["platform"])
    here, there = (
        replace(
            load_expected(claim["id"]),
            reference={"smoke": Reference(claim["model"], {"fp32": run_there})},
        )
        for run_there in (made, replace(made, platform="another"))
    )
    return request.param, here, there


@pytest.fixture
def found(elsewhere, tmp_path, monkeypatch):
    """Run a seed again, with whatever the test has changed, and return the claim's entry."""
    measure, at_home, away = elsewhere

    def rerun(*, here):
        monkeypatch.setattr(execution, "load_expected", lambda *_: at_home if here else away)
        return measure(tmp_path, (0,))["claims"][0]

    return rerun


def dropout_in_every_training(monkeypatch):
    train = trainings.train

    def dropping(model, *rest):
        set_dropout(model, 0.1)
        return train(model, *rest)

    monkeypatch.setattr(trainings, "train", dropping)


def text_in_small_letters(monkeypatch):
    load = trainings.load_tokenizer

    def lowered(model):
        tokenizer = load(model)
        tokenizer.backend_tokenizer.normalizer = Lowercase()
        return tokenizer

    monkeypatch.setattr(trainings, "load_tokenizer", lowered)


def padding_that_is_read(monkeypatch):
    inputs = families.inputs

    def unmasked(backbone, batch):
        given = inputs(backbone, batch)
        return given | {"attention_mask": torch.ones_like(given["attention_mask"])}

    monkeypatch.setattr(families, "inputs", unmasked)


def an_epsilon_ten_times_as_large(monkeypatch):
    make = loop.make_optimiser
    monkeypatch.setattr(
        loop,
        "make_optimiser",
        lambda model, recipe: make(model, replace(recipe, epsilon=10 * recipe.epsilon)),
    )


def test_on_another_kind_of_machine_nothing_changed_is_nothing_found(elsewhere, found):
    allowed = {tags: 0.05, loss: 5e-6}[elsewhere[0]]  # smoke's own tolerances
    for here, notices in ((False, allowed), (True, SAME)):
        claim = found(here=here)
        assert (claim["verdict"], claim["reference"]["by"]) == ("pass", "same seed")
        assert claim["detectable_change"] == notices


@pytest.mark.parametrize(
    "change", [dropout_in_every_training, text_in_small_letters, padding_that_is_read]
)
def test_a_small_change_is_found_there(change, found, monkeypatch):
    change(monkeypatch)
    assert found(here=False)["verdict"] == "fail"


@pytest.mark.parametrize("elsewhere", [loss], indirect=True)
def test_what_is_too_small_for_scores_is_found_in_the_loss(elsewhere, found, monkeypatch):
    an_epsilon_ten_times_as_large(monkeypatch)
    assert found(here=False)["verdict"] == "fail"


def test_a_folder_is_judged_by_the_machine_that_ran_its_jobs(verdicts, tiny_model, tmp_path):
    verdicts()
    records = sorted((tmp_path / "records").glob("*.json"))
    for count in (1, len(records)):  # of one job, then all of them
        for path in records[:count]:
            record = json.loads(path.read_text()) | {"platform": "a laptop"}
            path.write_text(json.dumps(record))
            seal(tmp_path / "jobs" / record["job"])
        result = run(tiny_model, tmp_path, SEEDS)
        assert result["jobs"]["reused"] == result["jobs"]["total"]
        assert result["platform"] == ("a laptop" if count > 1 else None)
        assert any("another machine" in claim["reason"] for claim in result["claims"])
    assert all("another machine" in claim["reason"] for claim in result["claims"])
