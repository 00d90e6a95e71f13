"""Multiple choice: a prompt and C endings, one of them right (HellaSwag, Cosmos QA, CSQA)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Format, Limits, Row, take, take_label, take_list
from stilts_repro.tasks.tokens import pair_features


@dataclass(frozen=True)
class Choices:
    """A prompt, its possible endings, and the index of the right one."""

    prompt: str
    endings: tuple[str, ...]
    label: int


class MultipleChoice(Format):
    """What the data sets of this format share: all but their columns.

    A prediction is the index of an ending.
    """

    name = "multiple_choice"
    classes = "MODEL_FOR_MULTIPLE_CHOICE_MAPPING"
    logit_names: ClassVar = ("choice",)
    choices: int

    @property
    def group(self) -> int:
        """Sequences a unit: one with each ending."""
        return self.choices

    def featurise(
        self, examples: Sequence[Choices], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise each prompt with each of its endings, C sequences a unit. Unit: `label`."""
        pairs = [(e.prompt, ending) for e in examples for ending in e.endings]
        labels = [e.label for e in examples]
        return pair_features(pairs, labels, tokenizer, limits, group=self.group, keep_end=True)

    @property
    def _numbers(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.choices)))

    def _check_number(self, endings: Sequence[str], where: str) -> None:
        if len(endings) != self.choices:
            raise InputError(
                f"{where}: {len(endings)} endings where {self.choices} are due; mend the row"
            )


@dataclass(frozen=True)
class HellaSwag(MultipleChoice):
    """HellaSwag's columns: the prompt is `ctx_a`, a choice is `ctx_b` and an ending (jiant)."""

    columns = ("ctx_a", "ctx_b", "endings", "label")
    choices: int = 4

    def parse(self, row: Row, where: str) -> Choices:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        beginning = take(row, "ctx_b", str, where)
        endings = take_list(row, "endings", str, where)
        self._check_number(endings, where)
        return Choices(
            take(row, "ctx_a", str, where),
            tuple(f"{beginning} {ending}".strip() for ending in endings),
            take_label(row, "label", self._numbers, where),
        )


@dataclass(frozen=True)
class CosmosQA(MultipleChoice):
    """Cosmos QA's columns: the prompt is context and question, a choice is an answer (jiant)."""

    shared_column = "context"
    columns = (*("context", "question", "answer0", "answer1", "answer2", "answer3"), "label")
    choices: int = 4

    def parse(self, row: Row, where: str) -> Choices:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        context = take(row, "context", str, where)
        question = take(row, "question", str, where)
        answers = tuple(take(row, f"answer{n}", str, where) for n in range(self.choices))
        label = take_label(row, "label", self._numbers, where)
        return Choices(f"{context} {question}", answers, label)


@dataclass(frozen=True)
class CommonsenseQA(MultipleChoice):
    """CommonsenseQA's columns: the prompt is the question, choices are lettered A to E (jiant)."""

    columns = ("question", "choices", "answerKey")
    choices: int = 5

    def parse(self, row: Row, where: str) -> Choices:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        choices = take(row, "choices", dict, where)
        letters = take_list(choices, "label", str, where)
        texts = take_list(choices, "text", str, where)
        self._check_number(texts, where)
        if len(set(letters)) != len(letters) or len(letters) != len(texts):
            raise InputError(
                f"{where}: {len(texts)} choices are lettered {', '.join(letters)}; "
                "give each its own letter"
            )
        key = take(row, "answerKey", str, where)
        if key not in letters:
            raise InputError(f"{where}: answerKey {key!r} is none of {', '.join(letters)}")
        return Choices(take(row, "question", str, where), tuple(texts), letters.index(key))
