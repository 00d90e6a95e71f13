"""Retrieval of entities: by hand, and from official files, made up, to a measured target."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reproduce.catalogue import all_claims
from stilts_repro.convert.__main__ import main
from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError, MissingError
from stilts_repro.evaluation.predict import broken_by_language, score_by_language
from stilts_repro.experiments.conditions import NONE
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from stilts_repro.tasks.entities import EntityRetrieval, Linked, marked
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.task import MEWSLI_X
from tests.planning import SMALL, small_scale
from tests.rows import one_line

PAIRS, POOL = EntityRetrieval(), EntityRetrieval(pool=True)
LIMITS = Limits(32, 32)
TEXT = "Ana came. Smith { of Cluj } left {now}."
ROW = {"id": "m", "text": TEXT, "start": 10, "end": 15, "entity_id": "Q1"}
CANDIDATE = {"entity_id": "Q1", "description": "A man  of\nCluj."}


def test_a_mention_is_marked_as_xtreme_r_marks_it():
    assert marked("Dr. Smith left.", 4, 9) == "Smith: Dr. { Smith } left."
    assert marked(TEXT, 10, 15) == "Smith: Ana came. { Smith } ( of Cluj ) left (now)."


def test_rows_are_mentions_candidates_or_both():
    mention = "Smith: Ana came. { Smith } ( of Cluj ) left (now)."
    assert POOL.parse(ROW, "x") == Linked("m", mention, "Q1", "")
    assert POOL.parse(CANDIDATE, "x") == Linked("Q1", "", "Q1", "A man of Cluj.")
    assert PAIRS.parse(ROW | CANDIDATE, "x") == Linked("m", mention, "Q1", "A man of Cluj.")


@pytest.mark.parametrize(
    ("kind", "change", "complaint"),
    [
        (POOL, {"end": 99}, "rows 3 (id m): a mention from 10 to 99 in a text of 39 characters"),
        (POOL, {"start": 15}, "a mention from 15 to 15"),
        (POOL, {"start": "1"}, "column 'start' holds str"),
        (PAIRS, {}, "no column 'description'"),
        (PAIRS, {"description": " "}, "column 'description' is empty"),
    ],
)
def test_a_row_that_cannot_be_used_is_one_line(kind, change, complaint):
    with pytest.raises(InputError) as error:
        kind.parse(ROW | change, "rows 3")
    one_line(error, complaint)


def test_no_two_mentions_have_one_id():
    twins = [POOL.parse(ROW, "x")] * 2
    with pytest.raises(InputError) as error:
        POOL.named_apart(twins, "rows", whole=True)
    one_line(error, "id 'm' comes twice")


def test_ranks_by_hand(tokenizer):
    """Mentions of two languages among four candidates of none; the last one is broken."""
    mentions = [Linked(name, "a", f"Q{n}", "") for name, n in (("a", 0), ("b", 2), ("c", 1))]
    candidates = [Linked(f"Q{n}", "", f"Q{n}", "a") for n in range(4)]
    everything = [*mentions, *candidates]
    features = POOL.featurise(everything, tokenizer, LIMITS)
    assert (features.group, len(features)) == (1, 7)
    vectors = np.zeros((7, 4), np.float32)
    vectors[3:] = np.eye(4)
    vectors[0, [0, 1]] = 2.0, 1.0  # rank 1
    vectors[1, [3, 0, 2]] = 3.0, 2.0, 1.0  # rank 3
    vectors[2] = np.nan
    rows = {"en": mentions[:1], "de": mentions[1:]}
    scored = score_by_language(POOL, rows, features, vectors, everything)
    assert scored["en"].metrics == {"map": 100.0, "first": 100.0}
    assert scored["de"].metrics == {"map": pytest.approx(100 / 3 / 2), "first": 0.0}
    assert scored["de"].predictions == [["Q3", "Q0", "Q2", "Q1"], []]
    vectors[6] = np.nan  # a candidate is nobody's row
    assert broken_by_language(rows, features, vectors) == {"en": [], "de": [1]}
    files = (POOL.prediction_file(rows["de"], [["Q3"], []]), POOL.label_file(rows["de"], ""))
    assert [json.loads(file) for file in files] == [
        {"b": ["Q3"], "c": []},
        {"b": ["Q2"], "c": ["Q1"]},
    ]


def test_a_mention_is_one_text_to_the_tokenizer(tokenizer):
    features = POOL.featurise([Linked("a", "who lives?", "Q1", "")], tokenizer, LIMITS)
    assert features.ids.tolist() == tokenizer("who lives?")["input_ids"]


def test_entities_of_several_pairs_are_one_candidate(tokenizer):
    held = [
        Linked(name, "a", entity, "b") for name, entity in (("a", "Q1"), ("b", "Q1"), ("c", "Q2"))
    ]
    features = PAIRS.featurise(held, tokenizer, LIMITS)
    assert (features.group, len(features)) == (2, 3)
    vectors = np.tile(np.array([1.0, 0.0, 1.0, 0.0], np.float32), (3, 1))
    vectors[2, 2:] = 0.0, 1.0
    assert PAIRS.predict(held, features, vectors) == [["Q1", "Q2"]] * 3
    assert PAIRS.dev_metrics(held, features, vectors)["map"] == pytest.approx(100 * 2.5 / 3)


def in_context(number, language):
    name = f"{language}{number}"
    text = f"Before. In {name} it rained. After."
    start = text.index(name)
    context = {"language": language, "text": text}
    context["sentence_spans"] = [{"start": 0, "end": 7}, {"start": 8, "end": len(text) - 7}]
    span = {"start": start, "end": start + len(name), "text": name}
    return context, {"example_id": name, "entity_id": f"Q{number}", "mention_span": span}


def entity(number):
    text = f"Town {number}. Nobody reads this. It is large."
    spans = [{"start": 0, "end": 7}, {"start": len(text) - 12, "end": len(text)}]
    return {"entity_id": f"Q{number}", "title": "T", "description": text, "sentence_spans": spans}


@pytest.fixture
def official(tmp_path):
    """The five files of the authors' script, for two languages."""
    folder = tmp_path / "in"
    folder.mkdir()

    def write(name, rows):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    for part in ("train", "dev"):
        both = [in_context(n, "en") for n in range(8)]
        linked = [{"context": c, "mention": m} for c, m in both]
        rows = [{"contextual_mention": c, "entity": entity(n)} for n, c in enumerate(linked)]
        write(f"wikipedia_pairs-{part}.jsonl", rows)
    for part in ("dev", "test"):
        held = [in_context(n, code) for code in ("en", "de") for n in range(4)]
        write(f"wikinews_mentions-{part}.jsonl", [{"context": c, "mentions": [m]} for c, m in held])
    write("candidate_set_entities.jsonl", [entity(n) for n in range(30)])
    return folder


def converted(official, tmp_path):
    """Convert, and say that two languages are all."""
    output = tmp_path / "data"
    assert main(["mewslix", str(official), "--output", str(output)]) == 0
    head = "---\nconfigs:\n- config_name: en\n- config_name: de\n---\n"
    (output / MEWSLI_X / "README.md").write_text(head)
    return output


def test_official_files_are_measured_as_any_target_is(official, masked_lm, tmp_path, capsys):
    output = converted(official, tmp_path)
    assert "candidates/test.parquet: 30 rows" in capsys.readouterr().out
    source = DirectorySource(output)
    row, *_ = source.load(MEWSLI_X, "de", "test")
    assert row == {
        "id": "de0",
        "text": "In de0 it rained.",
        "start": 3,
        "end": 6,
        "entity_id": "Q0",
    }
    pair, *_ = source.load(MEWSLI_X, "wikipedia_pairs", "train")
    assert pair["description"] == "Town 0. It is large."
    scale = small_scale()
    scale = replace(scale, target={**scale.target, "mewsli_x_pairs": SMALL})
    claim = replace(
        all_claims()["mnli_gain"],
        conditions=(),
        targets=("mewsli_x",),
        value=lambda scores, _: scores.dev(NONE, "mewsli_x"),
    )
    request = Request((claim,), scale, str(output), str(masked_lm), (0,), tmp_path / "out")
    result = run_claims(request)
    assert not result["failed"]["jobs"]
    (entry,) = (e for e in result["grid"] if e["part"] == "test")
    assert entry["metric"] == "map" and {*entry["languages"]} == {"en", "de"}
    assert 0.0 <= entry["score"] <= 100.0


def test_candidates_that_are_not_there_are_one_line(official, masked_lm, tmp_path):
    output = converted(official, tmp_path)
    (output / MEWSLI_X / "candidates/test.parquet").unlink()
    claim = replace(all_claims()["mnli_gain"], conditions=(), targets=("mewsli_x",))
    request = Request((claim,), small_scale(), str(output), str(masked_lm), (0,), tmp_path / "out")
    with pytest.raises(MissingError) as error:
        run_claims(request)
    one_line(error, "Mewsli-X: no google-research/mewsli-x candidates/test, among which to look")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("wikinews_mentions-dev.jsonl", "{", "line 1: not a JSON object"),
        ("wikinews_mentions-dev.jsonl", '{"context": 1}', "line 1: no 'context' that is dict"),
        ("candidate_set_entities.jsonl", '{"entity_id": "Q"}', "line 1: no 'description' that is"),
        (
            "wikinews_mentions-test.jsonl",
            json.dumps(
                {
                    "context": {
                        "language": "en",
                        "text": "",
                        "sentence_spans": [{"start": 0, "end": 9}],
                    },
                    "mentions": [in_context(0, "en")[1]],
                }
            ),
            "mention en0 at 11 to 14 is in no sentence of the text, which has 0 characters",
        ),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_written(
    official, tmp_path, capsys, name, text, complaint
):
    (official / name).write_text(text)
    assert main(["mewslix", str(official), "--output", str(tmp_path / "data")]) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
