"""Running jobs: each once what it starts from is there, as many at once as cores or GPUs."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.context import BaseContext
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from stilts_repro.data.cache import CACHE, cache_root
from stilts_repro.errors import MissingError, reason
from stilts_repro.experiments import forking
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Job, TargetTraining
from stilts_repro.experiments.store import Store
from stilts_repro.machine import TOKENS, Machine, take_gpu
from stilts_repro.streams import steady

Report = Callable[[Job, float], None]  # a job that has finished, and its seconds
_hindrances: list[Exception] = []  # why this worker can do nothing: its first job says so


def run_local(
    jobs: Mapping[str, Job],
    worlds: Mapping[str, World],
    store: Store,
    machine: Machine,
    report: Report,
    *,
    keep_models: bool = False,
) -> None:
    """Run `jobs`, none of which is done, on this machine; `keep_models` keeps the targets' models.

    `worlds` are those that the jobs' conditions name. Raises the first job's error; the jobs that
    finished before stay finished.
    """
    if not jobs:
        return
    # The main process says where the cache is, or why there is none: workers would each say it.
    variables = {**os.environ, CACHE: str(cache_root() or "off")}
    with _starting():
        context = forking.start()
        workers = min(machine.workers(), len(jobs))
        pool = ProcessPoolExecutor(
            max_workers=workers,
            mp_context=context,
            initializer=_enter_worker,
            initargs=(variables, machine, gpus(context, machine)),
        )
    try:
        _run_all(pool, workers, [*jobs.values()], worlds, store, machine, report, keep_models)
    except BrokenProcessPool:
        raise MissingError(
            "a worker process died, most likely for want of memory; free some, and start the same "
            "command again to go on"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children = multiprocessing.active_children()
        for process in children:
            process.terminate()
        for process in children:  # none writes any more
            process.join(10)


@contextmanager
def _starting() -> Iterator[None]:
    """Say in one line why the block could start no process: `MissingError`."""
    try:
        yield
    except (OSError, EOFError, ImportError, NotImplementedError) as error:
        raise MissingError(
            f"no worker process can be started ({reason(error)}); workers need memory, processes, "
            "/dev/shm with some room, and a temporary folder with a short name (TMPDIR)"
        ) from None


def gpus(context: BaseContext, machine: Machine) -> "SimpleQueue[int] | None":
    """Return the GPUs that workers take one each of; None on a CPU."""
    if machine.device != "cuda":
        return None
    indices: SimpleQueue[int] = context.SimpleQueue()
    for index in range(machine.workers()):
        indices.put(index)
    return indices


def unfinished(jobs: Mapping[str, Job], store: Store, *, keep_models: bool) -> dict[str, Job]:
    """Return those of `jobs` for which something is left to do; with `keep_models`, a model too."""
    return {
        name: job
        for name, job in jobs.items()
        if not store.done(name, with_model=keep_models and isinstance(job, TargetTraining))
    }


def _run_all(
    pool: ProcessPoolExecutor,
    workers: int,
    todo: Sequence[Job],
    worlds: Mapping[str, World],
    store: Store,
    machine: Machine,
    report: Report,
    keep_models: bool,
) -> None:
    """Run jobs in the order of `todo`, but for those that still wait for another.

    No more are handed out than there are workers: what comes first is finished first.
    """
    waiting = list(todo)
    running: dict[Future[float], Job] = {}
    while waiting or running:
        pending = {job.hash for job in (*waiting, *running.values())}
        ready = (job for job in waiting if job.start not in pending)
        for job in [*islice(ready, workers - len(running))]:
            world = worlds[job.condition.world]
            with _starting():
                running[pool.submit(_work, job, world, store.output, machine, keep_models)] = job
            waiting.remove(job)
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            job = running.pop(future)
            report(job, future.result())


def _enter_worker(
    variables: Mapping[str, str], machine: Machine, indices: "SimpleQueue[int] | None" = None
) -> None:
    """Give the worker its threads and, of `indices`, its GPU; let it end with the main process.

    That is also where the main process was killed. `variables` are the main process's: they may
    have changed since the worker's helper started.
    """
    os.environ.clear()
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends its workers
    steady()
    _end_with_main()
    try:
        _prepare(machine, indices)
    except Exception as error:  # raised here it would be printed with its traceback
        _hindrances.append(error)


def _prepare(machine: Machine, indices: "SimpleQueue[int] | None") -> None:
    import torch
    from transformers.utils import logging

    torch.set_num_threads(machine.threads)
    torch.set_num_interop_threads(1)
    if indices is not None:
        take_gpu(indices)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _end_with_main() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in workers only"

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(job: Job, world: World, output: Path, machine: Machine, keep_models: bool) -> float:
    import torch

    from stilts_repro.experiments.work import run_job

    started = time.perf_counter()
    try:
        for hindrance in _hindrances:
            raise hindrance
        run_job(job, world, Store(output), machine, keep_models=keep_models)
    except torch.OutOfMemoryError:
        raise MissingError(
            f"{job.title}: the GPU has too little memory; set {TOKENS}, the tokens trained on at "
            f"once, below {machine.tokens} and start the same command again to go on"
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
