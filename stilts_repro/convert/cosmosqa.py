"""Cosmos QA: `{train,valid}.{jsonl,csv}` as its authors give them out."""

import csv
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from stilts_repro.convert import Output, json_rows, lines
from stilts_repro.errors import InputError, MissingError
from stilts_repro.tasks.taking import refuse_half

REPO = "allenai/cosmos_qa"
SPLITS = {"train": "train", "valid": "validation"}  # the test labels are not public
TEXTS = ("id", "context", "question", "answer0", "answer1", "answer2", "answer3")
SCHEMA = pa.schema([(name, pa.string()) for name in TEXTS] + [("label", pa.int32())])


def convert(folder: Path, output: Output) -> list[str]:
    """Write train and validation; `MissingError` or `InputError` says what is wrong with which."""
    files = {split: _find(folder, stem) for stem, split in SPLITS.items()}
    for split, path in files.items():
        target = output.split(REPO, "default", split, SCHEMA)
        rows = json_rows(path) if path.suffix == ".jsonl" else _csv_rows(path)
        for where, row in rows:
            target.add(**_checked(row, where))
        if not target.rows:
            raise InputError(f"{path}: no rows; get the file anew")
    return []


def _find(folder: Path, stem: str) -> Path:
    candidates = [folder / f"{stem}.jsonl", folder / f"{stem}.csv"]
    for path in candidates:
        if path.is_file():
            return path
    raise MissingError(
        f"{folder}: neither {stem}.jsonl nor {stem}.csv in it; give the folder of the official "
        "Cosmos QA files"
    )


def _csv_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a CSV file with a head; a quoted field may run over several lines.

    Blank lines between rows, and rows of blank fields, are none.
    """
    where = ""

    def fed() -> Iterator[str]:
        nonlocal where
        for pair in dropwhile(lambda pair: not pair[1].strip(), lines(path)):
            where = pair[0]
            yield f"{pair[1]}\n"

    reader = csv.DictReader(fed(), strict=True)
    try:
        for row in reader:
            if not any(isinstance(field, list) or (field or "").strip() for field in row.values()):
                continue
            if None in row or None in row.values():
                raise InputError(
                    f"{where}: not {len(reader.fieldnames or ())} fields as in its head; get the "
                    "file anew"
                )
            yield where, row
    except csv.Error as error:
        raise InputError(f"{where}: not CSV ({error}); get the file anew") from None


def _checked(row: Any, where: str) -> Mapping[str, str | int]:
    if not isinstance(row, dict):
        raise InputError(f"{where}: not a JSON object; get the file anew")
    for name in (*TEXTS, "label"):
        if name not in row:
            raise InputError(
                f"{where}: no field {name!r} (it has {', '.join(map(repr, row))}); give the "
                "official files"
            )
    for name in TEXTS:
        if not isinstance(row[name], str):
            raise InputError(f"{where}: {name} is {row[name]!r:.60}, not text; mend the line")
        refuse_half(row[name], name, where)
    if str(row["label"]) not in ("0", "1", "2", "3"):
        raise InputError(
            f"{where}: label {row['label']!r:.60} is none of 0, 1, 2, 3; mend the line"
        )
    return {name: row[name] for name in TEXTS} | {"label": int(row["label"])}
