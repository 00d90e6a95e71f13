"""What a format owns: all that is done with the rows of one kind of task, and with its predictions.

A *format* turns rows into examples, examples into features, a head's logits into predictions, and
predictions into scores and files. It is written once and serves every task of that format, whatever
the source. All else asks the format, so that a new one is one module.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.metrics.labels import accuracy
from stilts_repro.tasks.heads import Head, PooledHead
from stilts_repro.tasks.taking import Row

Example = Any  # one of the formats' own frozen dataclasses
Metrics = dict[str, float]  # in points (0 to 100), by name
UNLABELLED = (-1, "-1", "-")  # the hub's, the same as a class's name, SNLI's own
NOTHING = -1  # no prediction: the model's output was not finite


@dataclass(frozen=True)
class Limits:
    """Lengths in tokens: of a sequence, of a question, of the step from window to window."""

    max_length: int
    max_question: int = 64
    stride: int = 128


@dataclass(frozen=True)
class Scored:
    """One language's metrics, and its predictions as plain JSON, in the order of the examples.

    Where the model's output was not finite nothing is predicted, which counts as wrong.
    """

    metrics: Metrics
    predictions: Any


class Format(ABC):
    """One kind of task; its subclasses are frozen dataclasses.

    Where a method is not abstract, it does what a format needs that chooses one label a unit: its
    examples have a `label`, its logits are [units, labels].

    name           what messages and saved heads call the format
    head           from the backbone's vectors to logits
    classes        the name of transformers' mapping from configurations to classes of such models;
                   "" where it has none
    shared_column  the column of a text that several rows are about, which stay together where a
                   split is divided; "" where rows are on their own
    suffix         of the files of predictions and labels that XTREME reads
    labels_rows    whether an example has one label, and one row of logits for it
    """

    name: ClassVar[str]
    head: ClassVar[type[Head]] = PooledHead
    classes: ClassVar[str] = ""
    shared_column: ClassVar[str] = ""
    suffix: ClassVar[str] = "tsv"
    labels_rows: ClassVar[bool] = False

    @property
    def metric(self) -> str:
        """The name of the metric that is the score of a task of this format (XTREME, GLUE)."""
        return "accuracy"

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads of a row; there may be others."""

    @property
    @abstractmethod
    def logit_names(self) -> tuple[str, ...]:
        """What each logit of the head stands for, in order; () where nothing is trained."""

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives."""
        return len(self.logit_names)

    @property
    def group(self) -> int:
        """Sequences a unit: several where each is one of its choices."""
        return 1

    @property
    def mining(self) -> bool:
        """Whether pairs are mined from a pool, so that predictions are not one a row."""
        return False

    @abstractmethod
    def parse(self, row: Row, where: str) -> Example:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""

    @abstractmethod
    def featurise(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise `examples`.

        Where an example may have several units, their column `example` says whose each is: rising
        indices into `examples`.
        """

    def fitted(self, examples: Callable[[], Sequence[Example]]) -> "Format":
        """Return the format that can be trained on what `examples` gives: itself, if it is fixed.

        Only a format whose labels are open asks for them: they may be many, and not yet read.
        """
        return self

    def withheld(self, example: Example) -> str:
        """Say what of an example is empty text, as publishers withhold labels; "" for nothing."""
        return ""

    def named_apart(
        self, examples: Sequence[Example], where: str, *, whole: bool
    ) -> tuple[Example, ...]:
        """Return the examples of a split, or of a part of it, with ids that tell them apart.

        Raises `InputError` where one id names two things.
        """
        return tuple(examples)

    def predict(
        self, examples: Sequence[Example], features: Features, logits: np.ndarray
    ) -> list[Any]:
        """Return one prediction an example, in plain JSON; `NOTHING` where output is not finite.

        `logits` are those of the units of `features`, as `evaluation.predict` gives them.
        """
        best = logits.argmax(axis=1)
        best[broken_units(logits)] = NOTHING
        return best.tolist()

    def gold(self, examples: Sequence[Example]) -> list[Any]:
        """Return the labels in the shape of predictions."""
        return [example.label for example in examples]

    def score(
        self, examples: Sequence[Example], predictions: Sequence[Any], language: str
    ) -> Scored:
        """Score one language's predictions; `metric` is among the metrics."""
        metrics = {"accuracy": accuracy(self.gold(examples), predictions)}
        return Scored(metrics, list(predictions))

    def floor(self, examples: Sequence[Example], language: str) -> float | None:
        """Return the score of always giving the commonest label, which takes no reading.

        None where there are no labels, as in question answering.
        """
        (label, _), *_ = Counter(self.gold(examples)).most_common(1)
        return self.score(examples, [label] * len(examples), language).metrics[self.metric]

    def dev_metrics(
        self, examples: Sequence[Example], features: Features, logits: np.ndarray
    ) -> Metrics:
        """Score English dev rows, as a training set's own publishers do."""
        return self.score(examples, self.predict(examples, features, logits), "en").metrics

    def prediction_file(self, examples: Sequence[Example], predictions: Any) -> str:
        """Return what XTREME reads of one language's predictions: a line an example."""
        return "".join(f"{field(value)}\n" for value in predictions)

    def label_file(self, examples: Sequence[Example], title: str) -> str:
        """Return what XTREME scores predictions against; `title` names task and language."""
        return self.prediction_file(examples, self.gold(examples))


def broken_units(logits: np.ndarray) -> np.ndarray:
    """Return the places of the units that `evaluation.predict` made NaN throughout."""
    return np.flatnonzero(np.isnan(logits.reshape(len(logits), -1)[:, 0]))


def field(value: Any) -> str:
    """Return `value` as text that can break no line or column of a .tsv."""
    return " ".join(str(value).split())


def twice(identity: str, where: str) -> InputError:
    """Return the error that one id names two things."""
    return InputError(f"{where}: id {identity!r} comes twice; give each its own")


@dataclass(frozen=True)
class Text:
    """A text of a row that is to be translated.

    A context has `answers`: half-open ranges of characters, to be found again in its translation.
    None: it is no context, and is translated as a whole.
    """

    text: str
    answers: tuple[tuple[int, int], ...] | None = None


@runtime_checkable
class Translatable(Protocol):
    """A format whose rows can be translated; another one may say in `untranslatable` why not."""

    def texts(self, row: Row, where: str) -> list[Text]:
        """Return the texts of a row, in order; `InputError` names `where` and what is wrong."""
        ...

    def with_texts(
        self, row: Row, texts: Sequence[Text], counts: Counter[str]
    ) -> dict[str, Any] | None:
        """Return the row with the translations of its `texts`; None where it loses its answers.

        Labels stay as they are. Why a row is lost, and what else is odd about one, is counted.
        """
        ...
