"""A small folder laid out like the hub, complete for one claim: testbed rows under real names."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stilts_repro.tasks.languages import LANGUAGES
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.testbed import TestbedSource

Row = dict[str, Any]
XTREME = "google/xtreme"
HELD_OUT = ("validation", "test")
SIZE = 12


def write(root: Path, repo: str, config: str, split: str, rows: list[Row]) -> Path:
    """Write one split and return its file."""
    path = root / repo / config / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def say_it_holds(root: Path, repo: str = XTREME) -> None:
    """Write the README in which a hub repository lists its configurations."""
    lines = ["---", "configs:"]
    for config in sorted(path for path in (root / repo).iterdir() if path.is_dir()):
        lines += [f"- config_name: {config.name}", "  data_files:"]
        lines += [f"  - split: {file.stem}" for file in sorted(config.glob("*.parquet"))]
    (root / repo / "README.md").write_text("\n".join([*lines, "---", ""]))


def build(root: Path) -> Path:
    """Make the folder: English and German of every target, and what `squad_gain` trains on."""
    source = TestbedSource()

    def copy(repo: str, config: str, ours: str, splits: Iterable[str]) -> None:
        for split in splits:
            write(root, repo, ours, split, source.load(repo, config, split, SIZE))

    copy("nyu-mll/glue", "mnli", "mnli", ("train", "validation_matched"))
    copy("rajpurkar/squad", "plain_text", "plain_text", ("train", "validation"))
    copy("rajpurkar/squad_v2", "squad_v2", "squad_v2", ("train", "validation"))
    for code, theirs in (("en", "en"), ("de", "qaa")):
        splits = ("train", *HELD_OUT) if code == "en" else HELD_OUT
        told = "English" if theirs == "en" else theirs.capitalize()
        copy(XTREME, f"PAWS-X.{theirs}", f"PAWS-X.{code}", splits)
        copy(XTREME, f"PAN-X.{theirs}", f"PAN-X.{code}", splits)
        copy(XTREME, f"udpos.{told}", f"udpos.{LANGUAGES[code].name}", splits)
        copy(XTREME, f"XQuAD.{theirs}", f"XQuAD.{code}", HELD_OUT)
        copy(XTREME, f"MLQA.{theirs}.{theirs}", f"MLQA.{code}.{code}", HELD_OUT)
    copy(XTREME, "tatoeba.qaa", "tatoeba.deu", ("validation",))
    copy(XTREME, "bucc18.qaa", "bucc18.de", HELD_OUT)
    for split in HELD_OUT:
        pairs = source.load(XTREME, "XNLI", split, SIZE)
        write(root, XTREME, "XNLI", split, _in_all(pairs, "xnli", _with_language))
    for split in ("train", "validation"):
        questions = source.load(XTREME, "tydiqa", split, 8)[:1]
        write(root, XTREME, "tydiqa", split, _in_all(questions, "tydiqa", _with_id))
    say_it_holds(root)
    return root


def _in_all(rows: list[Row], task: str, put: Callable[[Row, str, int], Row]) -> list[Row]:
    return [
        put(row, code, place)
        for code in TARGET_TASKS[task].languages
        for place, row in enumerate(rows)
    ]


def _with_language(row: Row, code: str, place: int) -> Row:
    return row | {"language": code}


def _with_id(row: Row, code: str, place: int) -> Row:
    return row | {"id": f"{LANGUAGES[code].name.lower()}-{place}"}
