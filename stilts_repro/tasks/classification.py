"""Sentence-pair classification: MNLI, XNLI, PAWS-X, QQP."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.metrics.labels import label_f1
from stilts_repro.tasks.format import NOTHING, Format, Limits, Scored, Text
from stilts_repro.tasks.taking import Names, Row, take, take_label
from stilts_repro.tasks.tokens import pair_features


@dataclass(frozen=True)
class Pair:
    """Two sentences and the index of their label."""

    first: str
    second: str
    label: int


@dataclass(frozen=True)
class Classification(Format):
    """Two text columns and a label column; `labels` gives the order of the logits.

    `spellings` are what data sets call the same labels besides, in the same order. Where `positive`
    names one of them, its F1 and the mean of that and accuracy are reported beside accuracy (GLUE's
    score for QQP, and jiant's).
    """

    name = "classification"
    classes = "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING"
    labels_rows = True
    first: str
    second: str
    label: str
    labels: Names
    positive: str | None = None
    spellings: tuple[Names, ...] = ()

    @property
    def metric(self) -> str:
        """The name of the metric that is the task's score."""
        return "accuracy_f1" if self.positive else "accuracy"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.first, self.second, self.label)

    @property
    def logit_names(self) -> Names:
        """The labels."""
        return self.labels

    def parse(self, row: Row, where: str) -> Pair:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        return Pair(
            take(row, self.first, str, where),
            take(row, self.second, str, where),
            take_label(row, self.label, self.labels, where, self.spellings),
        )

    def texts(self, row: Row, where: str) -> list[Text]:
        """Return both sentences, for a translator."""
        return [Text(take(row, column, str, where)) for column in (self.first, self.second)]

    def with_texts(self, row: Row, texts: Sequence[Text], counts: Counter[str]) -> dict[str, Any]:
        """Return the row with translated sentences."""
        first, second = texts
        return {**row, self.first: first.text, self.second: second.text}

    def featurise(
        self, examples: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise the pairs, `<s> A </s></s> B </s>`; the longer text is cut. Unit: `label`."""
        pairs = [(e.first, e.second) for e in examples]
        return pair_features(pairs, [e.label for e in examples], tokenizer, limits)

    def predict(
        self, examples: Sequence[Pair], features: Features, logits: np.ndarray
    ) -> list[str]:
        """Return a label's name an example; "" where the output is not finite."""
        best = super().predict(examples, features, logits)
        return [self.labels[place] if place != NOTHING else "" for place in best]

    def gold(self, examples: Sequence[Pair]) -> list[str]:
        """Return the labels' names."""
        return [self.labels[example.label] for example in examples]

    def score(self, examples: Sequence[Pair], predictions: Sequence[Any], language: str) -> Scored:
        """Score by accuracy and, where a label is `positive`, by its F1 and the mean of both.

        Beside them stand the mean of all labels' F1, and that of the last label.
        """
        scored = super().score(examples, predictions, language)
        gold = self.gold(examples)
        f1 = {label: label_f1(gold, predictions, label) for label in self.labels}
        last = self.labels[-1]
        scored.metrics.update({"macro_f1": fmean(f1.values()), f"f1_of_{last}": f1[last]})
        if self.positive is not None:
            accuracy, found = scored.metrics["accuracy"], f1[self.positive]
            scored.metrics.update(f1=found, accuracy_f1=(accuracy + found) / 2)
        return scored
