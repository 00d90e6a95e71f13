"""XTREME's own mock predictions must give the averages of its evaluate.py, to rounding."""

import os
from pathlib import Path
from statistics import fmean

import pytest

from tests.xtreme_files import scores_of

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
    "mewslix": (11, {"map": 14.39025156130419}),
}


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
