"""Which GPU a worker takes, and what is said of a full one; no test here needs one."""

from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from stilts_repro.errors import MissingError
from stilts_repro.experiments import environment, executor, forking, work
from stilts_repro.training.arithmetic import TOKENS

TAKEN: list[int] = []


@pytest.fixture
def three_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)


def test_workers_take_a_gpu_each(three_gpus, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    indices = executor.gpus(forking.start())
    for _ in range(environment.workers()):
        environment.take_device(indices)
    assert taken == [0, 1, 2]
    assert environment.device() == torch.device("cuda")  # without a number: the current one


def enter(indices):
    TAKEN.append(indices.get())


def taken_when_all_are_there(barrier):
    barrier.wait(60)
    return TAKEN


def test_the_indices_reach_other_processes(three_gpus):
    context = forking.start()
    indices = executor.gpus(context)
    with context.Manager() as manager:
        barrier = manager.Barrier(3)
        with ProcessPoolExecutor(
            3, mp_context=context, initializer=enter, initargs=(indices,)
        ) as pool:
            found = [pool.submit(taken_when_all_are_there, barrier) for _ in range(3)]
            assert sorted(future.result() for future in found) == [[0], [1], [2]]


def test_on_a_cpu_there_is_none_to_take(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert executor.gpus(forking.start()) is None


def test_a_full_gpu_is_one_line_that_says_what_to_set(monkeypatch, tmp_path):
    def full(job, store, *, keep_models):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0")

    monkeypatch.setattr(work, "run_job", full)
    monkeypatch.setenv(TOKENS, "8192")
    with pytest.raises(MissingError) as caught:
        executor._work(SimpleNamespace(title="mnli (seed 0)"), tmp_path, False)
    assert str(caught.value).startswith("mnli (seed 0): the GPU has too little memory; set STILTS")
    assert "below 8192" in str(caught.value)
    assert "\n" not in str(caught.value)
