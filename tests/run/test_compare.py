"""`python -m reproduce compare`: two runs, what moved and where it begins."""

import json
import shutil

import pytest

from stilts_repro.cli.compare import main
from stilts_repro.experiments.store import RECORDS, Store
from stilts_repro.report.difference import (
    Finished,
    beginnings,
    moved_cells,
    moved_claims,
    set_up,
)
from stilts_repro.report.page import write_claims
from stilts_repro.run.execution import run_claims
from tests.run.test_run_options import run_request


@pytest.fixture(scope="module")
def finished(tiny_model, tmp_path_factory):
    """A finished run's folder: two rows on nine targets."""
    output = tmp_path_factory.mktemp("compare") / "before"
    write_claims(output, run_claims(run_request(tiny_model, output, ("mnli_gain",))))
    return output


@pytest.fixture
def other(finished, tmp_path):
    """A copy of it to spoil."""
    return shutil.copytree(finished, tmp_path / "after")


def spoil(folder, change):
    """Change every result of a job in `folder` that `change` has something to say of."""
    for path in folder.glob("jobs/*/result.json"):
        result = json.loads(path.read_text())
        change(result)
        path.write_text(json.dumps(result))
        seal(path.parent)


def seal(job):
    """Let what was changed in a job's folder be what it has written."""
    store = Store(job.parents[1])
    (job / RECORDS).mkdir()
    for name in json.loads((job / "result.json").read_text())["records"]:
        shutil.copy(store.records / f"{name}.json", job / RECORDS)
    store._seal(job.name, job)
    shutil.rmtree(job / RECORDS)


def both(finished, other):
    return Finished.read(finished), Finished.read(other)


def test_a_run_beside_itself_has_not_moved(finished, other, capsys):
    runs = both(finished, other)
    assert set_up(*runs) == beginnings(*runs) == []
    assert all(m.difference == 0 for m in (*moved_claims(*runs), *moved_cells(*runs)))
    assert len(moved_claims(*runs)) == 1
    assert main([str(finished), str(other)]) == 0
    printed = capsys.readouterr().out
    assert "Claims: 0 of 1 moved" in printed and "What they were made with: the same" in printed


def test_numbers_that_moved_stand_with_the_furthest_first(finished, other):
    claims = json.loads((other / "claims.json").read_text())
    (value,) = claims["claims"][0]["observed"]["values"]
    claims["claims"][0]["observed"]["values"] = [value + 0.25]
    near, far = claims["grid"][0], claims["grid"][1]
    near["score"], far["score"] = near["score"] + 1.0, far["score"] - 2.0
    (other / "claims.json").write_text(json.dumps(claims))
    runs = both(finished, other)
    assert [m.difference for m in moved_claims(*runs)] == [pytest.approx(0.25)]
    first, second, *rest = moved_cells(*runs)
    assert first.what == (far["intermediate"], far["target"], far["part"], "seed 0", "mean")
    assert (first.difference, second.difference) == (pytest.approx(-2), pytest.approx(1))
    assert all(m.difference == 0 for m in rest)


def test_values_are_paired_by_their_seeds(finished, other):
    claims = json.loads((other / "claims.json").read_text())
    claims["claims"][0]["observed"] |= {"values": [1.0, 2.0], "seeds": [3, 0]}
    (other / "claims.json").write_text(json.dumps(claims))
    (moved,) = moved_claims(*both(finished, other))
    assert moved.what[1] == "seed 0" and moved.after == 2.0


def test_what_differs_in_the_machine_and_the_libraries_is_told(finished, other):
    def upgrade(result):
        result["job"]["setting"]["environment"]["torch"] = "99.0"

    spoil(other, upgrade)
    runs = both(finished, other)
    ((name, before, after),) = set_up(*runs)
    assert (name, after) == ("torch", "99.0") and before != after
    assert beginnings(*runs) == []  # libraries alone are no difference in what came out


def test_what_was_asked_for_otherwise_is_told(finished, other):
    claims = json.loads((other / "claims.json").read_text())
    assert claims["settings"] == {"precision": "fp32"}
    claims["settings"] |= {"crosses": "encoder"}
    (other / "claims.json").write_text(json.dumps(claims))
    assert set_up(*both(finished, other)) == [("crosses", "none", "encoder")]


def test_jobs_of_other_targets_are_not_said_to_be_the_same(finished, other, capsys):
    spoil(other, lambda result: result["job"].update(tasks=["others"], seed=9))
    assert main([str(finished), str(other)]) == 0
    told = "Where it begins, by job: not known, for the runs have no job in common"
    assert told in capsys.readouterr().out


def test_it_begins_in_the_first_stage_that_moved(finished, other):
    def tokenised(result):
        if result["job"]["kind"] == "target" and result["job"]["tasks"] == ["udpos"]:
            result["token_ids"]["udpos_en"] = "other"
            result["first_loss"] += 1.0

    spoil(other, tokenised)
    found = beginnings(*both(finished, other))
    assert {(key[1], stage) for key, stage, _, _ in found} == {
        ("none", "token ids"),
        ("mnli", "token ids"),
    }
    assert all(after == {"udpos_en": "other"} for _, _, _, after in found)


def test_a_stage_that_one_of_the_runs_has_not_kept_is_passed_over(finished, other):
    spoil(other, lambda result: result.pop("token_ids", None))
    assert beginnings(*both(finished, other)) == []


def test_what_began_in_phase_two_is_not_told_again_of_all_that_follows(finished, other, capsys):
    def moved(result):
        if result["job"]["intermediate"] == "mnli":
            result["last_loss" if result["job"]["kind"] == "intermediate" else "first_loss"] = 9.5

    spoil(other, moved)
    ((key, stage, _, after),) = beginnings(*both(finished, other))
    assert (key[:2], stage, after) == (("intermediate", "mnli"), "last loss", 9.5)
    assert main([str(finished), str(other)]) == 0
    assert "last loss" in capsys.readouterr().out


def test_predictions_move_before_scores_do(finished, other):
    path = next(other.glob("jobs/*/predictions/udpos.dev.json"))
    predictions = json.loads(path.read_text())
    code = next(iter(predictions))
    predictions[code][0][0] = "PART"
    path.write_text(json.dumps(predictions))
    seal(path.parents[1])
    ((_, stage, before, after),) = beginnings(*both(finished, other))
    assert stage == "predictions"
    assert [*before] == [*after] == [("udpos", "dev", code)]


@pytest.mark.parametrize("spoiled", ["gone", "empty", "gridless", "job", "record"])
def test_a_folder_that_is_no_run_is_one_line(finished, other, spoiled, capsys):
    if spoiled == "gone":
        (other / "claims.json").unlink()
    elif spoiled == "gridless":
        claims = json.loads((other / "claims.json").read_text())
        del claims["grid"]
        (other / "claims.json").write_text(json.dumps(claims))
    elif spoiled == "empty":
        (other / "claims.json").write_text("{}")
    else:
        where = "jobs/*/result.json" if spoiled == "job" else "records/*.json"
        for path in other.glob(where):
            path.unlink()
    assert main([str(finished), str(other)]) in (2, 3)
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and str(other) in told


def test_runs_without_anything_in_common_are_refused(finished, other, capsys):
    claims = json.loads((other / "claims.json").read_text())
    claims["grid"], claims["claims"] = [], []
    (other / "claims.json").write_text(json.dumps(claims))
    assert main([str(finished), str(other)]) == 2
    assert "no claim, cell and seed in common" in capsys.readouterr().err
