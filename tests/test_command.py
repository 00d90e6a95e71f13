"""What a user types, and what comes back when it is wrong: one line, and the exit status."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from reproduce.catalogue import all_claims
from stilts_repro.claims.expected import load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.cli import progress as printing
from stilts_repro.cli import reproduce
from stilts_repro.cli.reproduce import main
from stilts_repro.run import execution
from stilts_repro.tasks.targets import TARGET_TASKS


def outcome(capsys, *arguments, claims=None):
    claims = all_claims().values() if claims is None else claims
    try:
        status = main(claims, [str(argument) for argument in arguments])
    except SystemExit as leaving:
        status = leaving.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def one_line(error):
    assert error.count("\n") == 1 and "Traceback" not in error
    return error


@pytest.fixture
def mirror(tmp_path):
    """A directory laid out like the hub with two good data sets, and nothing else."""
    root = tmp_path / "mirror"
    write(root, "rajpurkar/squad/plain_text/train", [question()])
    write(root, "nyu-mll/glue/mnli/train", [{"premise": "a", "hypothesis": "b", "label": 0}])
    return root


def question(**changes):
    answers = {"text": ["Lund"], "answer_start": [17]}
    return {
        "id": "q1",
        "title": "",
        "context": "she was born in  Lund",
        "question": "where?",
        "answers": answers,
    } | changes


def write(root, split, rows):
    path = root / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def say_it_holds(repo, *configs):
    """Write the README in which a hub repository lists its configurations."""
    lines = [
        line
        for config in configs
        for line in (
            f"- config_name: {config}",
            "  data_files:",
            *(f"  - split: {split}" for split in ("validation", "test")),
        )
    ]
    (repo / "README.md").write_text("\n".join(["---", "configs:", *lines, "---", ""]))


def xnli(**changes):
    row = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    return [row | {"language": code} | changes for code in TARGET_TASKS["xnli"].languages]


def test_list_shows_every_claim_with_its_paper_value(capsys):
    status, printed, _ = outcome(capsys, "--list")
    assert status == 0
    for name in all_claims():
        assert name in printed
    assert "8.2" in printed and "7.0" in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no_such_claim"], "no_such_claim: no such claim; choose among squad_gain"),
        (["--scale", "huge"], "--scale huge: no such scale; choose one of smoke, testbed"),
        (["--seeds", "0"], "argument --seeds: 0: give a number from 1 to 9999"),
        (["--seeds", "5-3"], "argument --seeds: 5-3: give a number from 1 to 9999"),
        (["--seeds", "9" * 20], "give a number from 1 to 9999"),
        (["--targets", "xnli,,tydiqa"], "'xnli,,tydiqa': give names with one comma between two"),
        (["--list", "--scale", "nope"], "--scale nope: no such scale"),
        (["--tasks", "no_such_claim"], "no_such_claim: no such claim"),
        (["bucc_baseline"], "bucc_baseline: not at --scale smoke; give --scale paper"),
        (["--sampler", "capped:many"], "--sampler capped:many: give proportional, uniform"),
        (["--crosses", "nothing"], "argument --crosses: invalid choice: 'nothing'"),
        (["--translator", "testbed:2"], "--translator testbed:2: give testbed:ERROR_RATE"),
        (["--translator", "a/b"], "--translator a/b: no commit of 40 hex digits in it; give"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--data", "/no/such/folder"], "--data /no/such/folder: no such directory"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(capsys, tmp_path, tiny_model, arguments, says):
    more = ["--scale", "smoke"] if "--scale" not in arguments else []
    status, _, error = outcome(
        capsys, *arguments, *more, "--model", tiny_model, "--output", tmp_path / "out"
    )
    assert status == 2
    assert says in one_line(error)


def test_a_model_directory_without_weights_is_status_3(capsys, tmp_path, tiny_model):
    broken = tmp_path / "model"
    shutil.copytree(tiny_model, broken)
    (broken / "model.safetensors").unlink()
    status, _, error = outcome(
        capsys, "squad_gain", "--scale", "smoke", "--model", broken, "--output", tmp_path / "out"
    )
    assert status == 3
    assert "no weights in it (model.safetensors)" in one_line(error)


def test_an_output_folder_that_cannot_be_written_is_status_2(capsys, tmp_path, tiny_model):
    (tmp_path / "file").write_text("")
    status, _, error = outcome(
        capsys, "--scale", "smoke", "--model", tiny_model, "--output", tmp_path / "file"
    )
    assert status == 2
    assert "cannot be written" in one_line(error)


def run_on(capsys, mirror, model, tmp_path):
    return outcome(
        capsys,
        *("squad_gain", "--scale", "smoke", "--data", mirror),
        *("--model", model, "--output", tmp_path / "out"),
    )


def test_a_directory_without_a_targets_rows_is_status_3(capsys, mirror, tiny_model, tmp_path):
    status, _, error = run_on(capsys, mirror, tiny_model, tmp_path)
    assert status == 3
    assert "XNLI: no labelled rows of google/xtreme XNLI" in one_line(error)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (xnli(gold_label="maybe"), "row 0: label 'maybe' is none of entailment, neutral"),
        ([{"language": "en", "premise": "a"}], "row 0: no column 'sentence1'"),
        (xnli(sentence1=None), "row 0: column 'sentence1' holds NoneType"),
    ],
)
def test_a_malformed_row_is_named_and_status_2(capsys, mirror, tiny_model, tmp_path, rows, says):
    for split in ("validation", "test"):
        write(mirror, f"google/xtreme/XNLI/{split}", rows)
    status, _, error = run_on(capsys, mirror, tiny_model, tmp_path)
    assert status == 2
    assert says in one_line(error)
    assert "google/xtreme XNLI/validation" in error


def test_an_answer_outside_its_context_is_named_and_status_2(capsys, mirror, tiny_model, tmp_path):
    wrong = question(id="q7", answers={"text": ["Lund"], "answer_start": [3]})
    for split in ("validation", "test"):
        write(mirror, f"google/xtreme/XNLI/{split}", xnli())
        write(mirror, f"google/xtreme/PAWS-X.en/{split}", paws())
    configs = ("XNLI", "PAWS-X.en", "udpos.English", "PAN-X.en")
    say_it_holds(mirror / "google/xtreme", *configs)
    for task, column in (("udpos.English", "pos_tags"), ("PAN-X.en", "ner_tags")):
        for split in ("train", "validation", "test"):
            write(mirror, f"google/xtreme/{task}/{split}", [{"tokens": ["a"], column: [1]}])
    write(mirror, "google/xtreme/PAWS-X.en/train", paws())
    write(mirror, "google/xtreme/XQuAD.en/validation", [wrong])
    status, _, error = run_on(capsys, mirror, tiny_model, tmp_path)
    assert status == 2
    assert "XQuAD.en/validation row 0 (id q7): answer 'Lund' is not at character 3" in one_line(
        error
    )


def paws():
    return [{"sentence1": "a", "sentence2": "b", "label": "1"}] * 3


def test_an_expected_results_file_that_breaks_its_schema_is_status_2(
    capsys, tmp_path, tiny_model, monkeypatch
):
    folder = tmp_path / "expected_results"
    shutil.copytree(EXPECTED_RESULTS, folder)
    raw = json.loads((folder / "squad_gain.json").read_text())
    raw["tolerance"] = 5
    (folder / "squad_gain.json").write_text(json.dumps(raw))
    monkeypatch.setattr(execution, "load_expected", lambda claim, _: load_expected(claim, folder))
    status, _, error = outcome(
        capsys, "squad_gain", "--scale", "smoke", "--model", tiny_model, "--output", tmp_path / "o"
    )
    assert status == 2
    assert "squad_gain.json: $: Additional properties" in one_line(error)


def test_a_claim_that_fails_its_check_is_status_1(capsys, tmp_path):
    claim = replace(all_claims()["published_tables"], value=lambda scores, targets: 4.0)
    status, printed, _ = outcome(capsys, "--output", tmp_path / "out", claims=[claim])
    assert status == 1
    assert "fail" in printed


def test_published_tables_alone_needs_no_model_and_no_data(capsys, tmp_path):
    status, printed, _ = outcome(
        capsys, "published_tables", "--model", "/no/such/model", "--output", tmp_path / "out"
    )
    assert status == 0
    assert "pass" in printed
    claims = json.loads((tmp_path / "out" / "claims.json").read_text())
    details = claims["claims"][0]["details"][0]["headlines"]
    assert {name: round(h["value"], 1) for name, h in details.items()} == {
        "squad_gain": 8.2,
        "mnli_gain": 7.5,
        "hellaswag_gain": 7.0,
        "multitask_gain": 8.7,
        "xtreme_gain": 5.4,
    }


def test_what_trains_is_not_imported_by_the_main_process():
    """Workers import it while the main process reads the data: seconds that nobody waits for."""
    asked = (
        "import sys, stilts_repro.cli.reproduce; from reproduce.catalogue import all_claims; "
        "all_claims(); print('transformers.modeling_utils' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_finished_job_says_how_long_the_others_will_take(monkeypatch):
    clock = iter([100.0, 130.0, 160.0])  # planned, and two jobs of half a minute each
    monkeypatch.setattr(printing.time, "monotonic", lambda: next(clock))
    console = Console(file=StringIO(), width=100)
    progress = reproduce.PrintedProgress(console)
    job = SimpleNamespace(title="none -> mnli (seed 0)", recipes={})
    progress.planned(dict.fromkeys("abcde", job), 3)
    progress.finished(job, 30.0)
    progress.measured(
        {"id": "squad_gain", "unit": "points", "paper": 8.2, "verdict": "pass"}
        | {"observed": {"value": -0.456}}
    )
    progress.finished(job, 30.0)
    _, first, claim, last = console.file.getvalue().splitlines()
    assert claim == "  squad_gain: -0.46 (paper 8.2), pass"
    assert first == "[4/5] none -> mnli (seed 0)  30.0 s, about 30 seconds left"
    assert last == "[5/5] none -> mnli (seed 0)  30.0 s"
