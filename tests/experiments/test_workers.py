"""Worker processes: which GPU one takes, and what is told of those that cannot start or go on."""

import errno
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from stilts_repro.errors import MissingError
from stilts_repro.experiments import executor, forking, work, workers
from stilts_repro.experiments.conditions import NONE
from stilts_repro.experiments.store import Store
from stilts_repro.machine import PRECISION, Machine
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
    indices = workers.gpus(forking.start(), machine)
    for _ in range(machine.workers()):
        workers.take_gpus(indices)
    assert taken == [0, 1, 2]
    assert machine.device == "cuda"  # without a number: the current one


def enter(indices):
    TAKEN.append(indices.get())


def taken_when_all_are_there(barrier):
    barrier.wait(60)
    return TAKEN


def test_the_indices_reach_other_processes(three_gpus):
    context = forking.start()
    indices = workers.gpus(context, Machine("cuda"))
    with context.Manager() as manager:
        barrier = manager.Barrier(3)
        with ProcessPoolExecutor(
            3, mp_context=context, initializer=enter, initargs=(indices,)
        ) as pool:
            found = [pool.submit(taken_when_all_are_there, barrier) for _ in range(3)]
            assert sorted(future.result() for future in found) == [[[0]], [[1]], [[2]]]
    assert workers.gpus(context, Machine("cuda", processes=2)).get() == [0, 1]  # the third idles


def test_on_a_cpu_there_is_none_to_take():
    assert workers.gpus(forking.start(), Machine()) is None


def test_a_full_gpu_is_one_line_that_says_what_to_do(monkeypatch, tmp_path):
    def full(job, world, store, machine, *, keep_models):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0")

    monkeypatch.setattr(work, "run_job", full)
    with pytest.raises(MissingError) as caught:
        workers.work(JOB, WORLD, tmp_path, Machine("cuda", tokens=8192), False)
    assert str(caught.value).startswith("mnli (seed 0): the GPU has too little memory, ")
    assert "more GPUs each (--gpus-per-job)" in str(caught.value)
    assert "\n" not in str(caught.value)


JOB = SimpleNamespace(title="mnli (seed 0)", hash="abc", start=None, condition=NONE)


def run_one(tmp_path):
    nothing = lambda *_: None  # noqa: E731
    return executor.run_jobs(
        {"abc": JOB}, {"": WORLD}, Store(tmp_path), Machine(), nothing, nothing
    )


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
        workers.work(JOB, WORLD, tmp_path, Machine(), False)
    assert isinstance(caught.value.__cause__, Odd)


def test_an_error_of_the_system_keeps_its_number_and_file(monkeypatch, tmp_path):
    def fail(job, world, store, machine, *, keep_models):
        raise OSError(errno.ENOSPC, "No space left on device", "a.json")

    monkeypatch.setattr(work, "run_job", fail)
    with pytest.raises(OSError, match="No space") as caught:
        workers.work(JOB, WORLD, tmp_path, Machine(), False)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.filename) == (errno.ENOSPC, "a.json")


def test_a_worker_that_could_not_get_ready_says_so_with_its_first_job(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "_hindrances", [RuntimeError("CUDA error: busy")])
    with pytest.raises(RuntimeError, match="CUDA error: busy"):
        workers.work(JOB, WORLD, tmp_path, Machine(), False)


def test_what_stops_a_worker_from_getting_ready_prints_no_traceback(capfd):
    with ProcessPoolExecutor(
        1,
        mp_context=forking.start(),
        initializer=workers._enter_worker,
        initargs=(dict(os.environ), Machine(threads=0)),
    ) as pool:
        error = pool.submit(workers.work, JOB, WORLD, Path(), Machine(), False).exception()
    assert isinstance(error, RuntimeError) and "set_num_threads" in str(error)
    assert capfd.readouterr().err == ""
