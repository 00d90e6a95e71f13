"""Sizes where there is one pre-trained model: its first layers, with a baseline of their own."""

import json
from dataclasses import replace

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import World, after
from stilts_repro.models.backbone import load_backbone
from stilts_repro.run.request import _world
from tests.run.test_run_options import run_request
from tests.run.test_surviving import run

CONDITIONS = (after("squad_v2", world="layers-1"), after("squad_v2"))


def request_of(model, output, layers=1):
    request = run_request(model, output)
    scale = replace(request.scale, worlds=(World(f"layers-{layers}", "", "", layers=layers),))
    claim = replace(all_claims()["squad_gain"], conditions=CONDITIONS, targets=("tatoeba",))
    return replace(request, scale=scale, claims=(claim,))


def test_the_first_layers_are_the_models(tiny_model):
    whole, cut = load_backbone(str(tiny_model), 0), load_backbone(str(tiny_model), 0, layers=1)
    assert cut.config.num_hidden_layers == 1 < whole.config.num_hidden_layers
    held = whole.state_dict()
    assert all((held[name] == value).all() for name, value in cut.state_dict().items())


def test_layers_are_trained_and_measured_beside_all_of_them(tiny_model, tmp_path):
    request = request_of(tiny_model, tmp_path / "out")
    told, result = run(request)
    assert not told.failures
    scored = {entry["intermediate"] for entry in result["grid"]}
    assert scored == {"none", "squad_v2", "none+layers-1", "squad_v2+layers-1"}
    for path in (tmp_path / "out").glob("jobs/*/result.json"):
        job = json.loads(path.read_text())["job"]
        cut = job["condition"]["world"] == "layers-1"
        assert job["setting"]["model_hash"].endswith("/1") == cut
        if job["kind"] == "intermediate":
            config = json.loads((path.parent / "config.json").read_text())
            assert config["num_hidden_layers"] == (1 if cut else 2)


def test_a_model_with_no_more_layers_is_one_line(tiny_model, tmp_path):
    request = request_of(tiny_model, tmp_path, layers=2)
    with pytest.raises(InputError, match=r"\+layers-2: --model .* has 2 layers; give a larger"):
        _world("layers-2", request)
