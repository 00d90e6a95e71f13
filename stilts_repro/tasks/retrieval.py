"""Retrieval with no training at all: Tatoeba (nearest neighbour) and BUCC (mining)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.tasks.format import Format, Limits, Row, field, take, twice
from stilts_repro.tasks.tokens import single_features


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

    A prediction of Tatoeba is the place of the sentence found for an English one; those of BUCC are
    pairs of ids.
    """

    name = "retrieval"
    columns: ClassVar = ("source_sentence", "target_sentence", "source_lang", "target_lang")
    logit_names: ClassVar = ()
    mining: bool = False

    @property
    def metric(self) -> str:
        """The name of the metric that is the task's score."""
        return "f1" if self.mining else "accuracy"

    def parse(self, row: Row, where: str) -> Translation:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        return Translation(*(take(row, column, str, where) for column in self.columns))

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

    def prediction_file(self, examples: Sequence[Translation], predictions: Any) -> str:
        """Return a line a pair (BUCC), or a line a row of XTREME's English file (Tatoeba).

        That file is sorted by text, and its labels are these very places, counted from 0 (checked
        against XTREME's mock labels).
        """
        if self.mining:
            return "".join(f"{field(a)}\t{field(b)}\n" for a, b in predictions)
        order = sorted(range(len(examples)), key=lambda place: examples[place].target.strip())
        return super().prediction_file(examples, [predictions[place] for place in order])
