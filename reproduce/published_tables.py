"""The headline numbers, recomputed from the published tables (8.2, 7.5, 7.0, 8.7 and 5.4).

Nothing is trained: this is arithmetic on what the paper printed. It shows which mean the paper
means (nine tasks, a question-answering task counting as the mean of its F1 and exact match), and
that the published cells which could not be checked against the page are at least consistent.
"""

from typing import Any

from stilts_repro.claims.published import agreeing_headlines, published_details
from stilts_repro.cli.reproduce import main
from stilts_repro.run.grid import Claim, Scores


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """How many of the five headline numbers come out to the printed decimal."""
    return float(agreeing_headlines())


def details(scores: Scores, targets: tuple[str, ...]) -> dict[str, Any]:
    """Each headline number unrounded, and rows whose printed average does not follow."""
    return published_details()


CLAIM = Claim(id="published_tables", conditions=(), value=value, details=details, targets=())

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
