"""Machine-translated rows mixed into the intermediate task (paper: not consistently better).

The three tasks that the paper names best, each in English alone and with rows in turn in English
and three other languages.
"""

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores, added, with_and_without
from stilts_repro.paper import BEST

Told = Mapping[str, Any]  # what a record says of the translations into one language


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the three tasks of the average dev gain with translated rows, less that without."""
    return fmean(added(scores, targets, "translated").values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return what translated rows add for each task, and how good the translations are."""
    return {
        "translated rows add": added(scores, targets, "translated"),
        "BLEU and chrF": {row: by_language(scores, row, quality) for row in BEST},
        "rows that stayed English": {
            row: by_language(scores, row, lambda told: told["dropped"]) for row in BEST
        },
    }


def by_language(scores: Scores, row: str, what: Callable[[Told], Any]) -> dict[str, Any]:
    """Return `what` of a task's translations into each language."""
    languages = scores.translations[f"{row}+translated"][row]["languages"]
    return {code: what(told) for code, told in languages.items()}


def quality(told: Told) -> dict[str, float] | str:
    """Return BLEU and chrF, or why they are not known."""
    scored = told["quality"]
    return {"BLEU": scored["bleu"], "chrF": scored["chrf"]} if scored else told["reason"]


CLAIM = Claim(
    id="translated_data",
    statement=(
        "Mixing machine-translated rows into intermediate training does not consistently beat "
        "plain English intermediate training."
    ),
    intermediates=with_and_without("translated"),
    value=value,
    details=details,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
