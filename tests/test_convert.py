"""Official files in, parquet laid out like the hub out: made-up files, and the ways they break."""

import csv
import json
import os
import random
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stilts_repro import convert
from stilts_repro.convert.__main__ import main
from stilts_repro.data.source import DirectorySource
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.tasks.loading import load_unpaired
from stilts_repro.tasks.multiple_choice import CosmosQA
from stilts_repro.tasks.retrieval import Retrieval, Translation
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part

COSMOS = {
    "id": "3Q5C##A1",
    "context": 'It rained, "hard".\nWe stayed\u2028in.',
    "question": "Why ?",
    "answer0": "It was wet .",
    "answer1": "No reason .",
    "answer2": "They slept .",
    "answer3": "None of the above choices .",
    "label": "0",
}
DERIVATION = (
    "(<T S[dcl] 0 2> (<T NP 0 1> (<L N NNP NNP Kim N>) ) (<T S[dcl]\\NP 0 2> "
    "(<L (S[dcl]\\NP)/NP VBZ VBZ sees (S[dcl]\\NP_1)/NP_2>) (<T NP 1 2> "
    "(<L LRB -LRB- -LRB- -LRB- LRB>) (<L NP NNP NNP 1\\/2 NP>) ) ) )"
)
WORDS = ["Kim", "sees", "-LRB-", "1\\/2"]
TAGS = ["N", "(S[dcl]\\NP)/NP", "LRB", "NP"]
BUCC = {
    "zh": [
        ("zh-000000001", "\u4e00\u3002"),
        ("zh-000000002", "\u4e8c\u3002"),
        ("zh-000000003", "x"),
    ],
    "en": [
        ("en-000000001", "Two."),
        ("en-000000002", "Three.\u2028Four."),
        ("en-000000003", "One."),
    ],
    "gold": [("zh-000000001", "en-000000003"), ("zh-000000002", "en-000000001")],
}


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert captured.err.count("\n") == (status != 0) and "Traceback" not in captured.err
    return status, captured.out, captured.err


def refused(capsys, tmp_path, name, status=2):
    """Convert, expect a complaint, and expect that no file is left behind."""
    found, out, error = run(capsys, name, tmp_path / "in", "--output", tmp_path / "out")
    assert (found, out) == (status, "")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    return error


def write_cosmos(folder: Path, stem: str, rows, kind="csv"):
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def cosmos(tmp_path):
    write_cosmos(tmp_path / "in", "train", [COSMOS, COSMOS | {"id": "b", "label": "3"}])
    write_cosmos(tmp_path / "in", "valid", [COSMOS | {"label": 2}], "jsonl")
    return tmp_path / "in"


@pytest.fixture
def ccgbank(tmp_path):
    for section in range(25):
        folder = tmp_path / f"in/data/AUTO/{section:02}"
        folder.mkdir(parents=True)
        text = f"ID=wsj_{section:02}01.1 PARSER=GOLD NUMPARSE=1\n{DERIVATION}\n"
        (folder / f"wsj_{section:02}01.auto").write_text(text)
    return tmp_path / "in/data/AUTO"


@pytest.fixture
def bucc(tmp_path):
    for part in ("sample", "training"):
        for end, rows in BUCC.items():
            path = tmp_path / f"in/zh-en/zh-en.{part}.{end}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path / "in/zh-en"


def test_cosmos_qa_is_read_by_its_format(cosmos, tmp_path, capsys):
    output = tmp_path / "out"
    status, out, _ = run(capsys, "cosmosqa", cosmos, "--output", output)
    folder = output / "allenai/cosmos_qa/default"
    assert status == 0
    assert out.splitlines() == [
        f"{folder / 'train.parquet'}: 2 rows",
        f"{folder / 'validation.parquet'}: 1 rows",
    ]
    source = DirectorySource(output)
    rows = source.load("allenai/cosmos_qa", "default", "train")
    assert rows == [COSMOS | {"label": 0}, COSMOS | {"id": "b", "label": 3}]
    assert str(pq.read_schema(folder / "train.parquet").field("label").type) == "int32"
    (row,) = source.load("allenai/cosmos_qa", "default", "validation")
    parsed = CosmosQA().parse(row, "here")
    assert (parsed.label, parsed.endings[3]) == (2, COSMOS["answer3"])


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (COSMOS | {"label": "4"}, r"valid.jsonl line 1: label '4' is none of 0, 1, 2, 3; mend"),
        (COSMOS | {"label": True}, "label True is none of"),
        (COSMOS | {"context": None}, "context is None, not text"),
        ({"id": "a"}, "no field 'context' (it has 'id')"),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_row_of_cosmos_qa_is_named(cosmos, tmp_path, capsys, row, complaint):
    write_cosmos(cosmos, "valid", [row], "jsonl")
    assert complaint in refused(capsys, tmp_path, "cosmosqa")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "train.csv: no rows"),
        (b"id,context\n1,2\n", "no field 'question'"),
        (b"id,context\n1\n", "train.csv line 2: not 2 fields as in its head"),
        (b"\n\nid,context\n\n1,2,3\n", "train.csv line 5: not 2 fields"),
        (b'id,context\n1,"open\n', "not CSV ("),
        (b"id,context\n\xff,2\n", "not UTF-8 ("),
    ],
)
def test_a_broken_file_of_cosmos_qa_is_named(cosmos, tmp_path, capsys, text, complaint):
    (cosmos / "train.csv").write_bytes(text)
    assert complaint in refused(capsys, tmp_path, "cosmosqa")


@pytest.mark.parametrize("end", ["\n", " \n\n", "\r\n\t\r\n"])
def test_blank_lines_of_cosmos_qa_are_no_rows(cosmos, tmp_path, capsys, end):
    whole = (cosmos / "train.csv").read_text(encoding="utf-8")
    (cosmos / "train.csv").write_text(f"\n{whole}{end},,,,,,,\n{end}", encoding="utf-8", newline="")
    row = json.dumps(COSMOS)
    (cosmos / "valid.jsonl").write_text(f"{end}{row}\n{end}{row}\n{end}", newline="")
    assert run(capsys, "cosmosqa", cosmos, "--output", tmp_path / "out")[0] == 0
    source = DirectorySource(tmp_path / "out")
    rows = source.load("allenai/cosmos_qa", "default", "train")
    assert rows == [COSMOS | {"label": 0}, COSMOS | {"id": "b", "label": 3}]
    assert len(source.load("allenai/cosmos_qa", "default", "validation")) == 2


def test_half_a_character_of_cosmos_qa_is_named(cosmos, tmp_path, capsys):
    write_cosmos(cosmos, "valid", [COSMOS | {"answer1": "so \ud83d"}], "jsonl")
    complaint = r"line 1: column 'answer1' holds half a character, '\ud83d'; mend"
    assert complaint in refused(capsys, tmp_path, "cosmosqa")


def test_lines_that_are_not_json_are_named(cosmos, tmp_path, capsys):
    (cosmos / "valid.jsonl").write_text("{")
    assert "valid.jsonl line 1: not a JSON object" in refused(capsys, tmp_path, "cosmosqa")


@pytest.mark.parametrize("name", ["bucc", "ccgbank", "cosmosqa"])
def test_files_that_are_not_there_are_missing(tmp_path, capsys, name):
    assert "no such folder" in refused(capsys, tmp_path, name, 3)
    (tmp_path / "in").mkdir()
    assert f"{tmp_path / 'in'}: n" in refused(capsys, tmp_path, name, 3)


def test_an_output_that_cannot_be_written_is_named(cosmos, tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    status, _, error = run(capsys, "cosmosqa", cosmos, "--output", tmp_path / "out")
    assert status == 2 and f"--output {tmp_path / 'out'}: cannot be written" in error


def test_a_failed_conversion_leaves_what_was_there(cosmos, tmp_path, capsys):
    output = tmp_path / "out"
    run(capsys, "cosmosqa", cosmos, "--output", output)
    write_cosmos(cosmos, "valid", [COSMOS | {"label": 9}], "jsonl")
    write_cosmos(cosmos, "train", [COSMOS])
    assert run(capsys, "cosmosqa", cosmos, "--output", output)[0] == 2
    assert len(DirectorySource(output).load("allenai/cosmos_qa", "default", "train")) == 2
    assert not list(output.rglob("*.tmp"))


@pytest.mark.parametrize("below", ["", "data", "data/AUTO"])
def test_ccgbank_is_divided_as_jiant_divides_it(ccgbank, tmp_path, capsys, below):
    output = tmp_path / "out"
    status, out, _ = run(capsys, "ccgbank", tmp_path / "in" / below, "--output", output)
    assert status == 0
    assert [line.rsplit(": ")[1] for line in out.splitlines()] == ["19 rows", "3 rows", "3 rows"]
    source = DirectorySource(output)
    for split in ("train", "validation", "test"):
        rows = source.load("ldc/ccgbank", "default", split)
        assert all(row == {"tokens": WORDS, "supertags": TAGS} for row in rows)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (DERIVATION, "line 1: a derivation without its ID= line"),
        ("ID=a\nID=b\n", "line 2: ID=a has no derivation"),
        ("ID=a\n", "line 1: ID=a has no derivation"),
        (f"ID=a\n{DERIVATION[:-4]}", "line 2: not a whole derivation"),
        ("ID=a\n(<L N NNP Kim N>)", "line 2: not a whole derivation"),
        ("ID=a\nKim sees", "line 2: not a whole derivation"),
    ],
)
def test_a_broken_file_of_ccgbank_is_named(ccgbank, tmp_path, capsys, text, complaint):
    (ccgbank / "20/wsj_2001.auto").write_text(text)
    error = refused(capsys, tmp_path, "ccgbank")
    assert f"{ccgbank / '20/wsj_2001.auto'} {complaint}" in error


def test_a_part_of_ccgbank_is_not_enough(ccgbank, tmp_path, capsys):
    (ccgbank / "03/wsj_0301.auto").unlink()
    (ccgbank / "24/wsj_2401.auto").unlink()
    assert "no .auto files in section 03, 24" in refused(capsys, tmp_path, "ccgbank", 3)


def test_bucc_has_its_gold_pairs_and_everything_else(bucc, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(convert, "ROWS_AT_ONCE", 1)
    output = tmp_path / "out"
    status, out, _ = run(capsys, "bucc", bucc.parent, "--output", output)
    assert status == 0
    assert "bucc18.zh/validation.parquet: 2 rows" in out
    assert "de-en.sample: not there; bucc18.de/validation is not written; the hub" in out
    source, task = DirectorySource(output), TARGET_TASKS["bucc2018"]
    rows = source.load("google/xtreme", "bucc18.zh", "test")
    parsed = [Retrieval(mining=True).parse(row, "here") for row in rows]
    assert parsed == [
        Translation("\u4e00\u3002", "One.", "zh-000000001", "en-000000003"),
        Translation("\u4e8c\u3002", "Two.", "zh-000000002", "en-000000001"),
    ]
    unpaired = load_unpaired(source, task, Part("test"), "zh", None)
    sentences = {side: [text for _, text in named] for side, named in unpaired.items()}
    assert sentences == {"source": ["x"], "target": ["Three.\u2028Four."]}
    assert all(name.startswith("zh-") for name, _ in unpaired["source"])


def test_blank_lines_of_bucc_are_no_sentences(bucc, tmp_path, capsys):
    run(capsys, "bucc", bucc, "--output", tmp_path / "plain")
    for path in bucc.glob("*"):
        text = path.read_text(encoding="utf-8").replace("\n", "\n\n")
        path.write_text(f"\n{text} \t\n", encoding="utf-8")
    assert run(capsys, "bucc", bucc, "--output", tmp_path / "blank")[0] == 0
    for split in ("test", "test_unpaired"):
        held = (DirectorySource(tmp_path / name) for name in ("plain", "blank"))
        plain, blank = (s.load("google/xtreme", "bucc18.zh", split) for s in held)
        assert plain == blank != []


def test_bucc_without_one_part_says_so(bucc, tmp_path, capsys):
    for path in bucc.glob("*.training.*"):
        path.unlink()
    status, out, _ = run(capsys, "bucc", bucc, "--output", tmp_path / "out")
    assert status == 0
    assert "zh-en.training: not there; bucc18.zh/test is not written; the hub" in out
    assert not DirectorySource(tmp_path / "out").has("google/xtreme", "bucc18.zh", "test")


@pytest.mark.parametrize(
    ("end", "text", "complaint"),
    [
        ("zh", "zh-1 no tab\n", "zh-en.sample.zh line 1: not id<TAB>sentence"),
        ("zh", "zh-1\t \n", "not id<TAB>sentence"),
        ("en", "zh-1\ta\n", "id 'zh-1' is not en-<number>"),
        ("en", "en-1\ta\nen-1\tb\n", "line 2: en-1 for the second time"),
        ("en", "en-000000003\ta\n", "no sentence en-000000001, which is in the gold pairs (1"),
        ("gold", "zh-1\n", "zh-en.sample.gold line 1: not zh-id<TAB>en-id"),
        ("gold", "en-1\tzh-1\n", "id 'en-1' is not zh-<number>"),
        ("gold", "", "zh-en.sample.gold: no pairs"),
    ],
)
def test_a_broken_file_of_bucc_is_named(bucc, tmp_path, capsys, end, text, complaint):
    (bucc / f"zh-en.sample.{end}").write_text(text, encoding="utf-8")
    assert complaint in refused(capsys, tmp_path, "bucc")


def test_a_file_of_bucc_that_lacks_its_companions_is_named(bucc, tmp_path, capsys):
    (bucc / "zh-en.training.gold").unlink()
    assert "zh-en.training.gold: no such file" in refused(capsys, tmp_path, "bucc", 3)


def test_a_full_disk_leaves_nothing_and_is_no_bad_usage(cosmos, tmp_path, capsys, little_room):
    noise = random.Random(0)
    rows = [COSMOS | {"context": noise.randbytes(5000).hex()} for _ in range(40)]
    write_cosmos(cosmos, "train", rows)
    with little_room(40_000):
        error = refused(capsys, tmp_path, "cosmosqa", 3)
    assert re.fullmatch(
        rf"convert: --output {tmp_path}/out: File too large; free some room, or choose another "
        r"folder\n",
        error,
    )
    assert run(capsys, "cosmosqa", cosmos, "--output", tmp_path / "out")[0] == 0


def test_an_output_may_have_a_name_that_is_not_utf8(cosmos, tmp_path, capsys):
    output = tmp_path / os.fsdecode(b"donn\xe9es")
    status, printed, _ = run(capsys, "cosmosqa", cosmos, "--output", output)
    assert status == 0 and "train.parquet: 2 rows" in printed
    assert len(DirectorySource(output).load("allenai/cosmos_qa", "default", "train")) == 2


XQUAD_R_CODES = TARGET_TASKS["lareqa"].languages
THAI = "ทีมรับ ที่หก"  # two sentences, without a full stop


@pytest.fixture
def xquad_r(tmp_path):
    """Made-up files of XQuAD-R: one paragraph of two sentences and one question a language."""
    folder = tmp_path / "in"
    folder.mkdir()
    for code in XQUAD_R_CODES:
        write_xquad_r(folder / f"{code}.json")
    return folder


def write_xquad_r(path, **changes):
    asked = {"id": "q", "question": "?", "answers": [{"text": "ที่หก", "answer_start": 7}]}
    paragraph = {"context": THAI, "qas": [asked], "sentence_breaks": [[0, 6], [7, 12]]} | changes
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))


def test_xquad_r_keeps_its_sentences(xquad_r, tmp_path, capsys):
    output = tmp_path / "out"
    status, printed, _ = run(capsys, "xquad_r", xquad_r, "--output", output)
    assert status == 0 and printed.count("1 rows") == len(XQUAD_R_CODES) == 11
    held = Inventory(DirectorySource(output), None).evaluation("lareqa", "dev")
    assert {*held} == {*XQUAD_R_CODES}
    (asked,) = held["th"].examples
    assert asked.sentences == ((0, 6), (7, 12)) and asked.answer == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sentence_breaks": [[0, 99]]}, "th.json paragraph 0 (id q): sentence_breaks [[0, 99]]"),
        ({"context": "x"}, "th.json paragraph 0 (id q): answer 'ที่หก' is not at character 7"),
        ({"qas": [{"id": "q"}]}, "th.json: not in XQuAD-R's layout (KeyError: 'answers')"),
        ({"qas": []}, "th.json: no questions"),
    ],
)
def test_what_is_wrong_with_xquad_r_is_one_line(xquad_r, tmp_path, capsys, changes, complaint):
    write_xquad_r(xquad_r / "th.json", **changes)
    assert complaint in refused(capsys, tmp_path, "xquad_r")
    assert not list((tmp_path / "out").rglob("*.parquet"))
    (xquad_r / "th.json").unlink()
    assert "no th.json in it; give LAReQA's folder" in refused(capsys, tmp_path, "xquad_r", 3)
