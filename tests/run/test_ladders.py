"""Studies of other models than their own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    MT5Config,
    MT5Model,
    Qwen3Config,
    Qwen3Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from reproduce.catalogue import all_studies
from stilts_repro.cli.reproduce import study as command
from stilts_repro.experiments.scales import LADDER, PARAMETERS, SCALES
from stilts_repro.models.pretrained import load_config, size_of
from stilts_repro.run.execution import Progress
from stilts_repro.run.ladders import of_models, rated
from stilts_repro.run.request import Request, plan_of
from stilts_repro.run.studies import run_study
from tests.planning import small_scale
from tests.run.test_studies import made_up

WIDTHS = (16, 32, 64)


def encoder(tokenizer, width):
    size = {"hidden_size": width, "intermediate_size": width, "max_position_embeddings": 140}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2}
    return XLMRobertaModel(XLMRobertaConfig(vocab_size=len(tokenizer), **size, **layers))


def decoder(tokenizer, width):
    size = {"hidden_size": width, "intermediate_size": width, "head_dim": 8}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2}
    return Qwen3Model(Qwen3Config(vocab_size=len(tokenizer), **size, **layers))


def both(tokenizer, width):
    size = {"d_model": width, "d_kv": 8, "d_ff": width, "num_layers": 2, "num_heads": 2}
    tokens = {"decoder_start_token_id": 1, "eos_token_id": 2, "pad_token_id": 1}
    return MT5Model(MT5Config(vocab_size=len(tokenizer), **size, **tokens))


@pytest.fixture(scope="module")
def models(tokenizer, tmp_path_factory):
    """Folders of models, by kind and width."""
    root, found = tmp_path_factory.mktemp("models"), {}
    for make in (encoder, decoder, both):
        for width in WIDTHS:
            name = f"{make.__name__}-of-{width}"
            with torch.random.fork_rng():
                torch.manual_seed(0)
                make(tokenizer, width).save_pretrained(root / name)
            tokenizer.save_pretrained(root / name)
            found[name] = str(root / name)
    return found


def test_what_a_model_has_beside_its_embeddings_is_counted():
    """The testbed's sizes are without biases and normalisation."""
    for kind in ("encoder", "decoder"):
        size = size_of(load_config(str(LADDER / f"{kind}-96")))
        assert size == pytest.approx(PARAMETERS[96], rel=0.05)


def test_worlds_are_of_the_models_and_the_runs_own_rows(models):
    given = [path for name, path in models.items() if not name.startswith("both")]
    asked, scale = of_models({"scaling": all_studies()["scaling"]}, SCALES["smoke"], given)
    (study,) = asked.values()
    assert [(world.model, world.data) for world in scale.worlds] == [(path, "") for path in given]
    assert {c.world for c in study.essential} == {f"encoder-of-{width}" for width in WIDTHS}
    assert {c.world for c in study.conditions} == {world.name for world in scale.worlds}
    assert study.runs(scale) and study.at(scale).conditions == study.conditions


def test_a_model_may_have_a_rate_of_its_own(models):
    given = [f"{models['decoder-of-16']}=0.5", models["encoder-of-16"]]
    asked, scale = of_models(
        {"architecture": all_studies()["architecture"]}, SCALES["smoke"], given
    )
    request = Request(
        (*asked.values(),), scale, "testbed", models["encoder-of-16"], (0,), Path("x")
    )
    recipes = {
        (job.condition.world, name): recipe
        for job in plan_of(request).plan.jobs.values()
        for name, recipe in job.recipes.items()
    }
    for phase, name in ((scale.intermediate, "squad_v2"), (scale.target, "udpos_en")):
        usual = phase[name].learning_rate
        assert recipes["encoder-of-16", name].learning_rate == usual
        assert recipes["decoder-of-16", name].learning_rate == usual / 2


def test_what_comes_before_is_told_of_the_first_model(models):
    """The main world, of which nothing is asked, has no rows to train on."""
    asked, _ = of_models(
        {"calibration": all_studies()["calibration"]}, SCALES["smoke"], [models["encoder-of-16"]]
    )
    (study,) = asked.values()
    scores = replace(made_up(study, np.random.default_rng(7), effect=5.0), tasks=())
    told = study.details(scores, study.targets)
    assert [*told["nll"]] == [str(c) for c in study.conditions] and len(told["nll"]) == 4


def test_shipped_models_are_held_against_no_reference(tmp_path):
    """Their rates, and how their size is counted, are others there."""
    given = [str(LADDER / f"encoder-{width}") for width in PARAMETERS]
    asked, _ = of_models({"scaling": all_studies()["scaling"]}, SCALES["smoke"], given)
    assert asked["scaling"].obstacle([]) == "these models are not the reference's"


@pytest.mark.parametrize("given", ["a=b", "a=", "a=0", "=2x", "a=1e9"])
def test_what_is_no_rate_is_part_of_a_name(given):
    assert rated(given) == (given, 1.0)


def test_without_encoders_the_slope_is_of_decoders(models, tmp_path, monkeypatch):
    """No model of this size learns a target: the gate's margins are moved."""
    for margin in ("ENGLISH", "OTHERS"):
        monkeypatch.setattr(f"stilts_repro.claims.gate.{margin}", -500.0)
    monkeypatch.setattr("stilts_repro.claims.gate.LARGEST_SHARE", 2.0)
    given = [models[f"decoder-of-{width}"] for width in WIDTHS]
    asked, scale = of_models({"scaling": all_studies()["scaling"]}, small_scale(), given)
    (study,) = asked.values()
    request = Request((study,), scale, "testbed", given[0], (0,), tmp_path)
    (entry,) = run_study(request, Progress())["claims"]
    assert (entry["verdict"], len(entry["observed"]["values"])) == ("no_reference", 1)
    (told,) = entry["details"]
    sizes = [float(size_of(load_config(model))) for model in given]
    assert [*told["gain by parameters"]] == ["decoder"]
    assert [*told["gain by parameters"]["decoder"]] == sizes
    assert told["rise per doubling"]["decoder"] == pytest.approx(entry["observed"]["values"][0])


@pytest.mark.parametrize(
    ("name", "given", "more", "status", "says"),
    [
        ("scaling", ["encoder-of-16", "encoder-of-32"], [], 2, "a slope needs three sizes"),
        ("architecture", ["encoder-of-16", "both-of-16"], [], 2, "an encoder and a decoder are"),
        ("alignment", ["encoder-of-16"], [], 2, "--models: alignment compares no models"),
        ("calibration", ["encoder-of-16"] * 2, [], 2, "two are called encoder-of-16"),
        ("calibration", ["encoder-of-16"], ["--write-reference"], 2, "no reference has a --models"),
        ("calibration", ["encoder-of-16"], ["--model", "x"], 2, "leave --model out"),
        ("calibration", ["encoder-of-16"], ["--scale", "base"], 2, "it reads 138 tokens, the"),
        ("architecture", ["nowhere"], [], 3, "--models /nowhere: no such directory"),
        ("architecture", ["", ""], [], 2, "give names with one comma between two"),
        ("architecture", ["=2"], [], 2, "--models =2: no model is named; give MODEL=F"),
    ],
)
def test_models_that_a_study_cannot_use_are_one_line(
    models, capsys, name, given, more, status, says
):
    held = ",".join(models.get(m, m and (m if m[0] == "=" else f"/{m}")) for m in given)
    arguments = [name, "--models", held, "--scale", "smoke", *more]
    assert command(all_studies().values(), arguments) == status
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_two_models_of_one_size_are_one_line(models, tmp_path, capsys, kind):
    """Of a kind that the statistic is not of, too: it is told by size as well."""
    alike = tmp_path / "alike"
    shutil.copytree(models[f"{kind}-of-32"], alike)
    given = [*(models[f"encoder-of-{width}"] for width in WIDTHS), models["decoder-of-32"]]
    held = ",".join([*given, str(alike)])
    assert command(all_studies().values(), ["scaling", "--models", held]) == 2
    told = f"{kind}-of-32 and alike have equally many parameters; leave one out"
    assert told in capsys.readouterr().err


def test_calibration_is_of_the_first_model_and_a_folder_is_called_by_its_name(models, monkeypatch):
    monkeypatch.chdir(models["encoder-of-32"])
    given = [models["encoder-of-16"], ".", models["decoder-of-64"]]
    asked, scale = of_models({"calibration": all_studies()["calibration"]}, SCALES["smoke"], given)
    names = ["encoder-of-16", "encoder-of-32", "decoder-of-64"]
    assert [world.name for world in scale.worlds] == names
    sizes = [c.world for c in asked["calibration"].conditions if not c.row.tasks]
    assert sizes == ["encoder-of-16", "encoder-of-32"]
    assert [c.world for c in asked["calibration"].essential] == ["encoder-of-16"]
