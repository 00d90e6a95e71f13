"""From rows to checked examples, with a hash of what was read."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stilts_repro.data.columns import evenly
from stilts_repro.data.source import Row
from stilts_repro.errors import InputError
from stilts_repro.jsonio import canonical, content_hash
from stilts_repro.tasks.format import Example, Format
from stilts_repro.tasks.task import Part

Numbered = tuple[int, Row]  # a row's number in its file, from 0, and the row


@dataclass(frozen=True)
class Examples:
    """Checked examples, in the order of their rows, and the hash of what was read of them.

    `unlabelled` counts rows that were dropped, of those read, because their annotators had no
    majority.
    """

    examples: tuple[Example, ...]
    hash: str
    unlabelled: int = 0

    def __len__(self) -> int:
        return len(self.examples)


def joined(parts: Iterable[Examples]) -> Examples:
    """Return the examples of several data sets as those of one."""
    several = tuple(parts)
    if len(several) == 1:
        return several[0]
    return Examples(
        tuple(example for part in several for example in part.examples),
        content_hash([part.hash for part in several]),
        sum(part.unlabelled for part in several),
    )


def parsed(
    kind: Format,
    rows: Iterable[Numbered],
    where: str,
    part: Part,
    limit: int | None,
    language: str = "English",
) -> Examples:
    """Parse at most `limit` of the `rows` that are in `part`; rows come with their numbers.

    They are spread evenly over them, for files may be sorted by topic.

    Raises `InputError` for a row that cannot be used, and where there is none.
    """
    digest = hashlib.sha256()
    examples: list[Example] = []
    read = list(rows)
    for number, row in evenly([(n, row) for n, row in read if _in_part(kind, row, part)], limit):
        examples.append(kind.parse(row, f"{where} row {number}"))
        digest.update(repr(examples[-1]).encode())  # and of no column that nothing reads
    if not examples and read:
        raise InputError(
            f"{where}: too small to divide, none of its {len(read)} {language} rows is in {part} "
            "(tenths by a hash); give more rows, or each part as a split of its own"
        )
    if not examples:
        raise InputError(f"{where}: no rows; give a split that is not empty")
    return Examples(tuple(examples), digest.hexdigest()[:16])


def _in_part(kind: Format, row: Row, part: Part) -> bool:
    """Say whether a row is in `part`; rows on one text stay together, whatever their order."""
    if part.whole:
        return True
    if kind.shared_column:
        text = str(row.get(kind.shared_column))
    else:
        text = canonical({name: str(row.get(name)) for name in kind.columns})
    digest = hashlib.sha256(text.encode(errors="replace")).digest()
    return part.low <= digest[0] % 10 < part.high


def refuse_withheld(kind: Format, examples: Sequence[Example], where: str) -> None:
    """Raise `InputError` where the label of an example is empty text."""
    for example in examples:
        if complaint := kind.withheld(example):
            raise InputError(f"{where} {complaint}; remove the row or mend it")
