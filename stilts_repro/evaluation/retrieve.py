"""Tatoeba and BUCC from sentence vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from stilts_repro.evaluation.mining import best_threshold, mine, mining_f1
from stilts_repro.evaluation.nearest import retrieval_accuracy
from stilts_repro.tasks.retrieval import Translation

NEIGHBOURS = 4  # k of the margin (XTREME, jiant)


@dataclass(frozen=True)
class Pool:
    """One language's mining pool: distinct sentences of both sides, and the true pairs among them.

    `gold` holds (place in `source`, place in `target`).
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: frozenset[tuple[int, int]]

    @classmethod
    def of(
        cls,
        pairs: Sequence[Translation],
        unpaired_source: Sequence[str] = (),
        unpaired_target: Sequence[str] = (),
    ) -> "Pool":
        """Merge equal sentences into one, as jiant does; unpaired sentences are distractors."""
        source = dict.fromkeys((*(p.source for p in pairs), *unpaired_source))
        target = dict.fromkeys((*(p.target for p in pairs), *unpaired_target))
        source_at = {text: place for place, text in enumerate(source)}
        target_at = {text: place for place, text in enumerate(target)}
        gold = frozenset((source_at[p.source], target_at[p.target]) for p in pairs)
        return cls(tuple(source), tuple(target), gold)


@dataclass(frozen=True)
class Mining:
    """The candidates mined from one pool, each with its margin and whether it is a true pair."""

    candidates: dict[tuple[int, int], float]
    gold: frozenset[tuple[int, int]]

    def threshold(self) -> float:
        """Return the margin at which F1 is highest here; to be used on another part."""
        pairs = list(self.candidates)
        return best_threshold(
            [self.candidates[pair] for pair in pairs],
            [pair in self.gold for pair in pairs],
            len(self.gold),
        )

    def metrics(self, threshold: float) -> dict[str, float]:
        """Return F1, precision and recall in points at `threshold`."""
        return vars(mining_f1(self.candidates, self.gold, threshold)).copy()


def mine_pool(pool: Pool, source: Tensor, target: Tensor) -> Mining:
    """Mine `pool` from its sentences' vectors, [sentences, H] each."""
    mined = mine(source, target, k=NEIGHBOURS)
    pairs = zip(mined.source.tolist(), mined.target.tolist(), strict=True)
    return Mining(dict(zip(pairs, mined.score.tolist(), strict=True)), pool.gold)


def accuracy_by_layer(english: Tensor, other: Tensor) -> list[float]:
    """Return Tatoeba's accuracy for each layer of [layers, n, H]: queries English (jiant)."""
    return [retrieval_accuracy(e, o) for e, o in zip(english, other, strict=True)]
