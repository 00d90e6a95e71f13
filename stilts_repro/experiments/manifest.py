"""What a finished job's files are, so that each can be checked before it is used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.jsonio import canonical, content_hash

MANIFEST = "manifest.json"


class Damage(InputError):
    """A file of a finished job that is not what was written."""


def entries_of(text: str) -> dict[str, dict[str, Any]] | None:
    """Return the files that a manifest names; None where it is not what was written."""
    try:
        entries = json.loads(text)["files"]
        return entries if text == manifest_text(entries) else None
    except (ValueError, LookupError, TypeError):
        return None


def manifest_text(entries: Mapping[str, Any]) -> str:
    """Return a manifest, which tells of its own files and of itself, so that it can be checked."""
    return canonical({"files": entries, "hash": content_hash(entries)}) + "\n"


def compare(path: Path, found: tuple[int, str], entry: Mapping[str, Any]) -> None:
    """Raise `Damage` where a file's size and SHA-256 are not those of its entry."""
    size, digest = found
    if size != entry["size"]:
        raise Damage(f"{path}: has {size:,} bytes of {entry['size']:,}")
    if digest != entry["sha256"]:
        raise Damage(f"{path}: is not what was written (SHA-256)")
