"""What one run survives: a job that fails, damage in its folder, a second run beside it."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stilts_repro.cli.store import main as look_after
from stilts_repro.experiments.leases import Leases
from stilts_repro.report.page import html, write_claims
from stilts_repro.report.table import markdown
from stilts_repro.run import execution
from stilts_repro.run.execution import Progress, run_claims
from tests.planning import SMALL
from tests.run.test_run_options import run_request

NAMES = ("squad_gain", "hellaswag_gain")
TARGETS = ("tatoeba", "udpos")


class Told(Progress):
    def __init__(self):
        self.failures, self.damages, self.jobs = {}, {}, []

    def damaged(self, complaints):
        self.damages |= complaints

    def finished(self, job, seconds):
        self.jobs.append(job.hash)

    def failed(self, job, reason):
        self.failures[job.title] = reason


def narrowed(request):
    return replace(request, claims=tuple(replace(c, targets=TARGETS) for c in request.claims))


def run(request):
    told = Told()
    return told, run_claims(request, told)


@pytest.fixture(scope="module")
def whole(tiny_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("surviving") / "out"
    request = narrowed(run_request(tiny_model, output, NAMES))
    told, result = run(request)
    write_claims(output, result)
    return request, told, result


def test_a_job_that_fails_takes_its_claims_along_and_no_others(whole, tmp_path):
    request, _, result = whole
    tasks = request.scale.intermediate
    hopeless = tasks | {"squad_v2": replace(SMALL, learning_rate=1e30)}
    broken = replace(
        request, output=tmp_path / "out", scale=replace(request.scale, intermediate=hopeless)
    )
    told, found = run(broken)
    squad, hellaswag = found["claims"]
    assert hellaswag["observed"] == result["claims"][1]["observed"]
    assert (squad["verdict"], squad["observed"]["values"]) == ("not_run", [])
    reason = r"squad_v2 \(seed 0\): .*the loss of squad_v2 at step \d+ is not a finite number"
    assert re.match(reason, squad["reason"])
    assert [*told.failures] == ["squad_v2 (seed 0)"]
    assert found["failed"]["status"] == 2
    assert {*found["failed"]["jobs"]} == {
        "squad_v2 (seed 0)",
        "squad_v2 -> retrieval (seed 0)",
        "squad_v2 -> udpos_en (seed 0)",
    }
    write_claims(tmp_path, found)
    assert "is not a finite number" in markdown(found) and "not a finite" in html(found)
    # The same command tries it again, and does nothing else again.
    told, found = run(broken)
    assert [*told.failures] == ["squad_v2 (seed 0)"] and told.jobs == []


def test_a_flipped_bit_in_a_model_is_found_and_what_stood_on_it_is_done_again(whole, tmp_path):
    request, _, result = whole
    output = shutil.copytree(request.output, tmp_path / "out")
    rng = random.Random(2)
    model = rng.choice(sorted(output.glob("jobs/*/model.safetensors")))
    data = bytearray(model.read_bytes())
    data[rng.randrange(len(data))] ^= 1
    model.write_bytes(data)
    told, found = run(replace(request, output=output))
    assert told.damages[model.parent.name] == f"{model}: is not what was written (SHA-256)"
    assert sum("was built on job" in told.damages[job] for job in told.damages) == len(TARGETS)
    assert sorted(told.jobs) == sorted(told.damages)
    assert [c["observed"] for c in found["claims"]] == [c["observed"] for c in result["claims"]]
    assert len([*output.glob("jobs/.damaged-*")]) == 1 + len(TARGETS)
    told, _ = run(replace(request, output=output))
    assert (told.damages, told.jobs) == ({}, [])


def test_damage_that_a_job_meets_is_mended_in_the_same_run(whole, tmp_path, monkeypatch, capsys):
    """Between the first look at all files and a job's own, a phase-(ii) model is damaged."""
    request, told, result = whole
    output = shutil.copytree(request.output, tmp_path / "out")
    kinds = {
        path.parent: json.loads(path.read_text())["job"]
        for path in output.glob("jobs/*/result.json")
    }
    leaf, start = next((path, job["start"]) for path, job in kinds.items() if job["start"])
    shutil.rmtree(leaf)
    prepare = execution.renewed

    def spoil(*given, **more):
        found = prepare(*given, **more)
        with (output / "jobs" / start / "model.safetensors").open("r+b") as file:
            file.write(b"spoilt")
        return found

    monkeypatch.setattr(execution, "renewed", spoil)
    told, found = run(replace(request, output=output))
    assert told.failures == {} and told.jobs == [start, leaf.name]
    assert [c["observed"] for c in found["claims"]] == [c["observed"] for c in result["claims"]]
    assert "is not what was written (SHA-256); it is done again" in capsys.readouterr().err


COMMAND = """
import sys
from dataclasses import replace
from pathlib import Path
from rich.console import Console
from stilts_repro.cli.reproduce import PrintedProgress
from stilts_repro.run.execution import run_claims
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
if __name__ == "__main__":
    model, output = sys.argv[1:]
    request = narrowed(run_request(model, Path(output), NAMES))
    run_claims(request, PrintedProgress(Console(width=100)))
"""


def start(script, *arguments, command=COMMAND):
    """Start a run in a process group of its own."""
    script.write_text(command)
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_two_runs_in_one_folder_share_the_jobs(whole, tiny_model, tmp_path):
    _, told, _ = whole
    output = tmp_path / "out"
    runs = [start(tmp_path / "run.py", tiny_model, output) for _ in range(2)]
    printed = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    done = [re.findall(r"^\[.*?\] (.*\(seed 0\))  (?!0\.0 s)", out, re.M) for out, _ in printed]
    done_twice = [title for title in done[0] if title in done[1]]
    assert (len(done[0]) + len(done[1]), done_twice) == (len(told.jobs), [])
    assert any("jobs are shared" in err for _, err in printed)
    assert list((output / "leases").iterdir()) == []


LONG = """
import sys
from dataclasses import replace
from pathlib import Path
from stilts_repro import stopping
from stilts_repro.commands import ended
from stilts_repro.run.execution import run_claims
from tests.planning import SMALL
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
def body():
    model, output = sys.argv[1:]
    request = narrowed(run_request(model, Path(output), NAMES))
    long = dict.fromkeys(request.scale.intermediate, replace(SMALL, epochs=100_000))
    with stopping.terminable():
        run_claims(replace(request, scale=replace(request.scale, intermediate=long)))
if __name__ == "__main__":
    sys.exit(ended("reproduce", body, resumes=True))
"""


def test_a_run_that_is_asked_to_end_leaves_checkpoints(tiny_model, tmp_path):
    output = tmp_path / "out"
    run = start(tmp_path / "run.py", tiny_model, output, command=LONG)
    deadline = time.monotonic() + 120
    while len([*output.glob("jobs/[!.]*")]) < 2:  # the baseline's; phase (ii) is under way
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(5.0)  # to read the data, and begin to train
    run.terminate()
    printed, complaints = run.communicate(timeout=60)
    assert (run.returncode, printed) == (143, "")
    assert complaints == "reproduce: stopped; the same command goes on from here\n"
    assert [*output.glob("checkpoints/*/checkpoint.json")]
    assert not [*output.glob("jobs/.*"), *(output / "leases").iterdir()]


def test_a_store_is_listed_checked_and_cleared(whole, tmp_path, capsys):
    request, told, _ = whole
    output = shutil.copytree(request.output, tmp_path / "out")
    jobs = sorted(told.jobs)
    assert look_after(["ls", str(output)]) == 0
    listed = capsys.readouterr().out
    assert all(job in listed for job in jobs) and "hellaswag -> udpos_en" in listed
    assert look_after(["verify", str(output)]) == 0
    assert capsys.readouterr().out == f"{len(jobs)} jobs, 0 damaged\n"
    kinds = {job: json.loads((output / f"jobs/{job}/result.json").read_text()) for job in jobs}
    leaf = next(job for job in jobs if kinds[job]["job"]["kind"] == "target")
    result = output / "jobs" / leaf / "result.json"
    result.write_text(result.read_text()[:-5])
    (output / "jobs" / f".unfinished-{leaf}-1-x").mkdir()
    (output / "records" / "0123.json").write_text("{}")
    assert look_after(["verify", str(output)]) == 2
    assert f"{leaf}/result.json: has" in "".join(capsys.readouterr().out.split("\n"))
    assert look_after(["ls", str(output)]) == 0
    assert "damaged" in capsys.readouterr().out
    run(replace(request, output=output))
    (output / "records" / "0123.json").write_text("{}")
    assert look_after(["gc", str(output)]) == 0
    assert capsys.readouterr().out.startswith("2 files and folders removed, ")
    assert look_after(["verify", str(output)]) == 0
    # What claims.json does not rest on goes only if that is asked for.
    claims = json.loads((output / "claims.json").read_text())
    claims["claims"] = claims["claims"][:1]
    (output / "claims.json").write_text(json.dumps(claims))
    for job in ("a1b2", "c3d4"):  # of trainings: one stopped, one under way
        (output / "checkpoints" / job).mkdir(parents=True)
    assert look_after(["gc", str(output)]) == 0
    assert len([*output.glob("checkpoints/*")]) == 2
    capsys.readouterr()
    (output / "jobs" / f"{leaf}.bak").mkdir()  # no job of ours
    there = {path.name for path in (output / "jobs").iterdir()}
    with Leases(output / "leases").borrowed("c3d4"):  # whose run claims.json is not yet of
        assert look_after(["gc", str(output), "--others"]) == 0
    assert "a run is at work here: finished jobs are left alone" in capsys.readouterr().out
    assert [path.name for path in output.glob("checkpoints/*")] == ["c3d4"]
    assert there == {path.name for path in (output / "jobs").iterdir()}
    (output / "jobs" / f"{leaf}.bak").rmdir()
    assert look_after(["gc", str(output), "--others"]) == 0
    left = {path.name for path in (output / "jobs").iterdir()}
    assert left < {*jobs} and len(left) == 5  # phase (ii), and two targets before and after it
    (output / "claims.json").unlink()  # as of a run that was stopped
    assert look_after(["gc", str(output), "--others"]) == 0
    assert left == {path.name for path in (output / "jobs").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["ls", "nowhere"], 3, "store: nowhere: no folder of a run"),
        (["look", "nowhere"], 2, "invalid choice: 'look'"),
        (["verify", "nowhere", "--others"], 2, "--others: goes with gc"),
    ],
)
def test_what_is_no_store_is_one_line(capsys, arguments, status, says):
    assert look_after(arguments) == status
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
