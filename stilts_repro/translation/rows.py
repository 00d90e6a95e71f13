"""Rows translated: the hub's columns and labels, with other texts in them.

A task's format says which texts of a row these are, and makes the row of their translations.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Format, Text, Translatable
from stilts_repro.translation.passages import TranslatedText


class Turn(NamedTuple):
    """Of the rows that `Source.load` gives of a split, those at `[start::step]`."""

    repo: str
    config: str
    split: str
    limit: int | None = None
    start: int = 0
    step: int = 1

    def __str__(self) -> str:
        split = f"{self.repo} {self.config}/{self.split}"
        return f"{split}[{self.start}::{self.step}]" if self.step > 1 else split


class Translator(Protocol):
    """Translates into other languages, the same text the same way every time."""

    @property
    def name(self) -> str:
        """What a reader is told of it: the model, its revision, how it searches."""
        ...

    def version(self, target: str) -> str:
        """Return all that decides its translations into `target`, for records and the cache."""
        ...

    def originals(self, source: Source, turn: Turn, target: str) -> list[Row]:
        """Return the rows whose texts it translates into `target`, as many as `turn` has."""
        ...

    def translations(self, texts: Sequence[Text], target: str) -> list[TranslatedText | None]:
        """Return the translations of `texts` into the language of code `target`, in order.

        None: a part of the text has an empty translation. Raises `InputError` for a language that
        it does not translate into, `MissingError` where something that it needs is not there.
        """
        ...


@dataclass(frozen=True)
class Translated:
    """Translated rows, in order, by the number of the row that each translates.

    `dropped` counts the rows that are not among them. `counts` holds why ("answer not found",
    "empty translation"), and of rows kept how many answers were found "exact", "folded" or
    "copied", and in how many the right choice reads like a wrong one ("choices alike").
    """

    rows: dict[int, Row]
    dropped: int
    counts: dict[str, int]


def translate_rows(
    kind: Translatable, rows: Sequence[Row], translator: Translator, target: str, what: str = "rows"
) -> Translated:
    """Translate `rows` of a format into the language of code `target`.

    Every row that is returned is one that the format parses if it did the original; labels are as
    they were. Raises `InputError` for a row without the format's columns, naming `what`; and what
    the translator raises.
    """
    texts = [kind.texts(row, f"{what} row {number}") for number, row in enumerate(rows)]
    # All at once: a translator makes batches of them, and translates equal ones once.
    together = iter(translator.translations([text for parts in texts for text in parts], target))
    counts: Counter[str] = Counter()
    translated: dict[int, Row] = {}
    for number, (row, parts) in enumerate(zip(rows, texts, strict=True)):
        translations = [next(together) for _ in parts]
        whole = [translation for translation in translations if translation is not None]
        if len(whole) < len(parts):
            counts["empty translation"] += 1
        elif (new := kind.with_texts(row, whole, counts)) is not None:
            counts.update(way for translation in whole for way in translation.ways)
            translated[number] = new
    return Translated(translated, len(rows) - len(translated), dict(+counts))


def translatable(kind: Format, what: str) -> Translatable:
    """Return a format whose rows can be translated; `InputError` names `what` if they cannot."""
    if isinstance(kind, Translatable):
        return kind
    reason = getattr(kind, "untranslatable", "")
    raise InputError(
        f"{what}: rows of format {kind.name} cannot be translated{reason and f' ({reason})'}; "
        "leave the task out"
    )
