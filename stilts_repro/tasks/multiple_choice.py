"""Multiple choice: a prompt and C endings, one of them right (HellaSwag, Cosmos QA, COPA, ...)."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Format, Limits, Text
from stilts_repro.tasks.taking import Row, take, take_label, take_list
from stilts_repro.tasks.tokens import pair_features

ASKED = ("cause", "effect")


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
    def text_columns(self) -> tuple[str, ...]:
        """The columns that hold texts: all but the last, unless a data set has others."""
        return self.columns[:-1]

    @property
    def group(self) -> int:
        """Sequences a unit: one with each ending."""
        return self.choices

    def texts(self, row: Row, where: str) -> list[Text]:
        """Return what the prompt and its endings are made of, for a translator."""
        return [Text(text) for text in self._texts(row, where)]

    def with_texts(self, row: Row, texts: Sequence[Text], counts: Counter[str]) -> dict[str, Any]:
        """Return the row with translated texts.

        Counted as `choices alike` where the right choice then reads like a wrong one.
        """
        translated = {**row, **self._text_columns(row, [text.text for text in texts])}
        with suppress(InputError):  # a row without a label has no right choice
            choices = self.parse(translated, "translated row")
            counts["choices alike"] += choices.endings.count(choices.endings[choices.label]) > 1
        return translated

    def _texts(self, row: Row, where: str) -> list[str]:
        """Return the texts of a row."""
        return [take(row, column, str, where) for column in self.text_columns]

    def _text_columns(self, row: Row, texts: Sequence[str]) -> dict[str, Any]:
        """Return the columns that hold the texts of `row`, with `texts` in their place."""
        return dict(zip(self.text_columns, texts, strict=True))

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
        endings = self._endings(row, where)
        self._check_number(endings, where)
        return Choices(
            take(row, "ctx_a", str, where),
            tuple(endings),
            take_label(row, "label", self._numbers, where),
        )

    def _texts(self, row: Row, where: str) -> list[str]:
        endings = self._endings(row, where)
        return [take(row, "ctx_a", str, where), *endings]

    def _text_columns(self, row: Row, texts: Sequence[str]) -> dict[str, Any]:
        # No half of a sentence can be translated: endings are whole, and `ctx_b` is left empty.
        story, *endings = texts
        whole = {"ctx": story} if "ctx" in row else {}
        return {"ctx_a": story, "ctx_b": "", **whole, "endings": endings}

    def _endings(self, row: Row, where: str) -> list[str]:
        """Return the choices: each ending with the beginning of its sentence."""
        beginning = take(row, "ctx_b", str, where)
        return [f"{beginning} {ending}".strip() for ending in take_list(row, "endings", str, where)]


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

    def _texts(self, row: Row, where: str) -> list[str]:
        question = take(row, "question", str, where)
        return [question, *take_list(take(row, "choices", dict, where), "text", str, where)]

    def _text_columns(self, row: Row, texts: Sequence[str]) -> dict[str, Any]:
        question, *choices = texts
        return {"question": question, "choices": {**row["choices"], "text": choices}}


@dataclass(frozen=True)
class SocialIQA(MultipleChoice):
    """SIQA's columns: the prompt is context and question, as Cosmos QA's, answers A to C."""

    columns = ("context", "question", "answerA", "answerB", "answerC", "label")
    choices: int = 3

    def parse(self, row: Row, where: str) -> Choices:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        context, question, *answers = self._texts(row, where)
        label = take_label(row, "label", ("1", "2", "3"), where)
        return Choices(f"{context} {question}", tuple(answers), label)


@dataclass(frozen=True)
class Copa(MultipleChoice):
    """COPA's and XCOPA's columns; the prompt is the premise and its question in English words.

    As XTREME-R's run_xcopa.py has it: "What was the cause?" or "What was the effect?".
    """

    columns = ("premise", "choice1", "choice2", "question", "label")
    text_columns = columns[:3]
    suffix: ClassVar = "jsonl"
    choices: int = 2

    def parse(self, row: Row, where: str) -> Choices:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        premise, *choices = self._texts(row, where)
        asked = ASKED[take_label(row, "question", ASKED, where)]
        # SuperGLUE's classes are named as its columns.
        label = take_label(row, "label", self._numbers, where, (self.columns[1:3],))
        return Choices(f"{premise} What was the {asked}?", tuple(choices), label)

    def prediction_file(self, examples: Sequence[Choices], predictions: Any) -> str:
        """Return XTREME-R's file: an object with a label, a line an example."""
        return "".join(json.dumps({"label": value}) + "\n" for value in predictions)
