"""Where rows come from. Three sources, one shape: rows with the hub data set's own columns.

A *row* is a plain dictionary. Which columns a task reads, and what they must hold, is the business
of the task's format (`stilts_repro.tasks`); a source only finds the rows.
"""

from functools import cache
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from stilts_repro.data.card import Card, read_card
from stilts_repro.data.columns import Row, evenly, rows_of
from stilts_repro.errors import InputError, MissingError

__all__ = ["CachedSource", "DirectorySource", "Row", "Source"]


class Source(Protocol):
    """A place that has data sets laid out like the hub: repository, configuration, split."""

    name: str

    def __hash__(self) -> int:
        """Return a hash: what is read from a source is kept by it."""
        ...

    @property
    def languages(self) -> tuple[str, ...] | None:
        """The codes of all its languages; None: those that a task lists.

        Where a file holds several and codes are given, its rows are in each language in turn.
        """
        ...

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the split is there."""
        ...

    def declared(self, repo: str) -> frozenset[tuple[str, str]] | None:
        """Return the (configuration, split) pairs that it says it holds; None: it does not say.

        The split is empty where it names the configuration alone.
        """
        ...

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the split's rows, at most `limit`; `MissingError` where absent.

        These are spread evenly over the file (`Chosen`); the testbed, whose rows are all drawn
        alike, gives its first.
        """
        ...

    def revision(self, repo: str, config: str, split: str) -> str | None:
        """Return the commit that the split's rows are of; None where they have none."""
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
        self._kept_card = cache(self._card)  # some are long, and each of their files asks

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the split's file is there."""
        return self._path(repo, config, split).is_file()

    def declared(self, repo: str) -> frozenset[tuple[str, str]] | None:
        """Return what the README of `repo` lists under `configs`, as hub repositories do."""
        pairs = {
            (config, split)
            for config, splits in self._card(repo).splits.items()
            for split in (("",) if splits is None else splits)
        }
        return frozenset(pairs) or None

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return at most `limit` rows; `MissingError` or `InputError` names the file."""
        path = self._path(repo, config, split)
        try:
            # `pq.read_table` would import pandas. Python opens the file: pyarrow takes no name that
            # is not UTF-8. A thread of Arrow's that still holds it when Python ends aborts Python.
            with path.open("rb") as opened, pq.ParquetFile(opened) as file:
                numbers = evenly(range(file.metadata.num_rows), limit)
                table = file.read(use_threads=False)
            if len(numbers) < len(table):
                table = table.take(pa.array(numbers, pa.int64()))
        except FileNotFoundError:
            raise MissingError(
                f"{path}: no such file; put the split there as parquet with the hub's columns"
            ) from None
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{path}: not a readable parquet file ({reason}); copy it anew"
            ) from None
        classes = self._kept_card(repo).classes.get(config)
        return rows_of(table, str(path), classes, numbers)

    def revision(self, repo: str, config: str, split: str) -> None:
        """Say nothing: a folder has no commits; the hash of the rows stands for them."""

    def _path(self, repo: str, config: str, split: str) -> Path:
        return self.root / repo / config / f"{split}.parquet"

    def _card(self, repo: str) -> Card:
        card = self.root / repo / "README.md"
        try:
            return read_card(card) if card.is_file() else Card({}, {})
        except (ValueError, OSError) as error:
            raise InputError(
                f"{card}: its head is not a data set's YAML ({error}); mend it"
            ) from None


class CachedSource:
    """A source that reads each split once; several tasks and all languages may share a file."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.languages = source.languages
        self.has = cache(source.has)
        self.declared = cache(source.declared)
        self.load = cache(source.load)
        self.revision = source.revision
