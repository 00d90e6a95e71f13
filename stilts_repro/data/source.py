"""Where rows come from. Three sources, one shape: rows with the hub data set's own columns.

A *row* is a plain dictionary. Which columns a task reads, and what they must hold, is the business
of the task's format (`stilts_repro.tasks`); a source only finds the rows.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from stilts_repro.errors import InputError, MissingError

Row = dict[str, Any]
CARD_HEAD = re.compile(r"\s*---[\r\n]+(.*?)[\r\n]+---(?=[\r\n]|$)", re.DOTALL)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # XTREME's heads are long


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
        """Return the (configuration, split) pairs that it says it holds; None: it does not say."""
        ...

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the split's rows, at most the first `limit`; `MissingError` where absent."""
        ...

    def revision(self, repo: str) -> str | None:
        """Return the commit of `repo` that is loaded; None where the source has no commits."""
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

    def declared(self, repo: str) -> frozenset[tuple[str, str]] | None:
        """Return what the README of `repo` lists under `configs`, as hub repositories do."""
        card = self.root / repo / "README.md"
        if not card.is_file():
            return None
        try:
            head = CARD_HEAD.match(card.read_text(encoding="utf-8"))
            configs = (yaml.load(head[1], LOADER) or {}).get("configs") if head else None
            return configs and frozenset(
                (config["config_name"], file["split"])
                for config in configs
                for file in config["data_files"]
            )
        except (ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{card}: its head is not a data set's YAML ({reason}); mend it"
            ) from None

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the first `limit` rows; `MissingError` or `InputError` names the file."""
        path = self._path(repo, config, split)
        try:
            # `pq.read_table` would import pandas, and read what is cut off below. Python opens the
            # file, since pyarrow takes no name that is not UTF-8.
            with path.open("rb") as opened, pq.ParquetFile(opened) as file:
                table = file.read_row_groups(_first_groups(file.metadata, limit))
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

    def revision(self, repo: str) -> None:
        """Say nothing: a folder has no commits; the hash of the rows stands for them."""

    def _path(self, repo: str, config: str, split: str) -> Path:
        return self.root / repo / config / f"{split}.parquet"


def _first_groups(metadata: pq.FileMetaData, limit: int | None) -> list[int]:
    """Return the row groups that hold a file's first `limit` rows; None: all rows."""
    rows, groups = 0, []
    for group in range(metadata.num_row_groups):
        if limit is not None and rows >= limit:
            break
        groups.append(group)
        rows += metadata.row_group(group).num_rows
    return groups


class CachedSource:
    """A source that reads each split once; several tasks and all languages may share a file."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.languages = source.languages
        self.has = cache(source.has)
        self.declared = cache(source.declared)
        self.load = cache(source.load)
        self.revision = source.revision
