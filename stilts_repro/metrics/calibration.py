"""Whether a classifier is as sure as it is right.

Confidence is the probability of the predicted label. Binned calibration errors are never below
zero, so that few rows make a perfect model look bad: 100 rows of three labels, ten points. The
debiased one (Kumar, Liang and Ma 2019) takes away what chance alone brings into each bin.
"""

import numpy as np
import scipy  # its parts are imported when they are used: they take half a second

BINS = 15  # of equally many rows each
WIDEST = np.log(20.0)  # a temperature is sought between 1/20 and 20


def calibration(logits: np.ndarray, gold: np.ndarray, temperature: float = 1.0) -> dict[str, float]:
    """Return how `logits` [rows, labels], divided by `temperature`, suit the labels `gold` [rows].

    overconfidence     mean confidence less accuracy, in points: above zero, the model is too sure
    calibration_error  mean distance of confidence and accuracy over bins, in points (Naeini 2015)
    debiased_error     the mean of its square, debiased, in squared points: of a calibrated model
                       zero in the mean, and then as often below it
    nll                mean negative log-likelihood of the label, in nats
    brier              mean squared distance from the label (Brier 1950), 0 to 2
    """
    logs, rows = _logs(logits, temperature), np.arange(len(gold))
    chances = np.exp(logs)
    confidence, right = chances.max(axis=1), (logs.argmax(axis=1) == gold).astype(float)
    distance = chances.copy()
    distance[rows, gold] -= 1
    bins = np.array_split(np.argsort(confidence, kind="stable"), min(BINS, max(1, len(gold) // 2)))
    gaps = [abs(confidence[part].mean() - right[part].mean()) for part in bins]
    chance = [right[part].var() / (len(part) - 1) for part in bins]  # what it adds to the square
    shares = [len(part) / len(gold) for part in bins]
    return {
        "overconfidence": 100 * float(confidence.mean() - right.mean()),
        "calibration_error": 100 * float(np.dot(shares, gaps)),
        "debiased_error": 1e4 * float(np.dot(shares, np.square(gaps) - chance)),
        "nll": _nll(logs, gold),
        "brier": float((distance**2).sum(axis=1).mean()),
    }


def best_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """Return what to divide `logits` by for the least mean negative log-likelihood (Guo 2017)."""

    def loss(log_temperature: float) -> float:
        return _nll(_logs(logits, float(np.exp(log_temperature))), gold)

    found = scipy.optimize.minimize_scalar(
        loss, bounds=(-WIDEST, WIDEST), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def _logs(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return log probabilities, [rows, labels]."""
    scaled = np.asarray(logits, np.float64) / temperature
    return np.asarray(scipy.special.log_softmax(scaled, axis=1))


def _nll(logs: np.ndarray, gold: np.ndarray) -> float:
    return -float(logs[np.arange(len(gold)), gold].mean())
