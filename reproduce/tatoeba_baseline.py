"""Tatoeba with XLM-R Large as it is, nothing trained (paper: 31.0; 36 values by language)."""

from collections.abc import Mapping

from reproduce.command import main
from stilts_repro.claims.grid import Claim, Scores
from stilts_repro.experiments.rows import NONE


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over languages of the accuracy of the nearest neighbour."""
    return scores.dev(NONE, "tatoeba")


def by_language(scores: Scores) -> Mapping[str, float]:
    """Return the same for each language."""
    return scores.languages[NONE, "tatoeba", "dev"]


CLAIM = Claim(
    id="tatoeba_baseline",
    statement=(
        "XLM-R Large without any training finds the translations of Tatoeba's English sentences "
        "with an accuracy of 31.0 over 36 languages: layer 14, mean pooling, cosine."
    ),
    intermediates=(),
    value=value,
    targets=("tatoeba",),
    scales=("paper",),
    by_language=by_language,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM.id]))
