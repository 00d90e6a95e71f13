"""BUCC 2018: the comparable corpora and gold pairs of `<pair>/<pair>.<part>.{<lang>,en,gold}`.

The hub's `bucc18.*` holds the gold pairs alone. With all sentences, mining is the task of the
paper: to find the pairs among sentences that have no partner.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from stilts_repro.convert import Output, Split, filled
from stilts_repro.errors import InputError, MissingError

REPO = "google/xtreme"
LANGUAGES = ("de", "fr", "ru", "zh")
SPLITS = {"sample": "validation", "training": "test"}  # XTREME's; the gold of BUCC's test is secret
PAIRS = pa.schema(
    [
        (name, pa.string())
        for name in ("source_sentence", "target_sentence", "source_lang", "target_lang")
    ]
)
UNPAIRED = pa.schema([("id", pa.string()), ("sentence", pa.string())])


def convert(folder: Path, output: Output) -> list[str]:
    """Write every part of every pair that is there; return what is not, a line each."""
    notes: list[str] = []
    for language in LANGUAGES:
        for part, split in SPLITS.items():
            files = _find(folder, language, part)
            if files is None:
                notes.append(
                    f"{language}-en.{part}: not there; bucc18.{language}/{split} is not written; "
                    "the hub has its gold pairs alone"
                )
            else:
                _convert(files, language, split, output)
    if not output.splits:
        raise MissingError(
            f"{folder}: no <pair>/<pair>.sample.* or .training.* in it; give the folder with the "
            "unpacked BUCC 2018 archives"
        )
    return notes


def _convert(files: dict[str, Path], language: str, split: str, output: Output) -> None:
    config = f"bucc18.{language}"
    pairs = list(dict.fromkeys(_gold(files["gold"], language)))
    if not pairs:
        raise InputError(f"{files['gold']}: no pairs; get the file anew")
    alone = output.split(REPO, config, f"{split}_unpaired", UNPAIRED)
    texts: dict[str, str] = {}
    for side, code in enumerate((language, "en")):
        _sort_out(files[code], code, {pair[side] for pair in pairs}, texts, alone)
    paired = output.split(REPO, config, split, PAIRS)
    for source, target in pairs:
        paired.add(
            source_sentence=texts[source],
            target_sentence=texts[target],
            source_lang=source,
            target_lang=target,
        )


def _sort_out(path: Path, code: str, gold: set[str], texts: dict[str, str], alone: Split) -> None:
    """Keep one side's sentences with a partner in `texts`, and write the others as they come."""
    seen: set[str] = set()
    for where, line in filled(path):
        name, tab, text = line.partition("\t")
        if not tab or not text.strip():
            raise InputError(f"{where}: not id<TAB>sentence; get the file anew")
        _check_id(name, code, where)
        if name in seen:
            raise InputError(f"{where}: {name} for the second time; get the file anew")
        seen.add(name)
        if name in gold:
            texts[name] = text
        else:
            alone.add(id=name, sentence=text)
    if absent := sorted(gold - seen):
        raise InputError(
            f"{path}: no sentence {absent[0]}, which is in the gold pairs ({len(absent)} such); "
            "get sentences and gold from the same archive"
        )


def _gold(path: Path, language: str) -> Iterator[tuple[str, str]]:
    for where, line in filled(path):
        names = line.split("\t")
        if len(names) != 2:
            raise InputError(f"{where}: not {language}-id<TAB>en-id; get the file anew")
        for name, code in zip(names, (language, "en"), strict=True):
            _check_id(name, code, where)
        yield names[0], names[1]


def _check_id(name: str, code: str, where: str) -> None:
    if not re.fullmatch(rf"{code}-\d+", name):
        raise InputError(f"{where}: id {name!r:.60} is not {code}-<number>; get the file anew")


def _find(folder: Path, language: str, part: str) -> dict[str, Path] | None:
    """Return the three files of a part, None where it has none; `MissingError` where some lack."""
    pair = f"{language}-en"
    for root in (folder / pair, folder / "bucc2018" / pair, folder):
        files = {end: root / f"{pair}.{part}.{end}" for end in (language, "en", "gold")}
        absent = [path for path in files.values() if not path.is_file()]
        if not absent:
            return files
        if len(absent) < len(files):
            raise MissingError(f"{absent[0]}: no such file; unpack the archive of {pair} anew")
    return None
