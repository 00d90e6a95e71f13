"""`python -m stilts_repro.pretrain`: a model that --model takes, or one line that says why not."""

import itertools
import json
import resource
import shutil

import pytest
import torch
from torch import nn
from transformers import AutoModelForMaskedLM, AutoTokenizer

from stilts_repro.models.backbone import load_backbone
from stilts_repro.models.pretrained import check_masked, check_pretrained, fingerprint
from stilts_repro.pretrain import main
from stilts_repro.testbed import TestbedSource
from stilts_repro.training import checkpointing, pretraining
from stilts_repro.training.pretraining import Pretraining


@pytest.fixture
def texts(tmp_path):
    """A folder with a file of real lines for each of two languages."""
    folder = tmp_path / "texts"
    folder.mkdir()
    source = TestbedSource()
    for code in ("en", "qab"):
        documents = source.documents(code)
        lines = [next(documents) for _ in range(120)]
        (folder / f"{code}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_the_result_is_a_model_directory_with_its_card(texts, tmp_path):
    output = tmp_path / "model"
    assert main(["--corpus", str(texts), "--steps", "3", "--output", str(output)]) == 0
    card = json.loads((output / "pretraining.json").read_text())
    assert card["steps"] == 3 and len(card["first_losses"]) == 3
    assert card["documents"] == {"en": 120, "qab": 120}
    tokenizer = AutoTokenizer.from_pretrained(output)
    model = AutoModelForMaskedLM.from_pretrained(output)
    assert model(**tokenizer("a", return_tensors="pt")).logits.shape[-1] == len(tokenizer)
    assert not (output / "checkpoint").exists()


@pytest.mark.parametrize("option", ["--causal", "--denoising"])
def test_half_the_precision_is_half_the_file_and_is_read_in_full(texts, tmp_path, option):
    sizes = {}
    for more in ([], ["--half"]):
        output = tmp_path / f"model{more}"
        command = ["--corpus", str(texts), "--steps", "2", option, *more]
        assert main([*command, "--output", str(output)]) == 0
        sizes[bool(more)] = (output / "model.safetensors").stat().st_size
    assert sizes[True] == pytest.approx(sizes[False] / 2, rel=0.02)
    assert load_backbone(str(output), 0).dtype == torch.float32


def test_an_encoder_that_drops_out_is_trained_further_as_the_recipe_says(
    texts, tiny_model, tmp_path, monkeypatch
):
    start = shutil.copytree(tiny_model, tmp_path / "start")
    config = json.loads((start / "config.json").read_text())
    rates = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
    (start / "config.json").write_text(json.dumps(config | rates))
    met = []

    def step(self, batch, share):
        met.append({m.p for m in self.model.modules() if isinstance(m, nn.Dropout)})
        return whole(self, batch, share)

    whole = Pretraining._step
    monkeypatch.setattr(Pretraining, "_step", step)
    command = ["--corpus", str(texts), "--start", str(start), "--steps", "2"]
    assert main([*command, "--output", str(tmp_path / "model")]) == 0
    card = json.loads((tmp_path / "model/pretraining.json").read_text())
    assert met == [{card["recipe"]["dropout"]}] * 2 == [{0.0}] * 2


def test_an_encoder_is_trained_further_and_stays_whole(texts, tiny_model, tmp_path, capsys):
    output = tmp_path / "model"
    command = ["--corpus", str(texts), "--start", str(tiny_model), "--steps", "3"]
    assert main([*command, "--output", str(output)]) == 0
    card = json.loads((output / "pretraining.json").read_text())
    assert card["start"] == fingerprint(str(tiny_model)) and card["recipe"]["size"] is None
    before, after = (AutoModelForMaskedLM.from_pretrained(p) for p in (tiny_model, output))
    assert after.config.vocab_size == before.config.vocab_size
    tables = [model.get_input_embeddings().weight for model in (before, after)]
    moved = (tables[0] != tables[1]).any(dim=1)
    assert 10 < moved.sum() < len(moved)
    vocabularies = [AutoTokenizer.from_pretrained(p).get_vocab() for p in (tiny_model, output)]
    assert vocabularies[0] == vocabularies[1]
    check_masked(str(output), check_pretrained(str(output), 96))


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--start", "nowhere/no/model"], 3, "--start nowhere/no/model: no such directory"),
        (["--start", "x", "--size", "mini"], 2, "--start: its model has its size"),
        (["--unrelated"], 2, "--unrelated: only the testbed"),
        (["--size", "96"], 2, "--size 96: choose one of mini, small here"),
        (["--steps", "0"], 2, "--steps 0: give a number above zero"),
        (["--minutes", "-1"], 2, "--minutes -1.0: give a number above zero"),
    ],
)
def test_bad_options_are_one_line(texts, tmp_path, capsys, options, status, says):
    assert main(["--corpus", str(texts), "--output", str(tmp_path / "model"), *options]) == status
    error = capsys.readouterr().err.strip()
    assert says in error and "\n" not in error


def test_an_empty_corpus_is_missing(tmp_path, capsys):
    (tmp_path / "en.txt").write_text("\n")
    assert main(["--corpus", str(tmp_path), "--output", str(tmp_path / "model")]) == 3
    assert "its files are empty" in capsys.readouterr().err


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_leaves_no_half_of_a_model_and_the_command_goes_on(
    texts, tmp_path, capsys, little_room, monkeypatch
):
    seconds = itertools.count()
    monkeypatch.setattr(checkpointing.time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(pretraining, "SAVE_EVERY", 20)
    output = tmp_path / "model"
    command = ["--corpus", str(texts), "--steps", "35", "--output", str(output)]
    save = pretraining.Pretraining._save

    def with_room(self, folder):
        with little_room(hard_limit()):
            save(self, folder)

    monkeypatch.setattr(pretraining.Pretraining, "_save", with_room)
    with little_room(20_000):
        assert main(command) == 3
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"pretrain: --output {output}: File too large; free some room, or choose another folder; "
        "the same command goes on from here"
    )
    assert [name for name in files(output) if not name.startswith("checkpoint/")] == []
    done = json.loads((output / "checkpoint/checkpoint.json").read_text())["step"]
    assert 20 <= done < 35
    steps = []
    step = pretraining.Pretraining._step
    monkeypatch.setattr(
        pretraining.Pretraining, "_step", lambda self, *given: steps.append(1) or step(self, *given)
    )
    assert main(command) == 0
    assert len(steps) == 35 - done
    assert json.loads((output / "pretraining.json").read_text())["steps"] == 35
    AutoModelForMaskedLM.from_pretrained(output)
    assert not (output / "checkpoint").exists()


def hard_limit():
    return resource.getrlimit(resource.RLIMIT_FSIZE)[1]
