import numpy as np
import pytest

from stilts_repro.evaluation.confidence import SCALED, confidence, judged, temperature_of
from stilts_repro.metrics.calibration import calibration
from stilts_repro.tasks.classification import Pair


def test_each_language_is_judged_alone_and_at_englishs_temperature():
    rng = np.random.default_rng(0)
    rows = {"sw": [Pair("", "", label) for label in (0, 1, 2)]}
    rows["en"] = [Pair("", "", label) for label in rng.integers(0, 3, 200)]
    logits = rng.normal(size=(203, 3)) * 5  # sure of itself, and wrong
    logits[1] = np.nan
    held = judged(rows, logits)
    assert held["sw"][1].tolist() == [0, 2]  # the row without an output has no confidence
    temperature = temperature_of(held)
    assert temperature > 5
    found = confidence(held, temperature)
    assert found["en"]["overconfidence"] > 30
    assert abs(found["en"][SCALED + "overconfidence"]) < 8
    alone = calibration(logits[[0, 2]], np.array([0, 2]), temperature)
    assert found["sw"][SCALED + "nll"] == pytest.approx(alone["nll"])


def test_without_english_nothing_is_tuned():
    held = judged({"sw": [Pair("", "", 0), Pair("", "", 1)]}, np.eye(3)[:2])
    assert temperature_of(held) is None
    assert not any(name.startswith(SCALED) for name in confidence(held, None)["sw"])
