"""Retrieval with no training at all: Tatoeba (nearest neighbour) and BUCC (mining)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.metrics.retrieval import (
    best_threshold,
    centred,
    mine,
    mining_f1,
    nearest,
    retrieval_accuracy,
    top_variance,
    unrelated_cosine,
)
from stilts_repro.tasks.format import Format, Limits, field, twice
from stilts_repro.tasks.taking import Row, take
from stilts_repro.tasks.tokens import single_features

NEIGHBOURS = 4  # k of the margin (XTREME, jiant)

Pair = tuple[str, str]  # (other id, English id)
Named = tuple[str, str]  # (id, sentence)


@dataclass(frozen=True)
class Translation:
    """A sentence in another language, its English translation, and (BUCC) their ids."""

    source: str
    target: str
    source_id: str
    target_id: str


@dataclass(frozen=True)
class Retrieval(Format):
    """XTREME's columns on the hub; `mining` tells BUCC from Tatoeba.

    `texts` are the columns of a sentence and of its English translation, where rows have no ids.
    A prediction of Tatoeba is the place of the sentence found for an English one; those of BUCC are
    pairs of ids.
    """

    name = "retrieval"
    logit_names: ClassVar = ()
    mining: bool = False
    texts: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a sentence, its translation and their ids (XTREME's languages, if any)."""
        return self.texts or ("source_sentence", "target_sentence", "source_lang", "target_lang")

    @property
    def metric(self) -> str:
        """The name of the metric that is the task's score."""
        return "f1" if self.mining else "accuracy"

    def parse(self, row: Row, where: str) -> Translation:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        held = [take(row, column, str, where) for column in self.columns]
        return Translation(*held, *[""] * (4 - len(held)))

    def featurise(
        self, examples: Sequence[str], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise plain sentences, `<s> A </s>`, cut at the length limit."""
        return single_features(examples, tokenizer, limits)

    def named_apart(
        self, examples: Sequence[Translation], where: str, *, whole: bool
    ) -> tuple[Translation, ...]:
        """Return the pairs, of which no id may name two sentences; Tatoeba has no ids."""
        texts: dict[str, str] = {}
        for pair in examples if self.mining else ():
            for identity, text in ((pair.source_id, pair.source), (pair.target_id, pair.target)):
                if texts.setdefault(identity, text) != text:
                    raise twice(identity, where)
        return tuple(examples)

    def gold(self, examples: Sequence[Translation]) -> list[Any]:
        """Return the true pairs of ids (BUCC), or each row's own place (Tatoeba)."""
        if self.mining:
            return [(pair.source_id, pair.target_id) for pair in examples]
        return list(range(len(examples)))

    def floor(self, examples: Sequence[Translation], language: str) -> float | None:
        """Return the score of always the same sentence (Tatoeba), or of no pair at all (BUCC)."""
        return 0.0 if self.mining else super().floor(examples, language)

    def prediction_file(self, examples: Sequence[Translation], predictions: Any) -> str:
        """Return a line a pair (BUCC), or a line a row of XTREME's English file (Tatoeba).

        That file is sorted by text, and its labels are these very places, counted from 0 (checked
        against XTREME's mock labels).
        """
        if self.mining:
            return "".join(f"{field(a)}\t{field(b)}\n" for a, b in predictions)
        order = sorted(range(len(examples)), key=lambda place: examples[place].target.strip())
        return super().prediction_file(examples, [predictions[place] for place in order])


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
        sizes = {}
        for place, (side, ids) in enumerate(sides.items()):
            paired = {pair[place] for pair in self.gold}
            unpaired = sum(paired.isdisjoint(same) for same in ids)
            sizes[side] = {"sentences": len(ids), "unpaired": unpaired}
        return sizes


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


def geometry_by_layer(english: Tensor, other: Tensor) -> dict[str, list[float]]:
    """Return what tells, for each layer of [layers, n, H], why sentences are found or not.

    centred   the accuracy, in points, with either language's mean vector taken away
    cosine    of sentences that are no translations of each other, in the mean
    variance  the share, in points, that is along one direction, both languages together
    """
    layers = [*zip(english, other, strict=True)]
    return {
        "centred": [retrieval_accuracy(centred(e), centred(o)) for e, o in layers],
        "cosine": [unrelated_cosine(e, o) for e, o in layers],
        "variance": [100 * top_variance(torch.cat([e, o])) for e, o in layers],
    }


def alignment(english: Tensor, other: Tensor) -> dict[str, float]:
    """Return how well one layer's vectors [n, H] of translations lie side by side, in points.

    Either language's mean is taken away: `centred` is the accuracy then, and `mutual` the share of
    pairs that are nearer to each other than either is to any other sentence (MEXA, Kargaran 2025).
    """
    english, other = centred(english), centred(other)
    rows = torch.arange(len(english))
    forward, backward = nearest(english, other).cpu(), nearest(other, english).cpu()
    mutual = ((forward == rows) & (backward == rows)).float().mean()
    accuracy = (forward == rows).float().mean()
    return {"centred": 100 * float(accuracy), "mutual": 100 * float(mutual)}


def _ids_by_text(named: Iterable[Named]) -> dict[str, tuple[str, ...]]:
    """Return the ids of each text, both in the order in which they first occur."""
    by_text: dict[str, dict[str, None]] = {}
    for identity, text in named:
        by_text.setdefault(text, {})[identity] = None
    return {text: tuple(ids) for text, ids in by_text.items()}
