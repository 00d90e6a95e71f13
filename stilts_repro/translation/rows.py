"""Rows translated: the hub's columns and labels, with other texts in them.

What is translated is what a task's format reads. Each format has a draft: which texts it needs, and
the row that their translations make. Tagged words cannot be translated, for a tag belongs to a word
and no translator says which word became which.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from stilts_repro.errors import InputError
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.format import Format, Row, take, take_list
from stilts_repro.tasks.multiple_choice import CommonsenseQA, CosmosQA, HellaSwag
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tagging import Tagging
from stilts_repro.translation.kept import translate_cached
from stilts_repro.translation.spans import Passage
from stilts_repro.translation.translator import Translator

_TRANSLATABLE = (Classification, HellaSwag, CosmosQA, CommonsenseQA, Span)
NO_ANSWER, NO_TEXT = "answer not found", "empty translation"


@dataclass(frozen=True)
class Translated:
    """Translated rows in the order of the English ones; `numbers` says which of them each was.

    `dropped` counts the rows that are not among them. `counts` holds why ("answer not found",
    "empty translation"), and of rows kept how many answers were found "exact", "folded" or
    "copied", and in how many the right choice reads like a wrong one ("choices alike").
    """

    rows: list[dict[str, Any]]
    numbers: tuple[int, ...]
    dropped: int
    counts: dict[str, int]


class Draft(Protocol):
    """One row on its way into another language."""

    @property
    def texts(self) -> Sequence[str]:
        """The texts to translate; equal ones may come twice."""
        ...

    def row(
        self, translated: Mapping[str, str], target: str, counts: Counter[str]
    ) -> dict[str, Any] | None:
        """Return the row with its texts `translated`; None, counted, where it cannot be had."""
        ...


def translatable(kind: Format) -> bool:
    """Say whether rows of a format can be translated: sentence pairs, multiple choice, spans."""
    return isinstance(kind, _TRANSLATABLE)


def refuse(kind: Format, what: str) -> None:
    """Raise `InputError` where rows of `kind` cannot be translated."""
    if not translatable(kind):
        tagged = isinstance(kind, Tagging)
        reason = " (a tag is a word's, and nothing tells which word became which)" if tagged else ""
        raise InputError(
            f"{what}: rows of format {kind.name} cannot be translated{reason}; leave the task out"
        )


def translate_rows(
    kind: Format, rows: Sequence[Row], translator: Translator, target: str, what: str = "rows"
) -> Translated:
    """Translate English `rows` of a format into the language of code `target`.

    Every row that is returned is one that `kind.parse` accepts if it did the English one; labels
    are as they were. Raises `InputError` for a format that cannot be translated and for a row
    without the format's columns, naming `what`; and what the translator raises.
    """
    refuse(kind, what)
    drafts = [draft(kind, row, f"{what} row {number}") for number, row in enumerate(rows)]
    wanted = list(dict.fromkeys(text for drafted in drafts for text in drafted.texts))
    translated = dict(zip(wanted, translate_cached(translator, wanted, target), strict=True))
    counts: Counter[str] = Counter()
    made: dict[int, dict[str, Any]] = {}
    for number, drafted in enumerate(drafts):
        if any(text.strip() and not translated[text].strip() for text in drafted.texts):
            counts[NO_TEXT] += 1
        elif (row := drafted.row(translated, target, counts)) is not None:
            made[number] = row
            counts["choices alike"] += alike(kind, row)
    return Translated(list(made.values()), tuple(made), len(rows) - len(made), dict(+counts))


def draft(kind: Format, row: Row, where: str) -> Draft:
    """Return what is to be translated of a row; `InputError` names `where` and what is wrong."""
    match kind:
        case Classification():
            return _columns(row, (kind.first, kind.second), where)
        case CosmosQA():
            answers = (f"answer{number}" for number in range(kind.choices))
            return _columns(row, ("context", "question", *answers), where)
        case HellaSwag():
            return _HellaSwag.of(row, where)
        case CommonsenseQA():
            return _CommonsenseQA(
                row,
                take(row, "question", str, where),
                tuple(take_list(take(row, "choices", dict, where), "text", str, where)),
            )
        case Span():
            return _Span(row, Passage.of(kind.parse(row, where)))
    raise InputError(f"{where}: rows of format {kind.name} cannot be translated")


def texts(kind: Format, row: Row) -> list[str]:
    """Return what is compared of a row with the same row in another translation, text by text."""
    if isinstance(kind, Span):  # drafts cut contexts into sentences, not the same ones in both
        return [row["question"], row["context"]]
    return list(draft(kind, row, "row").texts)


def _columns(row: Row, names: Sequence[str], where: str) -> "_Columns":
    return _Columns(row, {name: take(row, name, str, where) for name in names})


@dataclass(frozen=True)
class _Columns:
    """A row whose texts are whole columns."""

    english: Row
    columns: Mapping[str, str]

    @property
    def texts(self) -> Sequence[str]:
        return list(self.columns.values())

    def row(
        self, translated: Mapping[str, str], target: str, counts: Counter[str]
    ) -> dict[str, Any]:
        new = {name: translated[text] for name, text in self.columns.items()}
        return {**self.english, **new}


@dataclass(frozen=True)
class _HellaSwag:
    """A story and its endings, each with the beginning of its sentence: no half can be translated.

    The format joins `ctx_b` and an ending; here `ctx_b` is left empty, and the ending is both.
    """

    english: Row
    story: str
    endings: tuple[str, ...]

    @classmethod
    def of(cls, row: Row, where: str) -> "_HellaSwag":
        beginning = take(row, "ctx_b", str, where)
        endings = take_list(row, "endings", str, where)
        whole = tuple(f"{beginning} {ending}".strip() for ending in endings)
        return cls(row, take(row, "ctx_a", str, where), whole)

    @property
    def texts(self) -> Sequence[str]:
        return (self.story, *self.endings)

    def row(
        self, translated: Mapping[str, str], target: str, counts: Counter[str]
    ) -> dict[str, Any]:
        story = translated[self.story]
        whole = {"ctx": story} if "ctx" in self.english else {}
        endings = [translated[ending] for ending in self.endings]
        return {**self.english, "ctx_a": story, "ctx_b": "", **whole, "endings": endings}


@dataclass(frozen=True)
class _CommonsenseQA:
    """A question and its lettered choices."""

    english: Row
    question: str
    choices: tuple[str, ...]

    @property
    def texts(self) -> Sequence[str]:
        return (self.question, *self.choices)

    def row(
        self, translated: Mapping[str, str], target: str, counts: Counter[str]
    ) -> dict[str, Any]:
        new = [translated[choice] for choice in self.choices]
        choices = {**self.english["choices"], "text": new}
        return {**self.english, "question": translated[self.question], "choices": choices}


@dataclass(frozen=True)
class _Span:
    """A question on a context; answers that are not found again are left out."""

    english: Row
    passage: Passage

    @property
    def texts(self) -> Sequence[str]:
        return self.passage.texts

    def row(
        self, translated: Mapping[str, str], target: str, counts: Counter[str]
    ) -> dict[str, Any] | None:
        question: Question = self.passage.question
        numbers = range(len(question.answers))
        found = [self.passage.answer(number, translated, target) for number in numbers]
        held = [answer for answer in found if answer is not None]
        if found and not held:
            counts[NO_ANSWER] += 1
            return None
        counts.update(how for _, _, how in held)
        return {
            **self.english,
            "question": translated[question.question],
            "context": self.passage.context(translated, target)[0],
            "answers": {
                **self.english["answers"],
                "text": [text for text, _, _ in held],
                "answer_start": [start for _, start, _ in held],
            },
        }


def alike(kind: Format, row: Row) -> bool:
    """Say whether the right choice of a translated row reads like a wrong one."""
    if not isinstance(kind, HellaSwag | CosmosQA | CommonsenseQA):
        return False
    with suppress(InputError):  # a row without a label has no right choice
        choices = kind.parse(row, "translated row")
        return choices.endings.count(choices.endings[choices.label]) > 1
    return False
