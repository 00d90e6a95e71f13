"""What a label means: its place among the names that a task gives its labels."""

import re
from functools import lru_cache

from stilts_repro.data.columns import ClassName
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Row, take

Names = tuple[str, ...]  # of labels, in the order of the logits
UNLABELLED = (-1, "-1", "-")  # the hub's, the same as a class's name, SNLI's own


def take_label(
    row: Row, column: str, names: Names, where: str, spellings: tuple[Names, ...] = ()
) -> int:
    """Return a label's index; the hub writes it as an index, or as one of `names`.

    `spellings` are other names of the same labels, in their order. Raises `InputError` where it is
    none of these.
    """
    value = take(row, column, (int, str), where)
    if isinstance(value, int) and 0 <= value < len(names):
        return value
    place = _place_of(value, names, spellings) if isinstance(value, str) else None
    if place is None:
        found = ", ".join(map(repr, getattr(value, "among", ())))
        hint = f"; column {column!r} holds the classes {found:.200}: rename them" if found else ""
        raise InputError(f"{where}: label {value!r} is none of {', '.join(names)}{hint}")
    return place


def _place_of(value: str, names: Names, spellings: tuple[Names, ...]) -> int | None:
    if isinstance(value, ClassName) and _numbered(value.among):
        # `class_encode_column` of numbers: classes named by them. One too many: they count from 1.
        number = int(str(value))  # a `ClassName` itself would give its place in the file
        return number if number >= 0 and max(map(int, value.among)) < len(names) else None
    return _places(names, spellings).get(value.casefold())


@lru_cache
def _numbered(names: Names) -> bool:
    return all(re.fullmatch(r"-1|\d{1,9}", name, re.ASCII) for name in names)


@lru_cache
def _places(names: Names, spellings: tuple[Names, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for spelling in (*spellings, names):
        found |= {name.casefold(): place for place, name in enumerate(spelling)}
    return found
