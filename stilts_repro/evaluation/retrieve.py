"""Tatoeba and BUCC from sentence vectors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from stilts_repro.metrics.retrieval import best_threshold, mine, mining_f1, retrieval_accuracy
from stilts_repro.tasks.retrieval import Translation

NEIGHBOURS = 4  # k of the margin (XTREME, jiant)

Pair = tuple[str, str]  # (other id, English id)
Named = tuple[str, str]  # (id, sentence)


@dataclass(frozen=True)
class Pool:
    """One language's mining pool: distinct sentences of both sides, and the true pairs of ids.

    `source_ids` and `target_ids` hold, for each sentence, the ids of all that have its text.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    source_ids: tuple[tuple[str, ...], ...]
    target_ids: tuple[tuple[str, ...], ...]
    gold: frozenset[Pair]

    @classmethod
    def of(
        cls,
        pairs: Sequence[Translation],
        unpaired_source: Sequence[Named] = (),
        unpaired_target: Sequence[Named] = (),
    ) -> "Pool":
        """Merge equal sentences into one, as jiant does; unpaired sentences are distractors."""
        source = _ids_by_text([*((p.source_id, p.source) for p in pairs), *unpaired_source])
        target = _ids_by_text([*((p.target_id, p.target) for p in pairs), *unpaired_target])
        return cls(
            source=tuple(source),
            target=tuple(target),
            source_ids=tuple(source.values()),
            target_ids=tuple(target.values()),
            gold=frozenset((p.source_id, p.target_id) for p in pairs),
        )

    def sizes(self) -> dict[str, dict[str, int]]:
        """Return, for each side, how many sentences it has and how many have no translation."""
        sides = {"source": self.source_ids, "target": self.target_ids}
        found = {}
        for place, (side, ids) in enumerate(sides.items()):
            paired = {pair[place] for pair in self.gold}
            unpaired = sum(paired.isdisjoint(same) for same in ids)
            found[side] = {"sentences": len(ids), "unpaired": unpaired}
        return found


@dataclass(frozen=True)
class Mining:
    """The candidates mined from one pool, each with its margin, and the true pairs."""

    candidates: dict[Pair, float]
    gold: frozenset[Pair]

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

    def kept(self, threshold: float) -> list[list[str]]:
        """Return the pairs that reach `threshold`, best first, as JSON."""
        return [list(pair) for pair, score in self.candidates.items() if score >= threshold]


def mine_pool(pool: Pool, source: Tensor, target: Tensor) -> Mining:
    """Mine `pool` from its sentences' vectors, [sentences, H] each.

    Where sentences were merged, every pair of their ids is a candidate with the same margin (jiant;
    XTREME drops such sentences instead).
    """
    mined = mine(source, target, k=NEIGHBOURS)
    places = zip(mined.source.tolist(), mined.target.tolist(), mined.score.tolist(), strict=True)
    candidates = {
        pair: score
        for i, j, score in places
        for pair in product(pool.source_ids[i], pool.target_ids[j])
    }
    return Mining(candidates, pool.gold)


def accuracy_by_layer(english: Tensor, other: Tensor) -> list[float]:
    """Return Tatoeba's accuracy for each layer of [layers, n, H]: queries English (jiant)."""
    return [retrieval_accuracy(e, o) for e, o in zip(english, other, strict=True)]


def _ids_by_text(named: Iterable[Named]) -> dict[str, tuple[str, ...]]:
    """Return the ids of each text, both in the order in which they first occur."""
    found: dict[str, dict[str, None]] = {}
    for identity, text in named:
        found.setdefault(text, {})[identity] = None
    return {text: tuple(ids) for text, ids in found.items()}
