"""Jobs in their order, by workers that a test makes up: failures, deaths, other runs."""

import errno
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import executor
from stilts_repro.experiments.conditions import NONE
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import write_json
from stilts_repro.machine import Machine
from tests.planning import WORLD


class Pool:
    """Workers that do a job the moment it is handed out, as `outcomes` says; each job is noted."""

    def __init__(self, outcomes, at_once):
        self.outcomes, self.at_once = outcomes, at_once
        self.handed: list[str] = []

    def submit(self, work, job, *rest):
        self.handed.append(job.hash)
        future = Future()
        outcome = self.outcomes[job.hash]
        outcome = outcome.pop(0) if isinstance(outcome, list) else outcome
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(1.0)
        return future


class Night:
    """Jobs under way on a `Pool`, and what is told of them."""

    def __init__(self, tmp_path, outcomes, starts=None, at_once=2):
        jobs = {
            name: SimpleNamespace(
                title=f"job {name}", hash=name, start=(starts or {}).get(name), condition=NONE
            )
            for name in outcomes
        }
        store = Store(tmp_path / "out")
        store.prepare()
        self.finished, self.complaints, self.store = [], {}, store
        self.pool = Pool(outcomes, at_once)
        self.run = lambda: executor.run_jobs(
            jobs,
            {"": WORLD},
            store,
            Machine(),
            lambda job, seconds: self.finished.append(job.hash),
            lambda job, error: self.complaints.update({job.hash: error}),
            workers=self._workers,
        )

    @contextmanager
    def _workers(self, machine, most):
        yield self.pool, lambda: min(self.pool.at_once, most)


def test_a_job_that_fails_takes_only_what_starts_from_it_along(tmp_path, monkeypatch):
    bad = InputError("the loss at step 3 is not a finite number")
    outcomes = {"a": bad, "a1": None, "b": None, "b1": None, "c": None}
    night = Night(tmp_path, outcomes, {"a1": "a", "b1": "b"})
    failed = night.run()
    assert night.finished == ["b", "b1", "c"]
    assert night.complaints == {"a": bad}
    assert [*failed] == ["a", "a1"] and failed["a"] is bad
    assert str(failed["a1"]) == "job a, which it starts from, failed"
    assert list(night.store.leases.folder.iterdir()) == []


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only")]
)
def test_what_stops_any_job_stops_the_run(tmp_path, monkeypatch, error):
    night = Night(tmp_path, {"a": None, "b": error, "c": None}, at_once=1)
    with pytest.raises(OSError, match=error.strerror):
        night.run()
    assert night.finished == ["a"]


def test_many_failures_in_a_row_stop_the_run(tmp_path, monkeypatch):
    outcomes = {str(n): InputError(f"bad {n}") for n in range(executor.FRUITLESS + 5)}
    night = Night(tmp_path, outcomes, at_once=1)
    with pytest.raises(InputError, match=f"bad {executor.FRUITLESS - 1}"):
        night.run()


def test_a_job_whose_worker_died_is_done_again_alone(tmp_path, monkeypatch):
    outcomes = {"a": [BrokenProcessPool("dead"), None], "b": None, "c": None}
    night = Night(tmp_path, outcomes)
    assert night.run() == {}
    # With a worker all the others of the pool die: what they had not told of is done again, too.
    assert night.pool.handed == ["a", "b", "a", "b", "c"]
    assert sorted(night.finished) == ["a", "b", "c"]


def test_a_job_that_a_broken_pool_does_not_take_is_done_by_the_next(tmp_path):
    """A worker dies while the main process is at something else; the pool tells at the next job."""
    night = Night(tmp_path, {"a": None, "b": None, "c": None}, at_once=1)
    submit, broken = night.pool.submit, iter([False, True])

    def refuse(*given):
        if next(broken, False):
            raise BrokenProcessPool("dead")
        return submit(*given)

    night.pool.submit = refuse
    assert night.run() == {} and night.finished == ["a", "b", "c"]
    assert list(night.store.leases.folder.iterdir()) == []


def test_a_job_that_kills_its_worker_twice_fails_and_the_others_go_on(tmp_path, monkeypatch):
    outcomes = {"a": BrokenProcessPool("dead"), "a1": None, "b": None}
    night = Night(tmp_path, outcomes, {"a1": "a"}, at_once=1)
    failed = night.run()
    assert [*failed] == ["a", "a1"] and night.finished == ["b"]
    assert "its worker was killed twice, most likely for want of memory" in str(failed["a"])


def test_workers_that_die_whatever_they_do_stop_the_run(tmp_path, monkeypatch):
    outcomes = {name: BrokenProcessPool("dead") for name in "abcd"}
    night = Night(tmp_path, outcomes, at_once=1)
    with pytest.raises(MissingError, match="worker processes die, most likely for want of memory"):
        night.run()


def test_what_another_run_is_doing_is_waited_for_and_not_done_again(tmp_path, monkeypatch, capsys):
    night = Night(tmp_path, {"a": None, "b": None})
    other = Store(night.store.output)
    assert other.leases.take("a")

    def finish(_):
        with other.working("a") as folder:
            write_json(folder / "result.json", {"records": []})
        other.leases.release("a")

    monkeypatch.setattr(executor.time, "sleep", finish)
    assert night.run() == {}
    assert night.pool.handed == ["b"] and night.finished == ["b", "a"]
    assert "works in this folder too; jobs are shared" in capsys.readouterr().err


def test_what_was_built_on_a_damaged_job_is_done_again(tmp_path):
    store = Store(tmp_path / "out")
    store.prepare()
    jobs = {
        name: SimpleNamespace(hash=name, start=start)
        for name, start in (("a", None), ("a1", "a"), ("b", None), ("new", None))
    }
    for name in ("a", "a1", "b"):
        with store.working(name) as folder:
            write_json(folder / "result.json", {"records": []})
    assert executor.unfinished(jobs, store, keep_models=False) == ({"new": jobs["new"]}, {})
    (store.folder("a") / "result.json").write_text("{}")
    left, damaged = executor.unfinished(jobs, store, keep_models=False)
    assert [*left] == ["a", "a1", "new"]
    assert damaged["a"].endswith("result.json: has 2 bytes of 20")
    assert damaged["a1"].endswith("a1: was built on job a")
