"""The rates of the studies' models are told by English dev rows, a training at each rate."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from reproduce.studies import rates
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.scales import RATES, RUNGS
from tests.planning import SMALL, small_scale


def test_each_model_is_trained_at_each_rate(tiny_model, tmp_path, monkeypatch):
    scale = small_scale(replace(SMALL, rows=8), evaluation_rows=4)
    monkeypatch.setattr(rates, "SCALES", {"testbed": scale})
    monkeypatch.setattr(rates, "TARGETS", ("udpos",))
    world = World("encoder-96", str(tiny_model), "testbed", rate=7.0)
    found = rates.english([world], tmp_path, Console(quiet=True))
    records = [json.loads(file.read_text()) for file in (tmp_path / "records").glob("*.json")]
    told = {
        record["intermediate"].partition("@")[2]: (
            record["recipe"]["udpos_en"]["learning_rate"],
            record["languages"]["en"]["score"],
        )
        for record in records
        if record["part"] == "dev"
    }
    assert {factor: rate for factor, (rate, _) in told.items()} == {
        f"{factor:g}": pytest.approx(factor * SMALL.learning_rate) for factor in rates.FACTORS
    }
    assert found == {
        "encoder-96": {
            factor: pytest.approx(score, abs=0.01) for factor, (_, score) in told.items()
        }
    }


@pytest.mark.parametrize("name", ["encoder-7", "decoder-96-unmasked"])
def test_a_model_that_is_no_rung_is_one_line(name, capsys):
    assert rates.main([name]) == 2
    assert f"{name}: no such model; choose among encoder-48" in capsys.readouterr().err


def test_a_model_is_trained_at_the_best_of_its_rates_however_it_is_read():
    tried = json.loads(RATES.read_text())
    usual = {world.name: world for world in RUNGS if not world.way}
    assert {*tried} <= {*usual}
    for name, by_factor in tried.items():
        assert {*by_factor} == {f"{factor:g}" for factor in rates.FACTORS}
        assert by_factor[f"{usual[name].rate:g}"] == max(by_factor.values())
    by_model = {world.model: world.rate for world in usual.values()}
    assert all(world.rate == by_model[world.model] for world in RUNGS)


def test_rates_are_stored_beside_those_that_are_there(tmp_path, monkeypatch):
    file = tmp_path / "rates.json"
    file.write_text('{"encoder-96": {"1": 50.0}}')
    monkeypatch.setattr(rates, "RATES", file)
    monkeypatch.setattr(rates, "english", lambda *_: {"decoder-96": {"1": 40.0, "2": 41.0}})
    assert rates.main(["--write"]) == 0
    assert json.loads(file.read_text()) == {
        "encoder-96": {"1": 50.0},
        "decoder-96": {"1": 40.0, "2": 41.0},
    }
