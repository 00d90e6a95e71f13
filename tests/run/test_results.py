"""The whole path, small: three phases from claims to claims.json, on rows of the testbed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.claims.schema import validate
from stilts_repro.report.page import write_claims
from stilts_repro.run.execution import Progress, run_claims
from stilts_repro.run.request import Request
from tests.planning import has_no_reference, small_scale


class Finished(Progress):
    """Titles of finished jobs; claims among them, as soon as they are measured."""

    def __init__(self):
        self.titles = []
        self.early = {}

    def finished(self, job, seconds):
        self.titles.append(job.title)

    def measured(self, claim):
        self.early[len(self.titles)] = claim


def run(model, output, names, seeds=(0,)):
    known = all_claims()
    progress = Finished()
    request = Request(
        claims=tuple(known[name] for name in names),
        scale=small_scale(),
        data="testbed",
        model=str(model),
        seeds=seeds,
        output=output,
    )
    return run_claims(request, progress), progress


def numbers(result):
    return {claim["id"]: claim["observed"] for claim in result["claims"]}


@pytest.fixture(scope="module")
def first(tiny_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("first")
    names = ["squad_gain", "mnli_gain", "published_tables"]
    return output, *run(tiny_model, output, names)


def test_a_run_writes_files_that_fit_their_schemas(first):
    output, result, _ = first
    write_claims(output, result)
    validate(json.loads((output / "claims.json").read_text()), "claims", "claims.json")
    records = list((output / "records").glob("*.json"))
    assert len(records) == 3 * 9 * 2  # rows of the grid, targets, parts
    for path in records:
        record = json.loads(path.read_text())
        validate(record, "record", path)
        assert path.stem == record["hash"]


def test_a_number_follows_from_its_records(first):
    output, result, _ = first
    (claim,) = (claim for claim in result["claims"] if claim["id"] == "squad_gain")
    records = [json.loads((output / f"records/{r}.json").read_text()) for r in claim["records"]]
    dev = [record for record in records if record["part"] == "dev"]
    by_row = {
        row: [r["score"] for r in dev if r["intermediate"] == row] for row in ("squad_v2", "none")
    }
    assert len(by_row["none"]) == len(by_row["squad_v2"]) == 9
    gain = (sum(by_row["squad_v2"]) - sum(by_row["none"])) / 9
    assert claim["observed"]["value"] == pytest.approx(gain, abs=1e-9)


def test_all_languages_of_the_testbed_are_scored(first):
    _, result, _ = first
    languages = {score["target"]: set(score["languages"]) for score in result["grid"]}
    assert len(languages["xnli"]) == len(languages["tydiqa"]) == len(languages["udpos"]) == 8
    assert len(languages["tatoeba"]) == 7
    assert len(languages["bucc2018"]) == 4


def test_a_second_run_gives_the_same_numbers_and_one_claim_alone_the_same_as_among_others(
    first, tiny_model, tmp_path
):
    _, result, _ = first
    again, _ = run(tiny_model, tmp_path, ["mnli_gain"])
    assert numbers(again)["mnli_gain"] == numbers(result)["mnli_gain"]
    scores = {tuple(s.values())[:4]: s["languages"] for s in result["grid"]}
    assert len(again["grid"]) == 2 * 9 * 2
    for score in again["grid"]:
        assert score["languages"] == scores[tuple(score.values())[:4]]


def test_a_finished_job_is_not_done_again(first, tiny_model):
    output, result, progress = first
    titles = progress.titles
    assert len(titles) == len(set(titles)) == 3 * 7 + 2  # none, squad_v2, mnli; two phases (ii)
    again, repeated = run(tiny_model, output, ["squad_gain", "mnli_gain"])
    assert repeated.titles == []
    assert again["jobs"] == {"total": 23, "reused": 23}
    assert numbers(again) == {k: v for k, v in numbers(result).items() if k != "published_tables"}


def test_claims_are_finished_in_their_order_and_told_at_once(first):
    """The first while the second's jobs are still to come; the last with the whole table."""
    _, result, progress = first
    ((jobs, entry),) = progress.early.items()
    assert entry == result["claims"][0]
    assert 2 * 7 + 1 <= jobs < 23
    assert all("mnli" in title for title in progress.titles[jobs + 1 :])


def test_another_seed_is_another_number(first, tiny_model, tmp_path):
    _, result, _ = first
    other, _ = run(tiny_model, tmp_path, ["mnli_gain"], seeds=(1,))
    assert numbers(other)["mnli_gain"] != numbers(result)["mnli_gain"]


def test_a_model_that_is_not_the_references_has_no_reference(first):
    _, result, _ = first
    *claims, published = result["claims"]
    assert all(map(has_no_reference, claims))
    assert published["verdict"] == "pass"


KILLED = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from test_results import run
if __name__ == "__main__":
    run(Path({model!r}), Path({output!r}), ["mnli_gain"])
"""


def finished_jobs(output):
    return sum(not path.name.startswith(".") for path in output.glob("jobs/*"))


def test_a_run_that_is_killed_goes_on_where_it_was(first, tiny_model, tmp_path):
    _, result, _ = first
    script = tmp_path / "killed.py"
    output = tmp_path / "out"
    script.write_text(
        KILLED.format(
            root=str(Path(__file__).parents[2]),
            tests=str(Path(__file__).parent),
            model=str(tiny_model),
            output=str(output),
        )
    )
    child = subprocess.Popen([sys.executable, str(script)])
    deadline = time.monotonic() + 120
    while finished_jobs(output) < 3 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    time.sleep(1.5)  # its workers notice and end
    done = finished_jobs(output)
    assert 3 <= done < 15
    resumed, progress = run(tiny_model, output, ["mnli_gain"])
    assert len(progress.titles) == 15 - done
    assert numbers(resumed)["mnli_gain"] == numbers(result)["mnli_gain"]
