"""CCGbank (LDC2005T13): words and supertags from the leaves of `data/AUTO/*/wsj_*.auto`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from stilts_repro.convert import Output, filled
from stilts_repro.errors import InputError, MissingError

REPO = "ldc/ccgbank"
# jiant's division (scripts/ccg/ccg_proc.py); the parsing literature has 02-21, 00 and 23.
SECTIONS = {"train": range(19), "validation": range(19, 22), "test": range(22, 25)}
SCHEMA = pa.schema([("tokens", pa.list_(pa.string())), ("supertags", pa.list_(pa.string()))])

# (<L category modified-POS original-POS word predicate-argument-category>)
_LEAF = re.compile(r"\(<L (\S+) \S+ \S+ (\S+) \S+>\)")


def convert(folder: Path, output: Output) -> list[str]:
    """Write the three splits, a row a derivation, in the order of sections, files and lines."""
    root = _find(folder)
    for split, sections in SECTIONS.items():
        target = output.split(REPO, "default", split, SCHEMA)
        for section in sections:
            for path in sorted((root / f"{section:02}").glob("*.auto")):
                for words, tags in sentences(path):
                    target.add(tokens=words, supertags=tags)
        if not target.rows:
            raise InputError(f"{root}: no derivations for {split}; get the corpus anew")
    return []


def sentences(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words and supertags of each derivation; brackets stay as `-LRB-`, `-RRB-`."""
    name, where = "", str(path)
    for where, line in filled(path):
        if line.startswith("ID="):
            if name:
                raise InputError(f"{where}: {name} has no derivation; get the file anew")
            name = line.split()[0]
            continue
        if not name:
            raise InputError(f"{where}: a derivation without its ID= line; get the file anew")
        yield _leaves(line, where)
        name = ""
    if name:
        raise InputError(f"{where}: {name} has no derivation; get the file anew")


def _leaves(line: str, where: str) -> tuple[list[str], list[str]]:
    leaves = _LEAF.findall(line)
    nodes = _LEAF.sub("", line).split()
    if not leaves or "(<L" in nodes or nodes.count("(<T") != nodes.count(")"):
        raise InputError(
            f"{where}: not a whole derivation of leaves (<L category POS POS word category>); get "
            "the file anew"
        )
    return [word for _, word in leaves], [tag for tag, _ in leaves]


def _find(folder: Path) -> Path:
    """Return the folder of the sections, all of which must have files."""
    absent: list[str] = []
    for root in (folder / "data" / "AUTO", folder / "AUTO", folder):
        sections = [f"{number:02}" for part in SECTIONS.values() for number in part]
        absent = [name for name in sections if not any((root / name).glob("*.auto"))]
        if len(absent) < len(sections):
            break
    else:
        raise MissingError(
            f"{folder}: no data/AUTO/<section>/wsj_*.auto in it; give the folder of LDC2005T13"
        )
    if absent:
        raise MissingError(
            f"{root}: no .auto files in section {', '.join(absent)}; unpack the whole corpus"
        )
    return root
