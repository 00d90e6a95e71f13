"""Taking a column of a row: of the right type, a label by its name; else one line says why not."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from stilts_repro.data.columns import ClassName
from stilts_repro.errors import InputError

Row = Mapping[str, Any]
Names = tuple[str, ...]  # of labels, in the order of the logits


def take(row: Row, column: str, kind: type | tuple[type, ...], where: str) -> Any:
    """Return `row[column]`, or raise `InputError` where it is absent or of another type."""
    if column not in row:
        raise InputError(
            f"{where}: no column {column!r} (it has {', '.join(map(repr, row))}); "
            "give the hub data set's own columns"
        )
    value = row[column]
    if not isinstance(value, kind):
        raise InputError(
            f"{where}: column {column!r} holds {type(value).__name__} {value!r:.60}; "
            "give the hub data set's own type"
        )
    refuse_half(value, column, where)
    return value


def take_list(row: Row, column: str, kind: type | tuple[type, ...], where: str) -> list[Any]:
    """Return a list column whose elements are all of `kind`, or raise `InputError`."""
    values = take(row, column, (list, tuple), where)
    for index, value in enumerate(values):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(
                f"{where}: column {column!r} holds {type(value).__name__} {value!r:.60} at place "
                f"{index}; give the hub data set's own type"
            )
    if kind is str:
        refuse_half("".join(values), column, where)
    return list(values)


def refuse_half(value: Any, column: str, where: str) -> None:
    """Raise `InputError` for text that UTF-8 cannot hold: half of a pair of surrogates."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where}: column {column!r} holds half a character, {value[error.start]!a}; mend "
                "the text"
            ) from None


def take_label(
    row: Row, column: str, names: Names, where: str, spellings: tuple[Names, ...] = ()
) -> int:
    """Return a label's index; the hub writes it as an index, or as one of `names`.

    `spellings` are other names of the same labels, in their order. Raises `InputError` where it is
    none of these.
    """
    value = take(row, column, (int, str), where)
    if isinstance(value, int):
        if _from_one(names):
            value = str(value)
        elif 0 <= value < len(names):
            return value
    place = _place_of(value, names, spellings) if isinstance(value, str) else None
    if place is None:
        own = ", ".join(map(repr, getattr(value, "among", ())))
        hint = f"; column {column!r} holds the classes {own:.200}: rename them" if own else ""
        raise InputError(f"{where}: label {value!r} is none of {', '.join(names)}{hint}")
    return place


def _place_of(value: str, names: Names, spellings: tuple[Names, ...]) -> int | None:
    if isinstance(value, ClassName) and _numbered(value.among) and not _from_one(names):
        # `class_encode_column` of numbers: classes named by them. One too many: they count from 1.
        number = int(str(value))  # a `ClassName` itself would give its place in the file
        return number if number >= 0 and max(map(int, value.among)) < len(names) else None
    return _places(names, spellings).get(value.casefold())


@lru_cache
def _from_one(names: Names) -> bool:
    """Say whether a data set counts its labels, and not from 0 (SIQA): a number is a name then."""
    return _numbered(names) and names[0] != "0"


@lru_cache
def _numbered(names: Names) -> bool:
    return all(re.fullmatch(r"-1|\d{1,9}", name, re.ASCII) for name in names)


@lru_cache
def _places(names: Names, spellings: tuple[Names, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    for spelling in (*spellings, names):
        places |= {name.casefold(): place for place, name in enumerate(spelling)}
    return places
