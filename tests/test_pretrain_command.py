"""`python -m stilts_repro.pretrain`: a model that --model takes, or one line that says why not."""

import json

import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

from stilts_repro.pretrain import main
from stilts_repro.testbed import TestbedSource


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


def test_the_result_is_a_model_directory_with_its_card(texts, tmp_path, capsys):
    output = tmp_path / "a [/b] :cat:"  # no markup of rich's
    assert main(["--corpus", str(texts), "--steps", "3", "--output", str(output)]) == 0
    assert "a [/b] :cat:: a masked LM" in " ".join(capsys.readouterr().err.split())
    card = json.loads((output / "pretraining.json").read_text())
    assert card["steps"] == 3 and len(card["first_losses"]) == 3
    assert card["documents"] == {"en": 120, "qab": 120}
    tokenizer = AutoTokenizer.from_pretrained(output)
    model = AutoModelForMaskedLM.from_pretrained(output)
    assert model(**tokenizer("a", return_tensors="pt")).logits.shape[-1] == len(tokenizer)
    assert not (output / "checkpoint").exists()


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--unrelated"], 2, "--unrelated: only the testbed"),
        (["--steps", "0"], 2, "--steps 0: give a number above zero"),
        (["--minutes", "-1"], 2, "--minutes -1.0: give a number above zero"),
        (["--minutes", "nan"], 2, "--minutes nan: give a number above zero"),
        (["--minutes", "inf"], 2, "--minutes inf: give a number above zero"),
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
