"""Each part of a target speaks for itself: languages, pool, rows without finite output."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from reproduce.catalogue import all_claims
from stilts_repro.claims.schema import validate
from stilts_repro.errors import InputError
from stilts_repro.experiments import measurements, retrieving
from stilts_repro.experiments.executor import unfinished
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.work import run_job
from stilts_repro.machine import Machine
from stilts_repro.report.page import html
from stilts_repro.report.table import markdown
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request, plan_of
from stilts_repro.testbed import TestbedSource
from tests.mirrors import XTREME, build, say_it_holds, write
from tests.planning import small_scale

SCALE = small_scale(evaluation_rows=8)
# Named after a claim that has an expected file; nothing is judged here.
BASELINES = replace(
    all_claims()["tatoeba_baseline"],
    targets=("panx", "bucc2018", "tatoeba"),
    scales=None,
    value=lambda scores, targets: 0.0,
    by_language=None,
)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """English and German whole; NER in Swahili and BUCC in French have a test part only."""
    root, source = build(tmp_path_factory.mktemp("parts")), TestbedSource()
    write(root, XTREME, "PAN-X.sw", "test", source.load(XTREME, "PAN-X.qab", "test", 8))
    write(root, XTREME, "bucc18.fr", "test", source.load(XTREME, "bucc18.qab", "test", 8))
    unpaired = [{"id": f"en-9{n}", "sentence": f"nobody says this {n}"} for n in range(3)]
    write(root, XTREME, "bucc18.de", "test_unpaired", unpaired)
    say_it_holds(root)
    return root


@pytest.fixture
def request_for(mirror, tiny_model, tmp_path):
    inventory_of.cache_clear()
    output = tmp_path / "out"
    return Request((BASELINES,), SCALE, str(mirror), str(tiny_model), (0,), output, True)


@pytest.fixture(scope="module")
def result(mirror, tiny_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    inventory_of.cache_clear()
    request = Request((BASELINES,), SCALE, str(mirror), str(tiny_model), (0,), output, True)
    found = run_claims(request)
    validate(found, "claims", "the run")
    store = Store(output)
    records = [store.record(name) for name in found["claims"][0]["records"]]
    for record in records:
        validate(record, "record", record["hash"])
    return found, {(record["task"], record["part"]): record for record in records}


def test_a_part_counts_its_own_languages(result):
    found, records = result
    assert set(records["panx", "dev"]["languages"]) == {"de", "en"}
    assert set(records["panx", "test"]["languages"]) == {"de", "en", "sw"}
    assert "sw" in records["panx", "dev"]["absent"]
    assert "sw" not in records["panx", "test"]["absent"]
    assert found["languages"]["panx"]["dev"]["of"] == found["languages"]["panx"]["test"]["of"] == 40
    for text in (markdown(found), html(found)):
        assert "panx dev, 2 of 40 languages" in text
        assert "panx test, 3 of 40 languages" in text
    assert "mean of 3</th>" in html(found) and "mean of 2</th>" in html(found)


def test_a_language_that_cannot_be_scored_is_said_to_be_absent(result):
    """Without a dev part BUCC has no threshold in French."""
    found, records = result
    assert set(records["bucc2018", "test"]["languages"]) == {"de"}
    assert records["bucc2018", "test"]["absent"] == ["fr", "ru", "zh"]
    assert set(records["bucc2018", "test"]["retrieval"]["threshold"]) == {"de"}
    assert "bucc2018, 1 of 4 languages; no rows to score in fr, ru, zh" in markdown(found)


def test_a_pool_tells_of_every_part_and_side(result):
    _, records = result
    dev, test = (records["bucc2018", part]["retrieval"]["pool"]["de"] for part in ("dev", "test"))
    assert [dev[side]["unpaired"] for side in ("source", "target")] == [0, 0]
    assert [test[side]["unpaired"] for side in ("source", "target")] == [0, 3]
    obstacle = all_claims()["bucc_baseline"].obstacle
    dev, test = (obstacle([records["bucc2018", part]]) for part in ("dev", "test"))
    assert "the pools of de (source), de (target) hold gold pairs only" in dev
    assert "the pools of de (source) hold gold pairs only" in test


def test_a_job_whose_record_is_gone_is_done_again(request_for):
    before = run_claims(request_for)
    names = before["claims"][0]["records"]
    (request_for.output / "records" / f"{names[0]}.json").unlink()
    (request_for.output / "records" / f"{names[-1]}.json").write_text("{")
    after = run_claims(request_for)
    assert before["jobs"] == {"total": 2, "reused": 0} and after["jobs"]["reused"] == 0
    assert after["claims"][0]["records"] == names
    assert after["grid"] == before["grid"]
    again = run_claims(request_for)
    assert again["jobs"]["reused"] == 2


def jobs_of(request):
    """Return the plan's jobs by name, undone, what they run in, and their store."""
    store = Store(request.output)
    store.prepare()
    planned = plan_of(request).plan
    jobs = {job.name: job for job in planned.jobs.values()}
    assert unfinished(planned.jobs, store, keep_models=False) == (planned.jobs, {})
    return jobs, planned.worlds[""], store


def records_of(job, store):
    found = [store.record(name) for name in store.result(job.hash)["records"]]
    return {(record["task"], record["part"]): record for record in found}


def spoilt(predict, units):
    def spoil(model, task, features, pad_id, machine):
        logits = predict(model, task, features, pad_id, machine)
        logits[[unit for unit in units if unit < len(logits)]] = np.nan
        return logits

    return spoil


def test_one_row_that_is_no_number_is_wrong_and_takes_nothing_along(
    request_for, monkeypatch, capsys
):
    jobs, world, store = jobs_of(request_for)
    monkeypatch.setattr(measurements, "predict", spoilt(measurements.predict, [1]))
    run_job(jobs["panx_en"], world, store, Machine())
    record = records_of(jobs["panx_en"], store)["panx", "dev"]
    assert sum(record["not_finite"].values()) == 1
    assert record["n"] == sum(held["n"] for held in record["languages"].values())
    said = capsys.readouterr().err
    assert "the model's output is not finite on 1 of 8 rows (the first is row 1)" in said
    assert "counted as wrong" in said


def test_many_rows_that_are_no_numbers_end_the_job_in_one_line(request_for, monkeypatch):
    jobs, world, store = jobs_of(request_for)
    monkeypatch.setattr(measurements, "predict", spoilt(measurements.predict, range(100)))
    with pytest.raises(InputError, match=r"panx dev, \w+: .* not finite on 8 of 8 rows") as caught:
        run_job(jobs["panx_en"], world, store, Machine())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("broken", [1, 100])
def test_sentence_vectors_are_looked_at(request_for, monkeypatch, broken):
    jobs, world, store = jobs_of(request_for)
    embed, calls = retrieving.embed, iter(range(100))

    def spoil(backbone, features, pad_id, layers, machine):
        vectors = embed(backbone, features, pad_id, layers, machine)
        if next(calls) % 2:  # German, after English
            vectors[:, :broken] = torch.nan
        return vectors

    monkeypatch.setattr(retrieving, "embed", spoil)
    if broken > 1:
        with pytest.raises(InputError, match="output is not finite on"):
            run_job(jobs["retrieval"], world, store, Machine())
        return
    run_job(jobs["retrieval"], world, store, Machine())
    record = records_of(jobs["retrieval"], store)["tatoeba", "dev"]
    assert record["not_finite"] == {"de": 1}
    assert record["languages"]["de"]["score"] <= 100 * 7 / 8


def test_jobs_of_another_tokenizer_are_other_jobs(request_for, tiny_model, tmp_path):
    """Its settings stand in a file of their own, which once was in no hash."""
    copy = shutil.copytree(tiny_model, tmp_path / "model")
    path = copy / "tokenizer_config.json"
    before = set(plan_of(request_for).plan.jobs)
    assert set(plan_of(replace(request_for, model=str(copy))).plan.jobs) == before
    path.write_text(json.dumps(json.loads(path.read_text()) | {"unk_token": "<mask>"}))
    assert before.isdisjoint(plan_of(replace(request_for, model=str(copy))).plan.jobs)
