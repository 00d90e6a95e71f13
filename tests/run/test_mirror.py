"""Machines that share no folder, only a URL: here two folders, and a third that is the URL's."""

import json
import shutil
import threading
import time
from dataclasses import replace

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.cli.reproduce import main
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import mirror
from stilts_repro.experiments.manifest import MANIFEST
from stilts_repro.experiments.mirror import Mirrored, Remote
from stilts_repro.jsonio import canonical, content_hash
from tests.run.test_run_options import run_request
from tests.run.test_surviving import NAMES, narrowed, run


@pytest.fixture(scope="module")
def first(tiny_model, tmp_path_factory):
    """A run on one machine, and what it left at the URL."""
    folder = tmp_path_factory.mktemp("mirror")
    request = narrowed(run_request(tiny_model, folder / "first", NAMES[:1]))
    request = replace(request, url=f"file://{folder / 'there'}")
    return request, *run(request), folder / "there"


def elsewhere(first, tmp_path):
    """Return the request of another machine, whose URL is a copy of the first's."""
    shutil.copytree(first[-1], tmp_path / "there")
    return replace(first[0], output=tmp_path / "out", url=f"file://{tmp_path / 'there'}")


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def without_times(result):
    return [{k: v for k, v in claim.items() if k != "seconds"} for claim in result["claims"]]


def test_finished_jobs_lie_at_the_url_as_they_do_in_the_folder(first):
    request, told, _, there = first
    own = {name for name in files(request.output) if name.startswith(("jobs/", "records/"))}
    assert files(there) == own and len(told.jobs) == 5


def test_another_machine_has_them_without_doing_or_weighing_anything(first, tmp_path):
    request = elsewhere(first, tmp_path)
    told, result = run(request)
    assert told.jobs == [] and without_times(result) == without_times(first[2])
    assert not [*request.output.rglob("*.safetensors")] and [*request.output.rglob("record*/*")]


def test_a_job_that_is_left_has_the_weights_it_starts_from(first, tmp_path):
    request = elsewhere(first, tmp_path)
    there = tmp_path / "there"
    [left, *_] = [
        path.parent
        for path in there.glob("jobs/*/result.json")
        if json.loads(path.read_text())["job"]["start"] and "steps" in json.loads(path.read_text())
    ]
    (left / MANIFEST).unlink()  # as if whoever did it were killed while sending
    told, result = run(request)
    assert told.jobs == [left.name] and without_times(result) == without_times(first[2])
    assert len({path.parent for path in request.output.rglob("*.safetensors")}) == 1
    assert (left / MANIFEST).is_file()


def test_weights_that_are_not_what_was_sent_are_done_again(first, tmp_path):
    request = elsewhere(first, tmp_path)
    [weights] = (tmp_path / "there").rglob("model.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    for path in (tmp_path / "there").glob("jobs/*/manifest.json"):
        if path.parent != weights.parent:
            path.unlink()
    sent = weights.read_bytes()
    told, result = run(request)
    assert weights.parent.name in told.jobs and not told.failures
    assert without_times(result) == without_times(first[2])
    assert weights.read_bytes() != sent


def test_what_is_damaged_here_is_had_from_there_and_done_by_nobody(first, tmp_path):
    request = elsewhere(first, tmp_path)
    shutil.copytree(first[0].output, request.output)
    before = files(tmp_path / "there")
    [weights] = request.output.glob("jobs/*/model.safetensors")
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    told, result = run(request)
    assert weights.parent.name in told.damages and told.jobs == []
    assert weights.read_bytes() == data and files(tmp_path / "there") == before
    assert without_times(result) == without_times(first[2])


def test_two_processes_of_a_machine_bring_a_job_once(first, tmp_path, monkeypatch):
    """One has the lease and is slow; the other waits, and damages and removes nothing."""
    request = elsewhere(first, tmp_path)
    [weights] = (tmp_path / "there").rglob("model.safetensors")
    job = weights.parent.name
    slow, quick = (Mirrored(request.output, request.url) for _ in range(2))
    slow.prepare()
    assert slow.leases.take(job)
    monkeypatch.setattr(mirror, "POLL", 0.01)
    waiting = threading.Thread(target=quick.fetch, args=(job,), kwargs={"whole": True})
    waiting.start()
    time.sleep(0.1)
    assert waiting.is_alive() and not slow.folder(job).exists()
    slow._fetch(job)
    slow.leases.release(job)
    waiting.join(timeout=30)
    assert not waiting.is_alive() and quick.damage(job) is None
    assert (quick.folder(job) / "model.safetensors").is_file()


def test_what_cannot_be_sent_has_finished_all_the_same(tmp_path, monkeypatch, capsys):
    store = Mirrored(tmp_path / "out", f"file://{tmp_path / 'there'}")
    store.prepare()

    def refuse(*_):
        raise MissingError("--store file://there: cannot be reached")

    monkeypatch.setattr(store.remote, "send", refuse)
    with store.working("1a") as folder:
        (folder / "result.json").write_text('{"records": []}')
    assert store.done("1a")
    assert "cannot be reached; the next run sends job 1a" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "jobs/other/x", "records/../../x", "/tmp/x"])
def test_no_name_leads_out_of_a_job(tmp_path, name):
    there = tmp_path / "there" / "jobs" / "1a"
    there.mkdir(parents=True)
    entries = {name: {"size": 1, "sha256": "0"}}
    text = canonical({"files": entries, "hash": content_hash(entries)}) + "\n"
    (there / MANIFEST).write_text(text)
    store = Mirrored(tmp_path / "out", f"file://{tmp_path / 'there'}")
    store.prepare()
    assert not store.done("1a")
    assert store.finished() == []


def test_what_is_not_there_is_nothing(tmp_path):
    remote = Remote("memory://nothing")
    assert remote.names("jobs") == set() and remote.read("x") is None
    remote.fetch("x", tmp_path / "x")
    remote.remove("jobs/1a")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("url", "error", "status"),
    [("nothing://x", InputError, 2), ("dropbox://x", MissingError, 3)],
)
def test_a_url_that_cannot_be_used_is_one_line(tmp_path, capsys, url, error, status):
    with pytest.raises(error, match=f"^--store {url}: "):
        Remote(url)
    command = ["squad_gain", "--scale", "smoke", "--output", str(tmp_path), "--store", url]
    assert main(all_claims().values(), command) == status
    assert capsys.readouterr().err.count("\n") == 1
