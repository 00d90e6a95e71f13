"""Which GPU a worker takes, and what is said of a full one; no test here needs one."""

import errno
import os
import pickle
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import executor, forking, work
from stilts_repro.experiments.conditions import NONE
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import write_json
from stilts_repro.machine import PRECISION, Machine, take_gpu
from tests.planning import WORLD

TAKEN: list[int] = []


@pytest.fixture
def three_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)


def test_workers_take_a_gpu_each(three_gpus, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    machine = Machine.of({PRECISION: "fp32"})
    indices = executor.gpus(forking.start(), machine)
    for _ in range(machine.workers()):
        take_gpu(indices)
    assert taken == [0, 1, 2]
    assert machine.device == "cuda"  # without a number: the current one


def enter(indices):
    TAKEN.append(indices.get())


def taken_when_all_are_there(barrier):
    barrier.wait(60)
    return TAKEN


def test_the_indices_reach_other_processes(three_gpus):
    context = forking.start()
    indices = executor.gpus(context, Machine("cuda"))
    with context.Manager() as manager:
        barrier = manager.Barrier(3)
        with ProcessPoolExecutor(
            3, mp_context=context, initializer=enter, initargs=(indices,)
        ) as pool:
            found = [pool.submit(taken_when_all_are_there, barrier) for _ in range(3)]
            assert sorted(future.result() for future in found) == [[0], [1], [2]]


def test_on_a_cpu_there_is_none_to_take():
    assert executor.gpus(forking.start(), Machine()) is None


def test_a_full_gpu_is_one_line_that_says_what_to_set(monkeypatch, tmp_path):
    def full(job, world, store, machine, *, keep_models):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0")

    monkeypatch.setattr(work, "run_job", full)
    with pytest.raises(MissingError) as caught:
        executor.work(JOB, WORLD, tmp_path, Machine("cuda", tokens=8192), False)
    assert str(caught.value).startswith("mnli (seed 0): the GPU has too little memory; set STILTS")
    assert "below 8192" in str(caught.value)
    assert "\n" not in str(caught.value)


JOB = SimpleNamespace(title="mnli (seed 0)", hash="abc", start=None, condition=NONE)


def run_one(tmp_path):
    nothing = lambda *_: None  # noqa: E731
    return executor.run_jobs(
        {"abc": JOB}, {"": WORLD}, Store(tmp_path), Machine(), nothing, nothing
    )


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
        yield self.pool, min(self.pool.at_once, most)


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


@pytest.mark.parametrize(
    "error",
    [
        OSError("AF_UNIX path too long"),
        OSError(errno.ENOSPC, "No space left on device"),  # /dev/shm is full
        ImportError("This platform lacks a functioning sem_open implementation"),
        EOFError("unexpected EOF"),
    ],
)
def test_where_no_worker_can_be_started_one_line_says_what_they_need(monkeypatch, tmp_path, error):
    def none():
        raise error

    monkeypatch.setattr(forking, "start", none)
    with pytest.raises(MissingError, match=r"no worker process can be started \(.+TMPDIR\)$"):
        run_one(tmp_path)


class Odd(Exception):
    """One that cannot be sent between processes: it is not made from its arguments."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_whatever_a_job_raises_reaches_the_main_process(monkeypatch, tmp_path):
    def fail(job, world, store, machine, *, keep_models):
        raise Odd(1, 2)

    monkeypatch.setattr(work, "run_job", fail)
    with pytest.raises(RuntimeError, match=r"^Odd: 1 and 2$") as caught:
        executor.work(JOB, WORLD, tmp_path, Machine(), False)
    assert isinstance(caught.value.__cause__, Odd)


def test_an_error_of_the_system_keeps_its_number_and_file(monkeypatch, tmp_path):
    def fail(job, world, store, machine, *, keep_models):
        raise OSError(errno.ENOSPC, "No space left on device", "a.json")

    monkeypatch.setattr(work, "run_job", fail)
    with pytest.raises(OSError, match="No space") as caught:
        executor.work(JOB, WORLD, tmp_path, Machine(), False)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.filename) == (errno.ENOSPC, "a.json")


def test_a_worker_that_could_not_get_ready_says_so_with_its_first_job(monkeypatch, tmp_path):
    monkeypatch.setattr(executor, "_hindrances", [RuntimeError("CUDA error: busy")])
    with pytest.raises(RuntimeError, match="CUDA error: busy"):
        executor.work(JOB, WORLD, tmp_path, Machine(), False)


def test_what_stops_a_worker_from_getting_ready_prints_no_traceback(capfd):
    with ProcessPoolExecutor(
        1,
        mp_context=forking.start(),
        initializer=executor._enter_worker,
        initargs=(dict(os.environ), Machine(threads=0)),
    ) as pool:
        error = pool.submit(executor.work, JOB, WORLD, Path(), Machine(), False).exception()
    assert isinstance(error, RuntimeError) and "set_num_threads" in str(error)
    assert capfd.readouterr().err == ""
