"""The interval in which the mean of new seeds must lie, and how small a change it finds.

It is a prediction interval for the mean of m new seeds given n reference seeds: Student's t with
n - 1 degrees of freedom (Hahn and Meeker, Statistical Intervals, on the mean of future
observations).
"""

import math

import numpy as np
import scipy  # its parts are imported when they are used: they take half a second

FEWEST_SEEDS = 3  # whose scatter says anything
PROBABILITY = 0.8
QUANTILES = 400


def half_width(sd: float, n: int, m: float, level: float, floor: float) -> float:
    """Return half the width of the interval for the mean of `m` new runs.

    `sd` is the standard deviation of `n` reference runs; the unit is theirs. For ever more runs
    (infinity) it is the confidence interval of the true mean.
    """
    quantile = scipy.stats.t.ppf((1 + level) / 2, n - 1)
    return max(floor, float(quantile) * sd * math.sqrt(1 / n + 1 / m))


def power(change: float, sd: float, n: int, m: float, level: float, floor: float) -> float:
    """Return the probability that the check finds a true `change` of the mean.

    `sd` is taken as the true standard deviation of one run. The reference's own estimate of it
    is random, so the probability is averaged over that estimate's distribution.
    """
    error = sd * math.sqrt(1 / n + 1 / m)
    if error == 0:
        return float(change > floor)
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    estimates = np.sqrt(scipy.stats.chi2.ppf(middles, n - 1) / (n - 1)) * error
    limits = np.maximum(floor, scipy.stats.t.ppf((1 + level) / 2, n - 1) * estimates)
    above = scipy.stats.norm.sf((limits - change) / error)
    below = scipy.stats.norm.cdf((-limits - change) / error)
    return float(np.mean(above + below))


def detectable_change(sd: float, n: int, m: float, level: float, floor: float) -> float:
    """Return the smallest true change that the check finds with 80 % probability."""
    error = sd * math.sqrt(1 / n + 1 / m)
    if error == 0:
        return floor
    certain = floor + error * (10 + 5 * float(scipy.stats.t.ppf((1 + level) / 2, n - 1)))

    def missing(change: float) -> float:
        return power(change, sd, n, m, level, floor) - PROBABILITY

    return float(scipy.optimize.brentq(missing, 0.0, certain))
