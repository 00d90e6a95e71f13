"""What a study's seeds say of its question: an interval against the smallest effect of interest.

The smallest effect is named in the study's file before anything is run. That an interval holds zero
is no finding: only one that lies within the smallest effect, either way, says that there is none.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from stilts_repro.claims.expected import Design
from stilts_repro.claims.interval import FEWEST_SEEDS, detectable_change, half_width

LEVEL = 0.95


def finding(design: Design, values: Sequence[float], unseen: str | None = None) -> dict[str, Any]:
    """Return the answer that `values`, the statistic of each seed, give, as claims.json has it.

    supported, contradicted  the interval of the mean (Student's, over seeds) is on one side of zero
    absent                   it lies within the smallest effect, whatever its sign
    inconclusive             neither, or fewer than three seeds
    not_measurable           `unseen` says why nothing can be seen
    """
    n, smallest = len(values), abs(design.smallest)
    low = high = seen = None
    if n >= FEWEST_SEEDS:
        sd, mean = stdev(values), fmean(values)
        half = half_width(sd, n, math.inf, LEVEL, 0.0)
        low, high = mean - half, mean + half
        seen = detectable_change(sd, n, math.inf, LEVEL, 0.0)
    if unseen is not None:
        answer, reason = "not_measurable", unseen
    elif low is None or high is None:
        answer, reason = "inconclusive", f"{n} seeds; an interval needs {FEWEST_SEEDS}"
    else:
        answer = _answer(low, high, design.smallest)
        reason = f"{low:.2f} to {high:.2f}; an effect below {smallest:g} would not matter"
    return {
        "answer": answer,
        "low": low,
        "high": high,
        "smallest": design.smallest,
        "seen": seen,
        "reason": reason,
    }


def _answer(low: float, high: float, smallest: float) -> str:
    if -abs(smallest) <= low and high <= abs(smallest):
        return "absent"
    if low <= 0 <= high:
        return "inconclusive"
    return "supported" if (low > 0) == (smallest > 0) else "contradicted"
