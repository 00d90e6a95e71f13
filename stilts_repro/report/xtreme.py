"""A run's test predictions as XTREME's own evaluate.py reads them, and the labels beside them.

    <output>/predictions/<task>/test-<language>.tsv    what the leaderboard asks for
    <output>/labels/<task>/test-<language>.tsv         the same rows' labels
    <output>/predictions/chosen.json                   which model answered, and our scores

Question answering has `.json` in place of `.tsv`. evaluate.py looks for folders only, so that
chosen.json may lie there. A task is one line an example: a label (XNLI, PAWS-X), a tag with an
empty line between sentences (PAN-X, UDPOS), a pair of ids (BUCC), or a place (Tatoeba).
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.store import PREDICTIONS, Store
from stilts_repro.folders import writing
from stilts_repro.jsonio import read_json, write_json, write_text
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.format import Example
from stilts_repro.tasks.retrieval import Retrieval, Translation
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tables import TARGET_TASKS
from stilts_repro.tasks.tagging import Tagging
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
    `InputError` where a job kept no predictions.
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
            entries[task] = Entry(of[best, "test"], _kept(store, of[best, "test"]))
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
            held = inventory.evaluation(name, "test")
            for code, predictions in entry.predictions.items():
                examples = held[code].examples if code in held else ()
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


def _kept(store: Store, record: Mapping[str, Any]) -> dict[str, Any]:
    path = store.folder(record["job"]) / PREDICTIONS / f"{record['task']}.{record['part']}.json"
    try:
        return read_json(path)
    except MissingError:
        raise InputError(
            f"{path}: this job kept no predictions; remove the job's folder and run again"
        ) from None


def _summary(entry: Entry) -> dict[str, Any]:
    keys = ("intermediate", "job", "seed", "split", "metric", "score", "absent")
    scores = {code: found["score"] for code, found in entry.record["languages"].items()}
    return {key: entry.record[key] for key in keys} | {"languages": scores}


def _write(
    output: Path, task: TargetTask, code: str, examples: Sequence[Example], predictions: Any
) -> None:
    """Write one language's two files."""
    kind = task.format
    rows = len({q.id for q in examples}) if isinstance(kind, Span) else len(examples)
    if not rows or (len(predictions) != rows and not task.mining):
        raise InputError(
            f"{task.title} {code}: {len(predictions)} predictions on {rows} rows; "
            "export with the data that the run was made on"
        )
    if isinstance(kind, Span):
        # Plain ASCII: evaluate.py opens files in the encoding of whoever runs it.
        texts = (json.dumps(predictions, indent=2), json.dumps(_squad(task, code, examples)))
        suffix = "json"
    else:
        texts = (_lines(kind, examples, predictions), _lines(kind, examples, _gold(kind, examples)))
        suffix = "tsv"
    for side, text in zip(SIDES, texts, strict=True):
        folder = output / side / task.name
        folder.mkdir(exist_ok=True)
        write_text(folder / f"test-{code}.{suffix}", text)


def _gold(kind: Any, examples: Sequence[Example]) -> list[Any]:
    """Return the labels in the shape of predictions."""
    if isinstance(kind, Classification):
        return [kind.labels[example.label] for example in examples]
    if isinstance(kind, Tagging):
        return [example.tags for example in examples]
    if kind.mining:
        return [(pair.source_id, pair.target_id) for pair in examples]
    return list(range(len(examples)))


def _lines(kind: Any, examples: Sequence[Example], values: Sequence[Any]) -> str:
    """Return `values` as the lines of a .tsv; nothing in them can break a line or a column."""
    if isinstance(kind, Tagging):
        return "\n".join("".join(f"{_field(tag)}\n" for tag in tags) for tags in values)
    if isinstance(kind, Retrieval):
        if kind.mining:
            return "".join(f"{_field(a)}\t{_field(b)}\n" for a, b in values)
        values = [values[place] for place in _english_order(examples)]
    return "".join(f"{_field(str(value))}\n" for value in values)


def _english_order(examples: Sequence[Translation]) -> list[int]:
    """Return the rows in the order of XTREME's English file, which is sorted by text.

    Its labels are these very places, counted from 0 (checked against XTREME's mock labels).
    """
    return sorted(range(len(examples)), key=lambda place: examples[place].target.strip())


def _field(text: str) -> str:
    return " ".join(text.split())


def _squad(task: TargetTask, code: str, examples: Sequence[Question]) -> dict[str, Any]:
    """Return the questions in SQuAD's format: one article, a paragraph a context."""
    paragraphs: dict[str, list[dict[str, Any]]] = {}
    for question in {q.id: q for q in examples}.values():  # an id twice is scored once
        answers = [{"text": text, "answer_start": start} for text, start in question.answers]
        paragraphs.setdefault(question.context, []).append(
            {"id": question.id, "question": question.question, "answers": answers}
        )
    return {
        "version": "1.1",
        "data": [
            {
                "title": f"{task.title} {code}",
                "paragraphs": [{"context": text, "qas": qas} for text, qas in paragraphs.items()],
            }
        ],
    }
