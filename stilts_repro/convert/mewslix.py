"""Mewsli-X: the files that its authors' script leaves in `mewsli_x/output/dataset`.

A mention keeps the sentence that it stands in, as XTREME-R reads it; an article may have several.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from stilts_repro.convert import Output, Split, json_rows
from stilts_repro.errors import InputError, MissingError
from stilts_repro.tasks.task import MEWSLI_X

SPLITS = {"dev": "validation", "test": "test"}
PAIRS = {"train": "train", "dev": "validation"}
MENTION = [
    ("id", pa.string()),
    ("text", pa.string()),
    ("start", pa.int32()),
    ("end", pa.int32()),
    ("entity_id", pa.string()),
]
DESCRIBED = ("description", pa.string())


def convert(folder: Path, output: Output) -> list[str]:
    """Write mentions by language, English pairs and candidates.

    Raises `MissingError` or `InputError`, which say what is wrong with which file.
    """
    pairs = pa.schema([*MENTION, DESCRIBED])
    for part, split in PAIRS.items():
        into = output.split(MEWSLI_X, "wikipedia_pairs", split, pairs)
        for where, row in _rows(folder / f"wikipedia_pairs-{part}.jsonl"):
            linked = _field(row, "contextual_mention", dict, where)
            mention = _field(linked, "mention", dict, where)
            described = _described(_field(row, "entity", dict, where), where)
            into.add(**_mention(linked, mention, where), **described)
    for part, split in SPLITS.items():
        by_language: dict[str, Split] = {}
        for where, row in _rows(folder / f"wikinews_mentions-{part}.jsonl"):
            code = _field(_field(row, "context", dict, where), "language", str, where)
            if code not in by_language:
                by_language[code] = output.split(MEWSLI_X, code, split, pa.schema(MENTION))
            for mention in _field(row, "mentions", list, where):
                by_language[code].add(**_mention(row, mention, where))
    schema = pa.schema([("entity_id", pa.string()), DESCRIBED])
    candidates = output.split(MEWSLI_X, "candidates", "test", schema)
    for where, row in _rows(folder / "candidate_set_entities.jsonl"):
        name = _field(row, "entity_id", str, where)
        candidates.add(entity_id=name, **_described(row, where))
    return []


def _mention(row: Mapping[str, Any], mention: Any, where: str) -> dict[str, Any]:
    """Return a mention's row: its sentence, and where it stands in that."""
    context = _field(row, "context", dict, where)
    text = _field(context, "text", str, where)
    name = _field(mention, "example_id", str, where)
    start, end = _span(_field(mention, "mention_span", dict, where), where)
    spans = [_span(span, where) for span in _field(context, "sentence_spans", list, where)]
    for low, high in spans:
        if low <= start < end <= high <= len(text):
            return {
                "id": name,
                "text": text[low:high],
                "start": start - low,
                "end": end - low,
                "entity_id": _field(mention, "entity_id", str, where),
            }
    raise InputError(
        f"{where}: mention {name} at {start} to {end} is in no sentence of the text, which has "
        f"{len(text)} characters; fill the texts in with the authors' script"
    )


def _described(entity: Mapping[str, Any], where: str) -> dict[str, str]:
    text = _field(entity, "description", str, where)
    spans = [_span(span, where) for span in _field(entity, "sentence_spans", list, where)]
    return {"description": " ".join(text[low:high] for low, high in spans)}


def _span(span: Any, where: str) -> tuple[int, int]:
    return _field(span, "start", int, where), _field(span, "end", int, where)


def _field(row: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(row, dict) or not isinstance(row.get(name), kind):
        raise InputError(f"{where}: no {name!r} that is {kind.__name__}; get the file anew")
    return row[name]


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.is_file():
        raise MissingError(
            f"{path.parent}: no {path.name} in it; give the folder that get-mewsli-x.sh leaves"
        )
    return json_rows(path)
