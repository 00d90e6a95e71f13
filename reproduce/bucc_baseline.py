"""BUCC with XLM-R Large as it is, nothing trained (paper: 71.5; four values by language).

It needs the weights (`--scale paper`) and BUCC's comparable corpora, which the hub does not carry
(docs/data.md): mining among gold pairs alone is an easier task with another number.
"""

from collections.abc import Mapping, Sequence

from stilts_repro.cli.reproduce import main
from stilts_repro.experiments.conditions import NONE
from stilts_repro.run.grid import Claim, Record, Scores


def value(scores: Scores, targets: tuple[str, ...]) -> float:
    """Mean over languages of the F1 on the sample part, at the threshold that is best there."""
    return scores.dev(NONE, "bucc2018")


def by_language(scores: Scores) -> Mapping[str, float]:
    """Return the same for each language."""
    return scores.dev_languages(NONE, "bucc2018")


def obstacle(records: Sequence[Record]) -> str | None:
    """Say so where a side of some language lacks the sentences without a translation."""
    bare = sorted(
        {
            f"{code} ({side})"
            for record in records
            for code, sides in record["retrieval"]["pool"].items()
            for side, sizes in sides.items()
            if not sizes["unpaired"]
        }
    )
    if bare:
        return (
            f"the pools of {', '.join(bare)} hold gold pairs only, an easier task; convert the "
            "corpora (docs/data.md)"
        )
    return None


CLAIM = Claim(
    id="bucc_baseline",
    conditions=(),
    value=value,
    targets=("bucc2018",),
    scales=("paper",),
    by_language=by_language,
    obstacle=obstacle,
)

if __name__ == "__main__":
    raise SystemExit(main([CLAIM]))
