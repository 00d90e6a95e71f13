import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import brier_score_loss, log_loss

from stilts_repro.metrics.calibration import BINS, best_temperature, calibration


def drawn(rows, seed, scale=1.0, labels=3):
    """Return logits that are calibrated where `scale` is 1, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, labels)) * 1.5
    gold = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return logits * scale, gold


def test_likelihood_and_brier_are_another_librarys():
    logits, gold = drawn(500, seed=1)
    found, chances = calibration(logits, gold), softmax(logits, axis=1)
    assert found["nll"] == pytest.approx(log_loss(gold, chances), abs=1e-6)
    loss = brier_score_loss(gold, chances, labels=[0, 1, 2], scale_by_half=False)
    assert found["brier"] == pytest.approx(loss, abs=1e-6)


def test_the_bins_are_those_of_a_calibration_curve_of_another_library():
    """Scikit-learn's quantile bins, of as many rows each where no confidence comes twice."""
    from sklearn.calibration import calibration_curve

    logits, gold = drawn(BINS * 40, seed=2)
    chances = softmax(logits, axis=1)
    right = chances.argmax(axis=1) == gold
    accuracy, confidence = calibration_curve(
        right, chances.max(axis=1), n_bins=BINS, strategy="quantile"
    )
    error = 100 * np.abs(accuracy - confidence).mean()
    found = calibration(logits, gold)
    assert found["calibration_error"] == pytest.approx(error, abs=1e-6)
    chance = accuracy * (1 - accuracy) / 39
    debiased = 1e4 * ((accuracy - confidence) ** 2 - chance).mean()
    assert found["debiased_error"] == pytest.approx(debiased, abs=1e-6)


def test_a_case_worked_by_hand():
    """Two sure rows, one of them wrong, and two that are half sure, both right."""
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.5, 0.5], [0.5, 0.5]])
    found = calibration(np.log(chances), np.array([0, 1, 0, 0]))
    assert found["overconfidence"] == pytest.approx(100 * (0.7 - 0.75))
    assert found["calibration_error"] == pytest.approx(100 * (0.5 + 0.4) / 2)
    assert found["brier"] == pytest.approx((0.02 + 1.62 + 0.5 + 0.5) / 4)
    # In the bin of the sure rows chance alone has a variance of 1/4, over one degree of freedom.
    assert found["debiased_error"] == pytest.approx(1e4 * (0.25 + 0.16 - 0.25) / 2)


def test_few_rows_make_a_calibrated_model_look_bad_but_for_the_debiased_error():
    found = [calibration(*drawn(100, seed)) for seed in range(300)]
    mean = {name: np.mean([one[name] for one in found]) for name in found[0]}
    error = np.std([one["debiased_error"] for one in found]) / np.sqrt(300)
    assert mean["calibration_error"] > 8
    assert abs(mean["debiased_error"]) < 3 * error
    assert abs(mean["overconfidence"]) < 1


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_best_temperature_takes_back_what_logits_were_multiplied_by(scale):
    logits, gold = drawn(20_000, seed=3, scale=scale)
    temperature = best_temperature(logits, gold)
    assert temperature == pytest.approx(scale, rel=0.05)
    before, after = calibration(logits, gold), calibration(logits, gold, temperature)
    assert after["nll"] <= before["nll"]
    assert abs(after["overconfidence"]) < 1
    assert (before["overconfidence"] > 1) == (scale > 1)


def test_sureness_beyond_what_floats_hold_is_no_error():
    found = calibration(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([0, 0]))
    assert np.isfinite([*found.values()]).all()
    assert found["nll"] == pytest.approx(-log_softmax([0.0, 1e4])[0] / 2)
