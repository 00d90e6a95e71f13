"""From Arrow tables to rows.

`datasets` writes a column of classes (ClassLabel) as numbers, and the classes' names beside the
data. What a number means is then the file's own affair (`class_encode_column` sorts the names):
here it becomes its name, and a task finds its labels by name.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from stilts_repro.data.card import Classes
from stilts_repro.errors import InputError

Row = dict[str, Any]
Item = TypeVar("Item")
UNLABELLED = -1  # no class, in `datasets`
_LISTS = ("Sequence", "List", "LargeList")


class ClassName(str):
    """The name of a class that a file holds by `number`; all its classes are `among`."""

    number: int
    among: tuple[str, ...]

    def __index__(self) -> int:
        """Return the number that the file holds."""
        return self.number


class Chosen(list[Row]):
    """Some of a file's rows, in its order; `numbers` says which, from 0."""

    numbers: Sequence[int]


def evenly(items: Sequence[Item], limit: int | None) -> Sequence[Item]:
    """Return at most `limit` of `items`, spread over all of them: files may be sorted by topic."""
    if limit is None or limit >= len(items):
        return items
    return [items[place * len(items) // limit] for place in range(limit)]


def rows_of(
    table: pa.Table, where: str, told: Classes | None = None, numbers: Sequence[int] | None = None
) -> Chosen:
    """Return a table's rows; classes come as `ClassName`, but for what is unlabelled.

    Their names are the table's own, else those that are `told` of it; `numbers` are the rows' in
    their file (None: it is the whole file). A column with values that Python does not know (a date
    in the year 30000) is left out: no task reads such. Raises `InputError`, which names `where`,
    for text that is not UTF-8 and numbers without a name.
    """
    classes = {**(told or {}), **_own_classes(table.schema, where)}
    columns: dict[str, list[Any]] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        try:
            values = column.to_pylist()
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: text that is not UTF-8 ({error}); mend the file") from None
        except Exception:  # of a dozen kinds: Arrow's, Python's, those of time zones
            continue
        names = classes.get(field.name)
        columns[field.name] = values if names is None else _named(values, field, names, where)
    held = zip(*columns.values(), strict=True) if columns else [()] * len(table)
    rows = Chosen(dict(zip(columns, values, strict=True)) for values in held)
    rows.numbers = range(len(rows)) if numbers is None else numbers
    return rows


class _Names(dict[int | None, Any]):
    """What a class's number becomes."""

    def __init__(self, names: tuple[str, ...], what: str) -> None:
        super().__init__({None: None, UNLABELLED: UNLABELLED})
        self.what = what
        for number, text in enumerate(names):
            self[number] = name = ClassName(text)
            name.number, name.among = number, names

    def __missing__(self, number: int | None) -> Any:
        raise InputError(
            f"{self.what} holds class {number} of {len(self) - 2}; mend the file, or its names"
        )


def _named(values: list[Any], field: pa.Field, names: tuple[str, ...], where: str) -> list[Any]:
    """Return a column of classes with their names; one that does not hold numbers as it is."""
    kind, depth = field.type, 0
    while hasattr(kind, "value_type") and not pa.types.is_dictionary(kind):
        kind, depth = kind.value_type, depth + 1
    if not pa.types.is_integer(kind):
        return values
    return _each(values, _Names(names, f"{where}: column {field.name!r}"), depth)


def _each(values: list[Any], names: _Names, depth: int) -> list[Any]:
    if not depth:
        return [names[value] for value in values]
    return [value if value is None else _each(value, names, depth - 1) for value in values]


def _own_classes(schema: pa.Schema, where: str) -> Classes:
    """Return the names that a table carries, by column."""
    told = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(told).get("info", {}).get("features") or {}
        found = {name: _names(feature) for name, feature in features.items()}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(
            f"{where}: what it says of its features is not what `datasets` writes ({error!r:.60}); "
            "write it anew"
        ) from None
    return {name: names for name, names in found.items() if names}


def _names(feature: Any) -> tuple[str, ...] | None:
    """Return the classes of a feature, or of the lists that it describes."""
    if isinstance(feature, list):
        return _names(feature[0])
    if not isinstance(feature, Mapping):
        return None
    kind = feature.get("_type")
    if kind in _LISTS:
        return _names(feature["feature"])
    return tuple(feature.get("names") or ()) if kind == "ClassLabel" else None
