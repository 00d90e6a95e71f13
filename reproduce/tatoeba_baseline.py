"""Tatoeba with XLM-R Large as it is, nothing trained (paper: 31.0; 36 values by language)."""

from collections.abc import Mapping

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import NONE
from stilts_repro.run.grid import Claim, Scores


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over languages of the accuracy of the nearest neighbour."""
    return scores.dev(NONE, "tatoeba")


def by_language(scores: Scores) -> Mapping[str, float]:
    """Return the same for each language."""
    return scores.dev_languages(NONE, "tatoeba")


CLAIM = Claim(
    id="tatoeba_baseline",
    conditions=(),
    value=value,
    targets=("tatoeba",),
    scales=("paper",),
    by_language=by_language,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
