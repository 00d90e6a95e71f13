"""One job on several GPUs or nodes: `torchrun ... -m reproduce`, `accelerate launch -m reproduce`.

All processes are the same command. The leading one plans, hands each job to all, and writes; the
others do their share of its training, and nothing else. What all processes meet alike, an
`InputError`, fails the job; anything else ends the process, and so the launcher ends all.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import distributed

from stilts_repro.errors import InputError
from stilts_repro.experiments.workers import work
from stilts_repro.machine import Machine

PROCESSES, NUMBER, ON_THIS_MACHINE = "WORLD_SIZE", "RANK", "LOCAL_RANK"  # what launchers set


def several() -> bool:
    """Say whether a launcher has started this process as one of several."""
    return int(os.environ.get(PROCESSES, "1")) > 1


def follows() -> bool:
    """Say whether it is one that another leads."""
    return several() and os.environ.get(NUMBER, "0") != "0"


def follow(machine: Machine) -> None:
    """Do this process's share of each job that the leading one hands out, to the last."""
    with _joined(machine):
        while arguments := _received():
            with suppress(InputError):  # the leading one tells
                work(*arguments)


@contextmanager
def leading(machine: Machine) -> Iterator[None]:
    """Lead the others in the block, if there are any; after it they have nothing more to do."""
    if not several():
        yield
        return
    with _joined(machine):
        yield
        _send(None)


@contextmanager
def all_workers(machine: Machine, most: int) -> Iterator[tuple["_Pool", int]]:
    """Give all processes together as one worker (`workers.Workers`), in a block of `leading`."""
    yield _Pool(), 1


class _Pool:
    def submit(self, work: Callable[..., float], /, *arguments: Any) -> Future[float]:
        """Have all processes do a job, at once."""
        future: Future[float] = Future()
        _send(arguments)
        try:
            future.set_result(work(*arguments))
        except InputError as error:
            future.set_exception(error)
        return future


def _send(message: object) -> None:
    distributed.broadcast_object_list([message])


def _received() -> Any:
    held: list[Any] = [None]
    distributed.broadcast_object_list(held)
    return held[0]


@contextmanager
def _joined(machine: Machine) -> Iterator[None]:
    """Be one of the processes in the block."""
    if machine.device == "cuda":
        torch.cuda.set_device(int(os.environ[ON_THIS_MACHINE]))
    torch.set_num_threads(machine.threads)
    distributed.init_process_group("nccl" if machine.device == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
