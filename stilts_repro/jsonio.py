"""JSON files that are either whole or absent, and hashes of what they say."""

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError, MissingError, reason


def canonical(value: Any) -> str:
    """Return `value` as JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: Any) -> str:
    """Return the first 16 hex digits of the SHA-256 of `value`'s canonical JSON."""
    # Names of folders may hold half a surrogate, which is how Python reads bytes that are no UTF-8.
    return hashlib.sha256(canonical(value).encode(errors="surrogatepass")).hexdigest()[:16]


def flush(path: Path) -> None:
    """Have the disk keep a file's content, or a folder's names, whatever happens to the power."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of folders, on some network disks
            raise
    finally:
        os.close(number)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path` so that a reader (a kill, a full disk) never meets half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all.

    Half a surrogate is written as its escape, in JSON the very same text.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, atomically; ValueError where a number is none."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read `path`; raise `MissingError` where it is absent, `InputError` where it is not JSON."""
    try:
        return parse_json(path.read_bytes(), path)
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)})") from None


def parse_json(data: bytes, path: Path) -> Any:
    """Return what the bytes of `path` say; raise `InputError` where they are not JSON."""
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None
