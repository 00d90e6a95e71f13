"""The rates of the studies' models are told by English dev rows, a training at each rate."""

import json
from dataclasses import replace
from statistics import fmean

import pytest
from rich.console import Console

from stilts_repro import rates
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.scales import RATES, RUNGS
from stilts_repro.tasks.training_sets import TRAINING_SETS
from tests.planning import SMALL, small_scale


def few(monkeypatch, phase, **changes):
    """Have `phase` tried on few rows, with `changes` of how it is."""
    scale = small_scale(replace(SMALL, rows=8), evaluation_rows=4)
    monkeypatch.setattr(rates, "SCALES", {"testbed": scale})
    trial = replace(rates.TRIALS[phase], rows=4, **changes)
    monkeypatch.setattr(rates, "TRIALS", {phase: trial})


def factor_of(name):
    return name.partition("@")[2]


def multiple(recipe):
    return recipe["learning_rate"] / SMALL.learning_rate


FACTORS = {f"{factor:g}" for factor in rates.FACTORS}


def test_each_model_is_fine_tuned_on_targets_at_each_rate(tiny_model, tmp_path, monkeypatch):
    few(monkeypatch, "target", targets=("udpos",))
    world = World("encoder-96", str(tiny_model), "testbed", intermediate_rate=7.0, target_rate=7.0)
    found = rates.english("target", [world], tmp_path, Console(quiet=True))
    records = [json.loads(file.read_text()) for file in (tmp_path / "records").glob("*.json")]
    told = {factor_of(record["intermediate"]): record for record in records if is_dev(record)}
    assert {*found["encoder-96"]} == {*told} == FACTORS
    for factor, record in told.items():
        assert multiple(record["recipe"]["udpos_en"]) == pytest.approx(float(factor))
        score = record["languages"]["en"]["score"]
        assert found["encoder-96"][factor] == pytest.approx(score, abs=0.01)


def is_dev(record):
    return record["part"] == "dev"


def test_phase_two_is_tried_at_each_rate_and_read_on_its_own_rows(
    tiny_model, tmp_path, monkeypatch
):
    few(monkeypatch, "intermediate")
    world = World("encoder-96", str(tiny_model), "testbed", target_rate=7.0)
    found = rates.english("intermediate", [world], tmp_path, Console(quiet=True))
    jobs = [json.loads(file.read_text()) for file in (tmp_path / "jobs").glob("*/result.json")]
    own = {}
    for result in jobs:
        job = result["job"]
        if job["kind"] == "intermediate":
            (task,), (recipe,) = result["dev"], job["recipes"].values()
            factor = factor_of(job["intermediate"])
            assert multiple(recipe) == pytest.approx(float(factor))
            own.setdefault(factor, {})[task] = result["dev"][task][METRICS[task]]
    assert {*found["encoder-96"]} == {*own} == FACTORS
    for factor, by_task in own.items():
        assert {*by_task} == {*METRICS}
        assert found["encoder-96"][factor] == pytest.approx(fmean(by_task.values()), abs=0.01)


METRICS = {task: TRAINING_SETS[task].format.metric for task in ("mnli", "squad_v2")}


@pytest.mark.parametrize("name", ["encoder-7", "decoder-96-unmasked"])
def test_a_model_that_is_no_rung_is_one_line(name, capsys):
    assert rates.main(["target", name]) == 2
    assert f"{name}: no such model; choose among encoder-48" in capsys.readouterr().err


@pytest.mark.parametrize("phase", rates.TRIALS)
def test_a_model_is_trained_at_the_best_of_its_rates_however_it_is_read(phase):
    tried = json.loads(RATES.read_text())[phase]
    usual = {world.name: world for world in RUNGS if not world.way}
    rate = lambda world: getattr(world, f"{phase}_rate")  # noqa: E731
    assert {*tried} <= {*usual}
    for name, by_factor in tried.items():
        assert {"1"} < {*by_factor} <= FACTORS
        assert by_factor[f"{rate(usual[name]):g}"] == max(by_factor.values())
    by_model = {world.model: rate(world) for world in usual.values()}
    assert all(rate(world) == by_model[world.model] for world in RUNGS)


def test_rates_are_stored_beside_those_that_are_there(tmp_path, monkeypatch):
    file = tmp_path / "rates.json"
    file.write_text('{"target": {"encoder-96": {"1": 50.0}}}')
    monkeypatch.setattr(rates, "RATES", file)
    monkeypatch.setattr(rates, "english", lambda *_: {"decoder-96": {"1": 40.0, "2": 41.0}})
    assert rates.main(["target", "--write"]) == rates.main(["intermediate", "--write"]) == 0
    new = {"decoder-96": {"1": 40.0, "2": 41.0}}
    assert json.loads(file.read_text()) == {
        "target": {"encoder-96": {"1": 50.0}} | new,
        "intermediate": new,
    }
