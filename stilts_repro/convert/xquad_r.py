"""XQuAD-R: the files of LAReQA's authors, which say where each paragraph's sentences are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from stilts_repro.convert import Output
from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import read_json
from stilts_repro.tasks.answers import AnswerRetrieval
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import XQUAD_R

ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("context", pa.string()),
        ("question", pa.string()),
        ("answers", ANSWERS),
        ("sentence_breaks", pa.list_(pa.list_(pa.int32()))),
    ]
)


def convert(folder: Path, output: Output) -> list[str]:
    """Write each language's questions; `MissingError` or `InputError` says what is wrong.

    Candidates are pooled, so that without a language all the others' scores are others: all must be
    there.
    """
    checked = AnswerRetrieval(pool=True)
    for code in TARGET_TASKS["lareqa"].languages:
        path = folder / f"{code}.json"
        if not path.is_file():
            raise MissingError(f"{folder}: no {path.name} in it; give LAReQA's folder xquad-r")
        into = output.split(XQUAD_R, code, "validation", SCHEMA)
        for where, row in _rows(path):
            checked.parse(row, where)
            into.add(**row)
        if not into.rows:
            raise InputError(f"{path}: no questions; get the file anew")
    return []


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield `(where, row)` for each question of a file in SQuAD's layout."""
    whole = read_json(path)
    try:
        for number, paragraph in enumerate(p for a in whole["data"] for p in a["paragraphs"]):
            for asked in paragraph["qas"]:
                answers = asked["answers"]
                yield (
                    f"{path} paragraph {number}",
                    {
                        "id": asked["id"],
                        "context": paragraph["context"],
                        "question": asked["question"],
                        "answers": {
                            "text": [answer["text"] for answer in answers],
                            "answer_start": [answer["answer_start"] for answer in answers],
                        },
                        "sentence_breaks": paragraph["sentence_breaks"],
                    },
                )
    except (LookupError, TypeError) as error:
        raise InputError(
            f"{path}: not in XQuAD-R's layout ({type(error).__name__}: {error}); get the file anew"
        ) from None
