"""A run's test predictions as XTREME's own evaluate.py reads them, and the labels beside them.

    <output>/predictions/<task>/test-<language>.tsv    what the leaderboard asks for
    <output>/labels/<task>/test-<language>.tsv         the same rows' labels
    <output>/predictions/chosen.json                   which model answered, and our scores

Question answering has `.json` in place of `.tsv`, XCOPA `.jsonl`. evaluate.py looks for folders
only, so that chosen.json may lie there. A task is one line an example: a label (XNLI, PAWS-X), a
tag with an empty line between sentences (PAN-X, UDPOS), a pair of ids (BUCC), a place (Tatoeba).
XTREME-R's tasks have the names that its evaluate.py knows; of LAReQA it reads nothing.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.store import Store
from stilts_repro.folders import writing
from stilts_repro.jsonio import write_json, write_text
from stilts_repro.tasks.format import Example
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import TargetTask

CHOSEN = "chosen.json"
SIDES = ("predictions", "labels")


@dataclass(frozen=True)
class Entry:
    """The model that stands for one task: its test record, and its predictions by language."""

    record: Mapping[str, Any]
    predictions: Mapping[str, Any]


def choose_entries(result: Mapping[str, Any], seed: int, store: Store) -> dict[str, Entry]:
    """Return, for each task, the model of `seed` with the best dev score (the paper's entry).

    `result` is claims.json's content. The baseline stands only for tasks on which nothing else was
    run, controls and other worlds for none; on a tie the row that was run first wins. Raises
    `InputError` where a job's predictions are not what it wrote.
    """
    hashes = dict.fromkeys(record for claim in result["claims"] for record in claim["records"])
    records = [store.record(record) for record in hashes]
    rows = {
        name: name != condition["baseline"]
        for name, condition in result["conditions"].items()
        if not (condition["control"] or condition["world"])
    }
    entries = {}
    for task in TARGET_TASKS:
        of = {
            (r["intermediate"], r["part"]): r
            for r in records
            if (r["seed"], r["task"]) == (seed, task) and r["intermediate"] in rows
        }
        there = [row for row, part in of if part == "test"]
        if there:
            trained = [row for row in there if rows[row]] or there
            best = max(trained, key=lambda row: of[row, "dev"]["score"])
            entries[task] = Entry(of[best, "test"], store.predictions(of[best, "test"]))
    return entries


def export_xtreme(output: Path, entries: Mapping[str, Entry], inventory: Inventory) -> None:
    """Write the predictions of `entries`, and the labels of the same test rows, below `output`.

    An earlier export there is replaced; `InputError` as `check_export` and `writing`, or where
    predictions and rows are not equally many. Languages are those that were scored: evaluate.py
    asks for all of its own, so it reads a partial export only with its lists cut to match.
    """
    check_export(output)
    with writing("--export-xtreme", output):
        for side in SIDES:
            shutil.rmtree(output / side, ignore_errors=True)
            (output / side).mkdir(parents=True)
        # First of all, since it marks the folders as an export that may be replaced.
        write_json(output / "predictions" / CHOSEN, {t: _summary(e) for t, e in entries.items()})
        for name, entry in entries.items():
            rows = inventory.evaluation(name, "test")
            for code, predictions in entry.predictions.items():
                examples = rows[code].examples if code in rows else ()
                _write(output, TARGET_TASKS[name], code, examples, predictions)


def check_export(output: Path) -> None:
    """Raise `InputError` where `output` has predictions or labels that are no earlier export."""
    if (output / "predictions" / CHOSEN).is_file():
        return
    for side in SIDES:
        if (output / side).exists():
            raise InputError(
                f"--export-xtreme {output}: its {side} folder is not an earlier export's and would "
                "be replaced; choose another folder"
            )


def _summary(entry: Entry) -> dict[str, Any]:
    keys = ("intermediate", "job", "seed", "split", "metric", "score", "absent")
    scores = {code: language["score"] for code, language in entry.record["languages"].items()}
    return {key: entry.record[key] for key in keys} | {"languages": scores}


def _write(
    output: Path, task: TargetTask, code: str, examples: Sequence[Example], predictions: Any
) -> None:
    """Write one language's two files."""
    kind, title = task.format, f"{task.title} {code}"
    if not examples or (len(predictions) != len(examples) and not kind.mining):
        raise InputError(
            f"{title}: {len(predictions)} predictions on {len(examples)} rows; "
            "export with the data that the run was made on"
        )
    texts = (kind.prediction_file(examples, predictions), kind.label_file(examples, title))
    for side, text in zip(SIDES, texts, strict=True):
        folder = output / side / (task.entry or task.name)
        folder.mkdir(exist_ok=True)
        write_text(folder / f"test-{code}.{kind.suffix}", text)
