"""XTREME's own mock predictions must give the averages of its evaluate.py, to rounding."""

import json
import os
from pathlib import Path
from statistics import fmean

import pytest

from stilts_repro.evaluation.accuracy import accuracy
from stilts_repro.evaluation.mining import mining_f1
from stilts_repro.evaluation.squad import mlqa_scores, squad_scores
from stilts_repro.evaluation.tags import span_f1

# task -> (number of languages, averages in points)
EXPECTED = {
    "pawsx": (7, {"accuracy": 51.42857142857143}),
    "xnli": (15, {"accuracy": 30.666666666666668}),
    "panx": (
        40,
        {"f1": 57.50793650793652, "precision": 54.729166666666664, "recall": 62.750000000000014},
    ),
    "udpos": (
        33,
        {"f1": 70.21746048354693, "precision": 71.02232625883823, "recall": 69.54982073976082},
    ),
    "bucc2018": (4, {"f1": 55.0, "precision": 55.0, "recall": 55.0}),
    "tatoeba": (36, {"accuracy": 53.611111111111114}),
    "xquad": (11, {"exact_match": 77.27272727272727, "f1": 79.9586776859504}),
    "mlqa": (7, {"exact_match": 57.142857142857146, "f1": 81.76870748299321}),
    "tydiqa": (9, {"exact_match": 88.88888888888889, "f1": 97.22222222222223}),
}


def read_lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def read_sentences(path):
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [block.split() for block in blocks]


def read_golds(path):
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return {
        qa["id"]: [answer["text"] for answer in qa["answers"]]
        for article in articles
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    }


def scores_of(task, labels, predictions):
    language = labels.stem.removeprefix("test-")
    if task in ("panx", "udpos"):
        return vars(span_f1(read_sentences(labels), read_sentences(predictions)))
    if task == "bucc2018":
        return vars(mining_f1(dict.fromkeys(read_lines(predictions), 1.0), read_lines(labels), 1.0))
    if labels.suffix == ".json":
        golds, answers = read_golds(labels), json.loads(predictions.read_text(encoding="utf-8"))
        return vars(
            mlqa_scores(golds, answers, language)
            if task == "mlqa"
            else squad_scores(golds, answers)
        )
    return {"accuracy": accuracy(read_lines(labels), read_lines(predictions))}


@pytest.mark.skipif("STILTS_REAL_DATA" not in os.environ, reason="STILTS_REAL_DATA is not set")
@pytest.mark.parametrize("task", EXPECTED)
def test_averages_are_xtremes(task):
    root = Path(os.environ["STILTS_REAL_DATA"]) / "xtreme-mock"
    files = sorted((root / "labels" / task).iterdir())
    scores = [scores_of(task, file, root / "predictions" / task / file.name) for file in files]
    languages, expected = EXPECTED[task]
    assert len(files) == languages
    for metric, value in expected.items():
        assert fmean(score[metric] for score in scores) == pytest.approx(value, abs=1e-9)
