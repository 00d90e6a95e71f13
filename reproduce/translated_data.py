"""Machine-translated rows mixed into the intermediate task (paper: not consistently better).

The three tasks that the paper names best, each in English alone and with rows in turn in English
and three other languages.
"""

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import after
from stilts_repro.paper import BEST
from stilts_repro.run.gains import added, with_and_without
from stilts_repro.run.grid import RETRIEVED_ON_THE_TESTBED, Claim, Scores

Told = Mapping[str, Any]  # what a record says of the translations into one language


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over the three tasks of the average dev gain with translated rows, less that without."""
    return fmean(added(scores, targets, translated=True).values())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return what translated rows add for each task, and how good the translations are."""
    return {
        "translated rows add": added(scores, targets, translated=True),
        "BLEU and chrF": {task: by_language(scores, task, quality) for task in BEST},
        "rows that stayed English": {
            task: by_language(scores, task, lambda told: told["dropped"]) for task in BEST
        },
    }


def by_language(scores: Scores, task: str, what: Callable[[Told], Any]) -> dict[str, Any]:
    """Return `what` of a task's translations into each language."""
    languages = scores.translations[str(after(task, translated=True))][task]["languages"]
    return {code: what(told) for code, told in languages.items()}


def quality(told: Told) -> dict[str, float] | str:
    """Return BLEU and chrF, or why they are not known."""
    scored = told["quality"]
    return {"BLEU": scored["bleu"], "chrF": scored["chrf"]} if scored else told["reason"]


CLAIM = Claim(
    id="translated_data",
    conditions=with_and_without(translated=True),
    value=value,
    details=details,
    narrowed=RETRIEVED_ON_THE_TESTBED,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
