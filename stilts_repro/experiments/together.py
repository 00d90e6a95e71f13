"""One job on several GPUs: by a launcher, on several nodes too, or by `--gpus-per-job`.

Below `torchrun ... -m reproduce` or `accelerate launch -m reproduce` all processes are the same
command. The leading one plans, hands each job to all, and writes; the others do their share of its
training, and nothing else. With `--gpus-per-job` each worker starts such helpers for each job. An
`InputError`, which all processes meet alike or are told of (`Ranks.led`), fails the job; anything
else ends them all.
"""

import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import distributed

from stilts_repro import stopping
from stilts_repro.errors import InputError
from stilts_repro.experiments import forking
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.workers import Room, end_with_parent, prepare, work
from stilts_repro.machine import PROCESSES, Machine, launched
from stilts_repro.streams import steady

NUMBER, ON_THIS_MACHINE = "RANK", "LOCAL_RANK"  # what launchers set, beside how many there are
# Others wait while the leading process plans, translates or evaluates alone. One that dies is seen
# at once, by its launcher or its worker.
PATIENCE = timedelta(days=7)


MET, AGREEMENT = 3, 60.0  # a helper's status, and seconds for the worker to meet the same


def several() -> bool:
    """Say whether a launcher has started this process as one of several."""
    return launched(os.environ) > 1


def follows() -> bool:
    """Say whether it is one that another leads."""
    return several() and os.environ.get(NUMBER, "0") != "0"


def follow(machine: Machine) -> None:
    """Do this process's share of each job that the leading one hands out, to the last."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # launchers send it to all: the leading one ends
    with _joined(machine, _launched_on()):
        while arguments := _received():
            _, _, store, *_ = arguments
            store.prepare()  # of a machine that has its own
            with suppress(InputError):  # the leading one tells
                work(*arguments)


@contextmanager
def leading(machine: Machine) -> Iterator[None]:
    """Lead the others in the block, if there are any; after it they have nothing more to do."""
    if not several():
        yield
        return
    with _joined(machine, _launched_on()):
        try:
            yield
        finally:
            if not _Pool.at_work:  # else the others wait for something else, and end with this one
                _send(None)


@contextmanager
def all_workers(machine: Machine, most: int) -> Iterator[tuple["_Pool", Room]]:
    """Give all processes together as one worker (`workers.Workers`), in a block of `leading`."""
    yield _Pool(), lambda: 1


class _Pool:
    at_work = False  # whether processes are in the middle of a job

    def submit(self, work: Callable[..., float], /, *arguments: Any) -> Future[float]:
        """Have all processes do a job, at once.

        What fails it is in the future; what ends all processes is raised.
        """
        future: Future[float] = Future()
        _send(arguments)
        _Pool.at_work = True
        try:
            with stopping.heeded():
                future.set_result(work(*arguments))
        except InputError as error:
            future.set_exception(error)
        _Pool.at_work = False
        return future


def _launched_on() -> int:
    """Return the GPU that the launcher means this process to have.

    Raises `InputError` where it has not said all that its processes need to find each other.
    """
    for name in (NUMBER, ON_THIS_MACHINE, "MASTER_ADDR", "MASTER_PORT"):
        value = os.environ.get(name, "")
        if not value or (name != "MASTER_ADDR" and not value.isdecimal()):
            raise InputError(
                f"{name}={value:.40}: {PROCESSES} says that a launcher started this process among "
                "several; start it with torchrun, or unset it"
            )
    return int(os.environ[ON_THIS_MACHINE])


def _send(message: object) -> None:
    distributed.broadcast_object_list([message])


def _received() -> Any:
    held: list[Any] = [None]
    distributed.broadcast_object_list(held)
    return held[0]


@contextmanager
def helped(
    machine: Machine, gpus: Sequence[int], job: Job, world: World, store: Store
) -> Iterator[None]:
    """Do a job in the block with helpers, if it trains and `machine` has several processes a job.

    `gpus` are the processes', this one's first; none: as many as there are, in order. A helper that
    dies takes this process along: the job is begun again, or goes on from its last checkpoint.
    """
    if machine.processes == 1 or several() or not job.recipes:
        yield
        return
    count = machine.processes
    meeting = distributed.TCPStore("localhost", 0, count, is_master=True, wait_for_workers=False)
    given = dict(os.environ), machine, gpus or range(count), meeting.port, job, world, store
    context = forking.start()
    helpers = [context.Process(target=_help, args=(n, *given)) for n in range(1, count)]
    for helper in helpers:
        helper.start()
    over = threading.Event()
    threading.Thread(target=_end_with, args=(helpers, job.title, over), daemon=True).start()
    try:
        with _joined(machine, (gpus or [0])[0], store=meeting, rank=0, world_size=count):
            yield
    except RuntimeError:
        time.sleep(1.0)  # `_end_with` tells of a helper's death, not what breaks for want of it
        raise
    finally:
        over.set()
        for helper in helpers:  # whatever they wait for, nothing comes
            helper.kill()
            helper.join()


def _end_with(helpers: Sequence[BaseProcess], title: str, over: threading.Event) -> None:
    """End this process when a helper ends before it is `over`: it would be waited for for ever.

    One that has done its share is let go. One that ends with `MET` has met what this process meets
    too, or was told of.
    """
    left = [*helpers]
    while left:
        ended = multiprocessing.connection.wait([helper.sentinel for helper in left])
        for helper in [helper for helper in left if helper.sentinel in ended]:
            left.remove(helper)
            helper.join()
            if helper.exitcode == 0:
                continue
            if not over.wait(AGREEMENT if helper.exitcode == MET else 0.0):
                told = f"  {title}: a helper of it ended with status {helper.exitcode}"
                print(told, file=sys.stderr, flush=True)
                os._exit(1)


def _help(
    number: int,
    variables: Mapping[str, str],
    machine: Machine,
    gpus: Sequence[int],
    port: int,
    job: Job,
    world: World,
    store: Store,
) -> None:
    """Do the share of process `number` in the training of a job."""
    from stilts_repro.experiments.work import run_job

    os.environ.clear()
    os.environ.update(variables)
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.SIG_IGN)  # the worker leaves a checkpoint, and ends its helpers
    steady()
    end_with_parent()
    meeting = distributed.TCPStore("localhost", port, machine.processes)
    where = {"store": meeting, "rank": number, "world_size": machine.processes}
    try:
        with _joined(machine, gpus[number], **where):
            run_job(job, world, store, machine)
    except InputError:  # the worker tells
        sys.exit(MET)


@contextmanager
def _joined(machine: Machine, gpu: int, **meeting: Any) -> Iterator[None]:
    """Be one of the processes in the block; they find each other as `meeting` says."""
    if machine.device == "cuda":
        torch.cuda.set_device(gpu)
    prepare(machine)
    backend = "nccl" if machine.device == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE, **meeting)
    try:
        yield
    finally:
        distributed.destroy_process_group()
