"""Real Ray processes on this machine: equal results, and nothing lost or done twice."""

import json
import os
import random
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stilts_repro.errors import MissingError
from stilts_repro.experiments import cluster, environment
from stilts_repro.machine import Machine
from stilts_repro.run.execution import run_claims
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed, start

ray = pytest.importorskip("ray", reason="needs Ray: pip install '.[cluster]'")
ROOT = Path(__file__).parents[2]
COMMAND = """
import sys
from dataclasses import replace
from pathlib import Path
from rich.console import Console
from stilts_repro.cli.reproduce import PrintedProgress
from stilts_repro.experiments.cluster import ray_workers
from stilts_repro.run.execution import run_claims
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed
if __name__ == "__main__":
    model, output, address = sys.argv[1:]
    request = narrowed(run_request(model, Path(output), NAMES))
    request = replace(request, workers=ray_workers(address))
    run_claims(request, PrintedProgress(Console(width=100)))
"""


@pytest.fixture(scope="module")
def local(tiny_model, tmp_path_factory):
    """What the local executor finds."""
    output = tmp_path_factory.mktemp("local") / "out"
    return run_claims(narrowed(run_request(tiny_model, output, NAMES)))


@pytest.fixture
def nodes(monkeypatch):
    """A head without room for jobs and two nodes with room for one each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    workers = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made, workers
    made.shutdown()


def begin(tmp_path, model, output, address):
    return start(tmp_path / "run.py", model, output, address, command=COMMAND)


def finished_jobs(output):
    return {path.parent.name for path in output.glob("jobs/[0-9a-f]*/manifest.json")}


def wait_for(output, count):
    deadline = time.monotonic() + 240
    while len(finished_jobs(output)) < count:
        assert time.monotonic() < deadline, "no job finishes"
        time.sleep(0.05)


def values(result):
    return [(c["id"], c["observed"]) for c in result["claims"]], result["grid"]


def test_a_dead_node_and_a_dead_driver_lose_nothing(nodes, local, tiny_model, tmp_path):
    made, workers = nodes
    output = tmp_path / "out"
    first = begin(tmp_path, tiny_model, output, made.address)
    wait_for(output, 1)
    made.remove_node(workers[0], allow_graceful=False)  # kills its processes
    wait_for(output, 2)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    done = finished_jobs(output)
    stamps = {job: (output / "jobs" / job).stat().st_ino for job in done}
    assert 2 <= len(done) < local["jobs"]["total"]

    second = begin(tmp_path, tiny_model, output, made.address)
    printed, complaints = second.communicate(timeout=400)
    assert second.returncode == 0, complaints
    assert len(finished_jobs(output)) == local["jobs"]["total"]
    # What was finished stayed as it was, and nothing is left over.
    assert {job: (output / "jobs" / job).stat().st_ino for job in done} == stamps
    assert not [*output.glob("jobs/.*"), *(output / "leases").iterdir()]
    again = run_claims(narrowed(run_request(tiny_model, output, NAMES)))
    assert again["jobs"]["reused"] == local["jobs"]["total"]
    assert values(again) == values(local)
    assert re.search(r"^\[.*\] hellaswag", printed, re.M)


def test_nodes_that_die_one_after_the_other_lose_nothing(nodes, local, tiny_model, tmp_path, times):
    wanted = times(0, 10)
    if not wanted:
        pytest.skip("tox -e soak does this; one node dies in the test before")
    made, (victim, _) = nodes
    rng, kills, rounds = random.Random(4), 0, 0
    while kills < wanted:
        rounds += 1
        output = tmp_path / str(rounds)
        run = begin(tmp_path, tiny_model, output, made.address)
        while run.poll() is None:
            time.sleep(rng.uniform(0.5, 3.0))
            if kills < wanted and run.poll() is None and finished_jobs(output):
                made.remove_node(victim, allow_graceful=False)
                kills += 1
                victim = made.add_node(num_cpus=1)
        _, complaints = run.communicate()
        assert run.returncode == 0, complaints
        found = run_claims(narrowed(run_request(tiny_model, output, NAMES)))
        assert found["jobs"]["reused"] == local["jobs"]["total"]
        assert values(found) == values(local)


def test_on_this_machine_without_a_cluster(local, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    request = narrowed(run_request(tiny_model, tmp_path / "out", NAMES[:1]))
    hopeless = dict.fromkeys(
        request.scale.target, replace(request.scale.target["udpos_en"], learning_rate=1e30)
    )
    broken = replace(request.scale, target=hopeless)
    result = run_claims(replace(request, scale=broken, workers=cluster.ray_workers(None)))
    assert result["failed"]["status"] == 2 and len(result["failed"]["jobs"]) == 2
    assert "is not a finite number" in result["claims"][0]["reason"]
    result = run_claims(replace(request, workers=cluster.ray_workers(None)))
    assert result["claims"][0]["observed"] == local["claims"][0]["observed"]
    assert result["jobs"]["reused"] == 3  # phase (ii), and retrieval before and after it
    json.dumps(result)


@pytest.mark.parametrize(
    ("device", "resources", "told"),
    [
        ("cpu", [{"CPU": 4.0}], ""),
        ("cpu", [{}], "no node has room for a job (num_cpus 2)"),
        ("cuda", [{"CPU": 64.0, "GPU": 1.0}] * 2, "no node has room for a job (num_gpus 2, num_"),
        ("cpu", [{"CPU": 4.0, "GPU": 1.0}], "it has GPUs; jobs compute as this machine does"),
    ],
)
def test_what_a_clusters_nodes_lack_is_told_before_jobs_wait(device, resources, told, capsys):
    machine = replace(Machine(), device=device, processes=2)
    dead = {"Alive": False, "Resources": {"CPU": 99.0, "GPU": 99.0}}
    nodes = [dead, *({"Alive": True, "Resources": held} for held in resources)]
    cluster._tell_of_lacks(machine, nodes)
    printed = capsys.readouterr().err
    assert printed.count("\n") == bool(told) and told in printed


def test_a_node_with_other_code_does_no_job(local, tiny_model, tmp_path, monkeypatch):
    """What it finds would stand under a hash that says other code made it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    request = narrowed(run_request(tiny_model, tmp_path / "out", NAMES[:1]))
    own = environment.fingerprint
    monkeypatch.setattr(environment, "fingerprint", lambda m: {**own(m), "code": "other"})
    result = run_claims(replace(request, workers=cluster.ray_workers(None)))
    assert result["failed"]["status"] == MissingError.exit_status
    assert ": other code than the main process has; install" in result["claims"][0]["reason"]


def test_no_cluster_at_the_address_is_one_line(tiny_model, tmp_path):
    request = narrowed(run_request(tiny_model, tmp_path / "out", NAMES[:1]))
    with pytest.raises(
        MissingError, match=r"--address: no Ray cluster at 127.0.0.1:1 \("
    ) as caught:
        run_claims(replace(request, workers=cluster.ray_workers("127.0.0.1:1")))
    assert "\n" not in str(caught.value)


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingError, match=r"Ray is not installed; .*\[cluster\]"):
        cluster.ray_workers(None)
