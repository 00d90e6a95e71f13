"""Plain text to pre-train on: one file a language, one sentence or paragraph a line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from stilts_repro.errors import InputError, MissingError

SUFFIXES = (".txt", ".txt.gz")


def corpus_files(folder: Path) -> dict[str, Path]:
    """Return the text file of each language in `folder`: `<language>.txt` or `.txt.gz`."""
    if not folder.is_dir():
        raise InputError(
            f"--corpus {folder}: no such directory; give one with <language>.txt.gz files"
        )
    files = {
        path.name.split(".")[0]: path
        for path in sorted(folder.iterdir())
        if path.name.endswith(SUFFIXES)
    }
    if not files:
        raise MissingError(f"--corpus {folder}: no <language>.txt or <language>.txt.gz in it")
    return files


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file that hold anything."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                if text := line.strip():
                    yield text
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: text that is not UTF-8 ({error.reason}); convert it") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable text file ({error}); copy it anew") from None
