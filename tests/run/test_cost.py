"""`--plan` against what the run then does."""

import shutil
from dataclasses import replace
from io import StringIO
from itertools import islice
from types import SimpleNamespace

import pytest
from rich.console import Console

from stilts_repro.cli.listing import print_plan, recipe_of
from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.experiments.conditions import after
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.store import Store
from stilts_repro.run import cost, speed
from stilts_repro.run.cost import Estimate, estimate, makespan
from stilts_repro.run.counting import Cost, Costs
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import plan_of
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.testbed.source import TestbedSource
from tests.run.test_run_options import in_a_world_on, run_request

NAMES = ("squad_gain", "mnli_gain")


@pytest.fixture(scope="module")
def planned(tiny_model, tmp_path_factory):
    """What was estimated, and then the run itself: its request and the results of its jobs."""
    request = run_request(tiny_model, tmp_path_factory.mktemp("cost") / "out", NAMES)
    before = estimate(request)
    assert not request.output.exists()
    run_claims(request)
    store = Store(request.output)
    return before, request, [store.result(path.name) for path in store.jobs.iterdir()], store


def test_jobs_and_tokens_are_those_that_the_run_then_has(planned):
    before, _, results, _ = planned
    trained = [result for result in results if "steps" in result]
    assert before.left == before.whole
    assert before.whole.jobs == len(results)
    assert before.whole.trainings == len(trained)
    assert before.whole.trained == sum(result["tokens"] for result in trained)


def test_retrieval_embeds_what_was_estimated(planned):
    _, request, _, store = planned
    plan = plan_of(request).plan
    costs = Costs(plan)
    jobs = [job for job in plan.jobs.values() if not job.recipes]
    assert len(jobs) == 3
    for job in jobs:
        last = store.record(store.result(job.hash)["records"][-1])  # it has counted all before it
        assert costs.of(job).evaluated == last["tokens"]


def test_nothing_is_left_of_a_finished_run(planned, monkeypatch):
    before, request, _, _ = planned
    monkeypatch.setattr(cost, "measure_rates", lambda *_: before.rates)
    after = estimate(request)
    assert after.left == Cost()
    assert after.whole == before.whole


def test_cells_that_share_nothing_train_once_more_each(planned):
    before, _, _, _ = planned
    # Three rows by nine targets: seven of them trained for each, two of the rows before each.
    assert before.unshared.trainings == 3 * 7 + 2 * 9
    assert before.unshared.trained > before.whole.trained
    assert before.unshared.evaluated > 0


def test_rates_are_measured_where_something_is_trained(planned):
    rates = planned[0].rates
    assert rates.trained > 0 and rates.evaluated > 0
    assert rates.seconds(Cost(trained=round(rates.trained * 10))) == pytest.approx(10, rel=1e-3)


def test_one_job_on_all_cores_is_timed_beside_a_job_a_core(
    planned, tiny_model, tmp_path, monkeypatch
):
    found = planned[0]
    assert (found.together is None) == (found.workers == 1)
    monkeypatch.setattr(cost, "measure_rates", lambda *_: found.rates)
    request = run_request(tiny_model, tmp_path / "out", ("squad_gain",))
    threads = replace(request.machine, threads=2)
    assert estimate(replace(request, machine=threads)).together is None
    told = "one job at a time on all cores (STILTS_THREADS="
    assert (told in printed(request)) == (found.workers > 1)


def test_a_recipe_says_what_moves_and_what_is_dropped_where_that_is_unusual():
    assert "embeddings" not in recipe_of(Recipe()) and "dropout" not in recipe_of(Recipe())
    told = recipe_of(Recipe(embeddings="read", dropout=0.0))
    assert "256 tokens, embeddings read, dropout 0 (ours)" in told


def test_one_worker_is_not_shared_by_two_jobs_nor_two_workers_by_one():
    left = Cost(jobs=2, trained=1000)
    found = Estimate(2, left, left, left, 8, speed.Rates(10.0, 10.0, "mnli"))
    assert found.at_once == 2
    assert replace(found, left=Cost()).at_once == 1


@pytest.mark.parametrize(("workers", "seconds"), [(1, 17.0), (2, 11.0), (8, 11.0)])
def test_what_starts_from_another_job_waits_for_it(workers, seconds):
    """b (10) and c (1) start from a (1); d and e stand alone."""
    starts = {"a": None, "b": "a", "c": "a", "d": None, "e": None}
    spent = {"a": 1.0, "b": 10.0, "c": 1.0, "d": 2.0, "e": 3.0}
    jobs = {name: SimpleNamespace(hash=name, start=start) for name, start in starts.items()}
    assert makespan(jobs, lambda job: spent[job.hash], workers) == seconds
    assert makespan({}, lambda job: 1.0, workers) == 0.0


@pytest.fixture
def unrelated_model(tiny_model, tmp_path):
    """A model of the unrelated world whose tokenizer is not the other's, as the shipped one's."""
    source = TestbedSource(kind="unrelated")
    texts = [text for code in source.languages for text in islice(source.documents(code), 20)]
    path = shutil.copytree(tiny_model, tmp_path / "unrelated")
    train_tokenizer(texts, vocabulary=500, max_length=128).save_pretrained(path)
    return path


def test_each_world_is_cut_by_its_own_tokenizer(tiny_model, unrelated_model, tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "measure_rates", lambda *_: None)
    request = run_request(tiny_model, tmp_path / "out", ("control_unrelated",))
    request = in_a_world_on(request, unrelated_model)
    before = estimate(request)
    run_claims(request)
    store, plan = Store(request.output), plan_of(request).plan
    costs = Costs(plan)
    assert {world.model for world in plan.worlds.values()} == {
        str(tiny_model),
        str(unrelated_model),
    }
    results = {job.hash: store.result(job.hash) for job in plan.jobs.values()}
    for job in plan.jobs.values():
        assert costs.of(job).trained == results[job.hash].get("tokens", 0)
    assert before.whole.trained == sum(r.get("tokens", 0) for r in results.values())


def test_a_cut_row_costs_what_its_share_of_the_rows_does(tiny_model, tmp_path):
    (claim,) = run_request(tiny_model, tmp_path, ("mnli_gain",)).claims
    rows = tuple(after("mnli", divided=n, repeated=n > 2) for n in (1, 2, 4))
    claim = replace(claim, conditions=rows, targets=("tatoeba",))
    request = replace(run_request(tiny_model, tmp_path / "out"), claims=(claim,))
    run_claims(request)
    store, plan = Store(request.output), plan_of(request).plan
    costs, jobs = Costs(plan), [job for job in plan.jobs.values() if job.recipes]
    found = [costs.of(job).trained for job in jobs]
    assert found == [store.result(job.hash)["tokens"] for job in jobs]
    assert len({*found}) == len(rows)


def test_the_largest_of_several_models_is_timed(tiny_model, unrelated_model, tmp_path):
    request = run_request(tiny_model, tmp_path / "out", ("control_unrelated",))
    plan = plan_of(in_a_world_on(request, unrelated_model)).plan
    parameters = speed.sizes(plan)
    assert parameters.keys() == {str(tiny_model), str(unrelated_model)}
    for largest in parameters:
        _, material, _ = speed.largest_of(plan, Costs(plan), parameters | {largest: 10**9})
        assert material.world.model == largest


def printed(request):
    console = Console(file=StringIO(), width=200)
    print_plan(console, request)
    return console.file.getvalue()


def test_a_plan_without_jobs_needs_no_tokenizer(tmp_path, capsys):
    request = run_request(tmp_path / "nowhere", tmp_path / "out", ("published_tables",))
    request = replace(request, scale=SCALES["paper"], model="nobody/nothing")
    told = printed(request)
    assert "1 claim, 0 of them with jobs, at --scale paper" in told
    assert "on this machine" not in told and "no times" not in told
    assert capsys.readouterr().err == ""


def test_claims_that_the_scale_does_not_run_are_not_counted(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "measure_rates", lambda *_: None)
    names = ("bucc_baseline", "published_tables", "squad_gain")
    scale = replace(run_request(tiny_model, tmp_path).scale, name="testbed")
    request = replace(run_request(tiny_model, tmp_path / "out", names), scale=scale)
    assert "3 claims, 1 of them with jobs, at --scale testbed, 1 seed" in printed(request)


def test_a_large_model_is_not_timed_on_a_cpu(tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "TIMED_ON_CPU", 1000)
    told = printed(run_request(tiny_model, tmp_path / "out", ("squad_gain",)))
    assert "no times: the model has 0 million parameters, and there is no GPU here" in told
    assert "on this machine" not in told
    assert "counting the tokens of" in capsys.readouterr().err
