"""The gate: whether a target can be measured at all, told by its baseline, before any gain is read.

A model that always says the same, or hardly more than that, has no score to gain on: its target is
a dead column, and a mean with it moves less than it seems to.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import scipy  # its parts are imported when they are used: they take half a second

from stilts_repro.claims.interval import FEWEST_SEEDS, half_width

ENGLISH, OTHERS = 5.0, 2.0  # points that the baseline must be above the floor
LARGEST_SHARE = 0.95  # of one language's predictions, that are all the same
LEVEL = 0.95


@dataclass(frozen=True)
class Margin:
    """How far a baseline is above the floor, in points: the mean, and its lower bound."""

    mean: float
    low: float
    needed: float

    @property
    def reached(self) -> bool:
        """Whether the lower bound is as high as is needed."""
        return self.low >= self.needed

    def __str__(self) -> str:
        return f"{self.mean:+.1f} over the floor, at least {self.low:+.1f} ({self.needed:g} needed)"


def gate(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether a target can be measured, from its baseline's dev records, one a seed.

    It can where the lower bound (95 %, two-sided) of the score over the floor is at least `ENGLISH`
    in English, where the target has it, and `OTHERS` in the mean of the other languages, and where
    in no language more than `LARGEST_SHARE` of the predictions are alike. The bound is Student's
    over seeds; of fewer than `FEWEST_SEEDS`, and of seeds that are all the same, for nothing is
    trained, it is over the rows of the first, as if each were right or wrong and languages had
    other rows: where rows are parallel, the bound is a little too high.
    """
    codes = [*records[0]["languages"]]
    named = {
        "en": _margin(records, [code for code in codes if code == "en"], ENGLISH),
        "others": _margin(records, [code for code in codes if code != "en"], OTHERS),
    }
    margins = {name: margin for name, margin in named.items() if margin}
    share, code = max(
        (fmean(record["languages"][code]["largest_share"] for record in records), code)
        for code in codes
    )
    short = [f"{name} {margin}" for name, margin in margins.items() if not margin.reached]
    if share > LARGEST_SHARE:
        short.append(f"{share:.0%} of {code}'s predictions are alike")
    reasons = short or [f"{name} {margin}" for name, margin in margins.items()]
    scores = [held["score"] for record in records for held in record["languages"].values()]
    if fmean(scores) > 100 - OTHERS:
        reasons.append("so near to 100 that it can only lose")
    return {
        "measurable": not short,
        "reason": "; ".join(reasons),
        "seeds": len(records),
        "largest_share": share,
        "floor": {name: vars(margin) for name, margin in margins.items()},
    }


def dark(gates: Mapping[str, Mapping[str, Any]], targets: Iterable[str]) -> list[str]:
    """Return those of `targets` that are known not to be measurable."""
    return [t for t in targets if t in gates and not gates[t]["measurable"]]


def _margin(
    records: Sequence[Mapping[str, Any]], codes: Sequence[str], needed: float
) -> Margin | None:
    """Return the mean margin over `codes`; None where there are none, or a floor is not known."""
    held = [[record["languages"][code] for code in codes] for record in records]
    if not codes or any(entry["floor"] is None for entries in held for entry in entries):
        return None
    seeds = [fmean(entry["score"] - entry["floor"] for entry in entries) for entries in held]
    mean, n = fmean(seeds), len(seeds)
    if n >= FEWEST_SEEDS and len({*seeds}) > 1:
        half = half_width(stdev(seeds), n, math.inf, LEVEL, 0.0)
    else:
        half = float(scipy.stats.norm.ppf((1 + LEVEL) / 2)) * _row_error(held[0])
    return Margin(mean, mean - half, needed)


def _row_error(entries: Sequence[Mapping[str, Any]]) -> float:
    """Return the standard error, in points, of the mean over languages that few rows bring."""
    variances = [e["score"] * (100 - e["score"]) / max(1, e["n"]) for e in entries]
    return math.sqrt(sum(variances)) / len(entries)
