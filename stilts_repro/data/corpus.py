"""Plain text to pre-train on: one file a language, one sentence or paragraph a line."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from stilts_repro.errors import InputError, MissingError

SUFFIXES = (".txt", ".txt.gz")
BOM = "\ufeff"


def corpus_files(folder: Path) -> dict[str, Path]:
    """Return the text file of each language in `folder`: `<language>.txt` or `.txt.gz`.

    Raises `InputError` where a file's name is more than its language, or a language has two files;
    `MissingError` where no file holds any text.
    """
    if not folder.is_dir():
        raise InputError(
            f"--corpus {folder}: no such directory; give one with <language>.txt or .txt.gz files"
        )
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        language = path.name.partition(".")[0]
        if language and path.name.lower().endswith(SUFFIXES):
            found.setdefault(language.lower(), []).append(path)
    if not found:
        raise MissingError(f"--corpus {folder}: no <language>.txt or <language>.txt.gz in it")
    for language, paths in found.items():
        names = [path.name for path in paths]
        if len(names) > 1 or names[0].lower().removeprefix(language) not in SUFFIXES:
            raise InputError(
                f"--corpus {folder}: {' and '.join(names[:3])}: give one file a language, called "
                "<language>.txt or <language>.txt.gz"
            )
    held = {p.name.partition(".")[0]: p for (p,) in found.values() if any(read_lines(p))}
    if not held:
        raise MissingError(f"--corpus {folder}: its files are empty; give text")
    return held


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file that hold anything."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for line in file:
                if text := line.strip().lstrip(BOM).lstrip():
                    yield text
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: text that is not UTF-8 ({error.reason}); convert it") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable text file ({error}); copy it anew") from None
