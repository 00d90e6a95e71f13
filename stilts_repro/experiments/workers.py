"""Worker processes of this machine, as many at once as cores or GPUs; and what a worker does."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from typing import Any, Protocol

from stilts_repro import stopping
from stilts_repro.data.cache import CACHE, cache_root
from stilts_repro.errors import MissingError, reason
from stilts_repro.experiments import forking
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.store import Store
from stilts_repro.machine import Machine
from stilts_repro.streams import silence_libraries, steady

GRACE = 25.0  # seconds that workers have to leave checkpoints; SLURM kills after 30
_hindrances: list[Exception] = []  # why this worker can do nothing: its first job says so
_gpus: list[int] = []  # this worker's


class Pool(Protocol):
    """Workers that jobs are handed to, as `concurrent.futures` has it."""

    def submit(self, work: Callable[..., float], /, *arguments: Any) -> Future[float]:
        """Have a worker do `work`; `BrokenProcessPool` in the future: the worker died."""
        ...


Room = Callable[[], int]  # how many jobs may be handed out at once, now
Workers = Callable[[Machine, int], AbstractContextManager[tuple[Pool, Room]]]


@contextmanager
def local_workers(machine: Machine, most: int) -> Iterator[tuple[ProcessPoolExecutor, Room]]:
    """Give processes of this machine, at most `most` of them, and how many they are."""
    # The main process says where the cache is, or why there is none: workers would each say it.
    variables = {**os.environ, CACHE: str(cache_root() or "off")}
    workers = min(machine.workers(), most)
    with starting():
        context = forking.start()
        pool = _Processes(
            max_workers=workers,
            mp_context=context,
            initializer=_enter_worker,
            initargs=(variables, machine, gpus(context, machine)),
        )
    try:
        yield pool, lambda: workers
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end_workers(multiprocessing.active_children())


class _Processes(ProcessPoolExecutor):
    """Processes that are started as jobs come."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        """Have one of them do `work`; `MissingError` where it cannot be started."""
        with starting():
            return super().submit(work, *arguments, **more)


def _end_workers(workers: Sequence[BaseProcess]) -> None:
    """End worker processes; what they train is left in a checkpoint first."""
    for process in workers:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in workers:  # none writes any more
        process.join(max(0.0, deadline - time.monotonic()))
    for process in workers:
        process.kill()
        process.join()


@contextmanager
def starting() -> Iterator[None]:
    """Say in one line why the block could start no process: `MissingError`."""
    try:
        yield
    except (OSError, EOFError, ImportError, NotImplementedError) as error:
        raise MissingError(
            f"no worker process can be started ({reason(error)}); workers need memory, processes, "
            "/dev/shm with some room, and a temporary folder with a short name (TMPDIR)"
        ) from None


def gpus(context: BaseContext, machine: Machine) -> "SimpleQueue[list[int]] | None":
    """Return the GPUs that workers take, as many each as a job has; None on a CPU."""
    if machine.device != "cuda":
        return None
    shares: SimpleQueue[list[int]] = context.SimpleQueue()
    for first in range(0, machine.workers() * machine.processes, machine.processes):
        shares.put([*range(first, first + machine.processes)])
    return shares


def take_gpus(shares: "SimpleQueue[list[int]]") -> None:
    """Make the next of `shares` this process's: "cuda" without a number means its first GPU then.

    Each worker takes one as it starts; without it all would share the first.
    """
    import torch

    _gpus[:] = shares.get()
    torch.cuda.set_device(_gpus[0])


def _enter_worker(
    variables: Mapping[str, str], machine: Machine, shares: "SimpleQueue[list[int]] | None" = None
) -> None:
    """Give the worker its threads and, of `shares`, its GPUs; let it end with the main process.

    That is also where the main process was killed. `variables` are the main process's: they may
    have changed since the worker's helper started.
    """
    os.environ.clear()
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends its workers
    signal.signal(signal.SIGTERM, stopping.request)
    steady()
    end_with_parent()
    try:
        prepare(machine)
        if shares is not None:
            take_gpus(shares)
    except Exception as error:  # raised here it would be printed with its traceback
        _hindrances.append(error)


def prepare(machine: Machine) -> None:
    """Give this process the threads of a job; transformers is to say nothing."""
    import torch
    from transformers.utils.logging import disable_progress_bar

    torch.set_num_threads(machine.threads)
    if torch.get_num_interop_threads() != 1:  # of a process that did a job before, it is
        torch.set_num_interop_threads(1)
    silence_libraries()
    disable_progress_bar()


def end_with_parent() -> None:
    """Let this process end when its parent does, however that ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in processes that another started"

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def work(job: Job, world: World, store: Store, machine: Machine, keep_models: bool) -> float:
    """Do a job in this process; return the seconds that it took."""
    import torch

    from stilts_repro.experiments.together import helped
    from stilts_repro.experiments.work import run_job

    started = time.perf_counter()
    try:
        for hindrance in _hindrances:
            raise hindrance
        with helped(machine, _gpus, job, world, store):
            run_job(job, world, store, machine, keep_models=keep_models)
    except torch.OutOfMemoryError:
        raise MissingError(
            f"{job.title}: the GPU has too little memory, even for a quarter of a step or batch; "
            "give jobs more of it, or more GPUs each (--gpus-per-job)"
        ) from None
    except Exception as error:
        _check_travels(error)
        raise
    return time.perf_counter() - started


def _check_travels(error: Exception) -> None:
    """Raise what says the same where `error` itself cannot be sent to the main process.

    It would be taken for a worker's death there.
    """
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
