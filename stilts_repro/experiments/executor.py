"""Running jobs: each once what it starts from is there, as many at a time as there are cores."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from stilts_repro.errors import StiltsError
from stilts_repro.experiments.environment import workers
from stilts_repro.experiments.plan import Job
from stilts_repro.experiments.store import Store

Report = Callable[[Job, float], None]  # a job that has finished, and its seconds


def run_local(jobs: Mapping[str, Job], store: Store, report: Report) -> None:
    """Run the jobs that are not done, on this machine.

    Raises the first job's error; the jobs that finished before stay finished.
    """
    todo = [job for job in jobs.values() if not store.done(job.hash)]
    if not todo:
        return
    pool = ProcessPoolExecutor(
        max_workers=min(workers(), len(todo)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_enter_worker,
        initargs=(os.getpid(),),
    )
    try:
        _run_all(pool, todo, store, report)
    except BrokenProcessPool:
        raise StiltsError(
            "a worker process died (out of memory?); start the same command again to go on"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()


def _run_all(pool: ProcessPoolExecutor, todo: Sequence[Job], store: Store, report: Report) -> None:
    waiting = list(todo)
    running: dict[Future[float], Job] = {}
    while waiting or running:
        ready = [job for job in waiting if job.start is None or store.done(job.start)]
        # Trainings that others wait for go first.
        for job in sorted(ready, key=lambda job: job.kind != "intermediate"):
            running[pool.submit(_work, job, store.output)] = job
            waiting.remove(job)
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            job = running.pop(future)
            report(job, future.result())


def _enter_worker(parent: int) -> None:
    """Give the worker one thread, and let it end when the main process is gone (even killed)."""
    import torch
    from transformers.utils import logging

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends its workers
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(job: Job, output: Path) -> float:
    from stilts_repro.experiments.work import run_job

    started = time.perf_counter()
    run_job(job, Store(output))
    return time.perf_counter() - started
