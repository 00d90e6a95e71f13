"""Where rows come from. Three sources, one shape: rows with the hub data set's own columns.

A *row* is a plain dictionary. Which columns a task reads, and what they must hold, is the business
of the task's format (`stilts_repro.tasks`); a source only finds the rows.
"""

from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from stilts_repro.errors import InputError, MissingError

Row = dict[str, Any]


class Source(Protocol):
    """A place that has data sets laid out like the hub: repository, configuration, split."""

    name: str

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The codes of all its languages; None: those that a task lists."""
        ...

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the split is there."""
        ...

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the split's rows, at most the first `limit`; `MissingError` where absent."""
        ...


class DirectorySource:
    """A folder laid out like the hub: `<repo id>/<config>/<split>.parquet`."""

    name = "directory"
    languages = None

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(
                f"--data {root}: no such directory; give a folder laid out like the hub"
            )
        self.root = root

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the split's file is there."""
        return self._path(repo, config, split).is_file()

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the first `limit` rows; `MissingError` or `InputError` names the file."""
        path = self._path(repo, config, split)
        try:
            table = pq.read_table(path)
        except FileNotFoundError:
            raise MissingError(
                f"{path}: no such file; put the split there as parquet with the hub's columns"
            ) from None
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path}: not a readable parquet file ({reason}); copy it anew"
            ) from None
        try:
            return table.slice(0, limit).to_pylist()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: text that is not UTF-8 ({error}); mend the file") from None

    def _path(self, repo: str, config: str, split: str) -> Path:
        return self.root / repo / config / f"{split}.parquet"


class CachedSource:
    """A source that reads each split once; several tasks and all languages may share a file."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.languages = source.languages
        self.has = cache(source.has)
        self.load = cache(source.load)
