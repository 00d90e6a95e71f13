"""From official files to parquet laid out like the hub, for what the hub does not have.

A module a data set; here is how they read files line by line, and write them whole or not at all.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stilts_repro.errors import InputError, reason
from stilts_repro.folders import writing

ROWS_AT_ONCE = 20_000


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield `(where, line)` for each line of a UTF-8 file, without its end; `InputError` if not."""
    number = 0
    try:
        # Only \n ends a line: running text holds other characters that Python takes for an end.
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield f"{path} line {number}", line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} after line {number}: not UTF-8 ({error.reason}); get the file anew"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); get the file anew") from None


def filled(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what `lines` does but blank lines: a file of a row a line may end with some."""
    return (pair for pair in lines(path) if pair[1].strip())


def json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield `(where, row)` for each line of a .jsonl file; `InputError` for one that is no JSON."""
    for where, line in filled(path):
        try:
            yield where, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not a JSON object ({error}); get the file anew") from None


class Split:
    """One split on its way into a parquet file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema, self.rows = path, schema, 0
        self.temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._waiting: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        # Python opens it, since pyarrow takes no name that is not UTF-8.
        self._file = self.temporary.open("wb")
        self._writer = pq.ParquetWriter(self._file, schema)

    def add(self, **row: Any) -> None:
        """Add a row; rows are written as they come, some thousands at a time."""
        self._waiting.append(row)
        self.rows += 1
        if len(self._waiting) == ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what waits, and end the file."""
        with self._file:
            self._flush()
            self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._waiting, self.schema))
        self._waiting.clear()


class Output:
    """The files of a conversion: they appear together when it ends well, otherwise none does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.splits: list[Split] = []

    def split(self, repo: str, config: str, name: str, schema: pa.Schema) -> Split:
        """Open a split; what `writing` raises where the folder cannot be written."""
        path = self.root / repo / config / f"{name}.parquet"
        with writing("--output", self.root):
            self.splits.append(Split(path, schema))
        return self.splits[-1]

    def __enter__(self) -> "Output":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with writing("--output", self.root):
                for split in self.splits:
                    split.close()
                if error is None:
                    for split in self.splits:
                        split.temporary.replace(split.path)
        finally:
            for split in self.splits:
                split.temporary.unlink(missing_ok=True)
