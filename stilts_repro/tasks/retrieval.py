"""Retrieval with no training at all: Tatoeba (nearest neighbour) and BUCC (mining)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.tasks.format import Limits, Row, single_features, take


@dataclass(frozen=True)
class Translation:
    """A sentence in another language, its English translation, and (BUCC) their ids."""

    source: str
    target: str
    source_id: str
    target_id: str


@dataclass(frozen=True)
class Retrieval:
    """XTREME's columns on the hub; `mining` tells BUCC from Tatoeba."""

    columns: ClassVar = ("source_sentence", "target_sentence", "source_lang", "target_lang")
    mining: bool
    name: str = "retrieval"

    @property
    def metric(self) -> str:
        """The name of the metric that is the task's score."""
        return "f1" if self.mining else "accuracy"

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives."""
        return 0

    def parse(self, row: Row, where: str) -> Translation:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        return Translation(*(take(row, column, str, where) for column in self.columns))

    def featurise(
        self, examples: Sequence[str], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise plain sentences, `<s> A </s>`, cut at the length limit."""
        return single_features(examples, tokenizer, limits)
