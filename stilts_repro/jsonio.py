"""JSON files that are either whole or absent, and hashes of what they say."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError, MissingError


def canonical(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of `value`'s canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader (or a kill) never meets half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically; ValueError where a number is none."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read `path`; raise `MissingError` where it is absent, `InputError` where it is not JSON.

    Text that UTF-8 cannot hold (half of a surrogate pair, which JSON can escape) is refused too.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(found, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return found
