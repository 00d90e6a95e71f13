"""Continued multilingual MLM beside the intermediate task (paper: not consistently better).

The three tasks that the paper names best, each with and without a quarter of the steps on masked
text in every language.
"""

from statistics import fmean
from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, added, with_and_without


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the three tasks of the average dev gain with MLM, less the gain without."""
    return fmean(added(scores, targets, "mlm").values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return what MLM adds for each task."""
    return {"MLM adds": added(scores, targets, "mlm")}


CLAIM = Claim(
    id="mlm_continuation",
    statement=(
        "Continuing multilingual masked-language modelling during intermediate training does not "
        "consistently beat plain English intermediate training."
    ),
    intermediates=with_and_without("mlm"),
    value=value,
    details=details,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
