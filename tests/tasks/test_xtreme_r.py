"""XTREME-R's tasks: made-up rows in each repository's own columns."""

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError
from stilts_repro.tasks.loading import load_evaluation
from stilts_repro.tasks.retrieval import Translation
from stilts_repro.tasks.targets import TARGET_TASKS
from tests.mirrors import write
from tests.rows import one_line

QUESTION = {
    "id": "1",
    "context": "Clujul este mare.",
    "question": "Ce este mare?",
    "answers": {"text": ["Clujul"], "answer_start": [0]},
}
NAMES = {
    "tokens": ["Cluj", "este", "mare"],
    "ner_tags": [5, 0, 0],
    "langs": ["ro", "ro", "ro"],
    "spans": ["LOC: Cluj"],
}
WORDS = {"tokens": ["Cluj", "este"], "pos_tags": [11, 3]}
PAIR = {"sentence1": "Cluj este mare.", "sentence2": "Cluj is big.", "lang": "ron-eng"}
ROWS = {
    "xquad_r": ("google/xquad", "xquad.ro", "validation", QUESTION),
    "panx_r": ("unimelb-nlp/wikiann", "ro", "test", NAMES),
    "udpos_r": ("google/xtreme", "udpos.Romanian", "test", WORDS),
    "tatoeba_r": ("mteb/tatoeba-bitext-mining", "ron-eng", "test", PAIR),
}


def read(root, name, row):
    repo, config, split, _ = ROWS[name]
    write(root, repo, config, split, [row])
    task = TARGET_TASKS[name]
    part = next(d.test for d in task.divisions if d.test.split == split)
    return load_evaluation(DirectorySource(root), task, part, "ro", None)


@pytest.mark.parametrize("name", ROWS)
def test_a_language_that_xtreme_has_not_is_read(tmp_path, name):
    loaded = read(tmp_path, name, ROWS[name][-1])
    assert len(loaded) == 1
    if name == "tatoeba_r":
        assert loaded.examples == (Translation("Cluj este mare.", "Cluj is big.", "", ""),)


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [("tatoeba_r", "sentence2", 3), ("panx_r", "ner_tags", [9, 0, 0]), ("xquad_r", "context", 1)],
)
def test_a_row_of_another_kind_is_one_line(tmp_path, name, column, value):
    with pytest.raises(InputError) as error:
        read(tmp_path, name, ROWS[name][-1] | {column: value})
    one_line(error, ROWS[name][1])
