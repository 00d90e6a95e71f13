"""Running jobs: each once what it starts from is there, by whatever workers there are."""

import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool

from stilts_repro.errors import MissingError, StiltsError, refusal
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Job, TargetTraining
from stilts_repro.experiments.manifest import Damage
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.workers import Pool, Room, Workers, local_workers, work
from stilts_repro.machine import Machine

Report = Callable[[Job, float], None]  # a job that has finished, and its seconds
Complain = Callable[[Job, Exception], None]  # a job that has failed, and why
POLL = 1.0  # seconds between two looks at what another run does
# Whatever is wrong is not the jobs' fault where so many in a row fail, or take their workers along.
FRUITLESS, DEATHS = 10, 5
KILLED = "most likely for want of memory; free some, and start the same command again"


def run_jobs(
    jobs: Mapping[str, Job],
    worlds: Mapping[str, World],
    store: Store,
    machine: Machine,
    report: Report,
    complain: Complain,
    *,
    keep_models: bool = False,
    workers: Workers = local_workers,
    known: Mapping[str, Job] | None = None,
) -> dict[str, Exception]:
    """Have `workers` do `jobs`, none of which is done; return, by hash, why some failed.

    `worlds` are those that the jobs' conditions name; `keep_models` keeps the targets' models. What
    starts from a job that failed fails with it; all others are run. A job that is found damaged by
    what starts from it is done again, once, if it is `known`. Raises what would stop any job:
    no room, no worker, many failures in a row.
    """

    def hand(pool: Pool, job: Job) -> Future[float]:
        world = worlds[job.condition.world]
        return pool.submit(work, job, world, store, machine, keep_models)

    def is_done(job: Job) -> bool:
        return store.done(job.hash, with_model=_keeps_model(job, keep_models))

    under_way = _UnderWay([*jobs.values()], store, hand, is_done, report, complain, known or {})
    while under_way.waiting:
        died = False
        with workers(machine, len(under_way.waiting)) as (pool, room):
            try:
                under_way.drain(pool, room)
            except BrokenProcessPool:
                died = True
        if died:  # and all others have ended: what they did is free for another run
            under_way.lose()
    return under_way.failed


def unfinished(
    jobs: Mapping[str, Job], store: Store, *, keep_models: bool
) -> tuple[dict[str, Job], dict[str, str]]:
    """Return those of `jobs` for which something is left to do, and by hash what is damaged.

    With `keep_models` targets' models are asked for as well. `jobs` are in an order in which each
    comes after what it starts from; what was built on a damaged job is to be done again, too.
    """
    left, damaged = {}, {}
    for name, job in jobs.items():
        there = store.folder(name).is_dir()
        damage = store.damage(name) if there else None
        if there and not damage and job.start in damaged:
            damage = f"{store.folder(name)}: was built on job {job.start}"
        if damage:
            damaged[name] = damage
        lacks = _keeps_model(job, keep_models) and not store.has_model(name)
        if damage or not there or lacks:
            left[name] = job
    return left, damaged


def renewed(
    jobs: Mapping[str, Job], store: Store, *, keep_models: bool
) -> tuple[dict[str, Job], dict[str, str]]:
    """Return what `unfinished` does, having set aside what is damaged, to be done again.

    Another run may do the same at this time: what is damaged is looked at once more when no other
    run can take it. What is whole again, from there or from elsewhere, is not left to do.
    """
    left, damaged = unfinished(jobs, store, keep_models=keep_models)
    if not damaged:
        return left, damaged
    for name in [name for name in damaged if store.leases.take(name)]:
        start = jobs[name].start
        # What it was built on may have been whole elsewhere, and be here again.
        stale = start in damaged and not store.folder(start or "").is_dir()
        if stale or store.damage(name):
            store.set_aside(name)
    for name in damaged:
        store.leases.release(name)  # if it was taken
    again, _ = unfinished({n: jobs[n] for n in damaged}, store, keep_models=keep_models)
    return {n: job for n, job in left.items() if n not in damaged or n in again}, damaged


def _keeps_model(job: Job, keep_models: bool) -> bool:
    """Say whether the model of a job is to stay besides its records."""
    return keep_models and isinstance(job, TargetTraining)


class _UnderWay:
    """The jobs of a run: those that wait, those that workers do, those that failed."""

    def __init__(
        self,
        waiting: list[Job],
        store: Store,
        hand: Callable[[Pool, Job], Future[float]],
        is_done: Callable[[Job], bool],
        report: Report,
        complain: Complain,
        known: Mapping[str, Job],
    ) -> None:
        self.known = known
        self.waiting = waiting
        self.running: dict[Future[float], Job] = {}
        self.failed: dict[str, Exception] = {}
        self.store, self.hand, self.is_done = store, hand, is_done
        self.report, self.complain = report, complain
        self._lost: dict[str, int] = {}  # how often a job's worker died
        self._in_a_row = self._deaths = 0  # failures, dead workers, since a job last finished
        self._shares = False  # with another run
        self._again: set[str] = set()  # jobs that met a damaged start

    def drain(self, pool: Pool, room: Room) -> None:
        """Run what waits, in order, but for jobs that wait for another.

        No more than there is `room` for are handed out: what comes first is finished first. A job
        whose worker died has all workers to itself. Raises `BrokenProcessPool` where one dies.
        """
        while self.waiting or self.running:
            lost = any(job.hash in self._lost for job in (*self.waiting, *self.running.values()))
            elsewhere = self._hand_out(pool, 1 if lost else room())
            if self.running:
                ended, _ = wait(self.running, POLL if elsewhere else None, FIRST_COMPLETED)
                for future in [future for future in self.running if future in ended]:
                    self._end(future)
            elif elsewhere:
                time.sleep(POLL)

    def lose(self) -> None:
        """Put back what was run when a worker died; what did so twice fails."""
        dead = [*self.running.values()]
        self.running = {}
        self._deaths += 1
        if self._deaths == DEATHS:
            raise MissingError(
                "worker processes die, most likely for want of memory; free some, and start the "
                "same command again to go on"
            )
        for job in reversed(dead):
            self.store.leases.release(job.hash)
            self._lost[job.hash] = self._lost.get(job.hash, 0) + 1
            if self._lost[job.hash] == 1:
                self.waiting.insert(0, job)
            else:
                self._fail(job, MissingError(f"its worker was killed twice, {KILLED}"))

    def _hand_out(self, pool: Pool, room: int) -> bool:
        """Give workers what can be done now; say whether another run does what waits here."""
        elsewhere = False
        pending = {job.hash for job in (*self.waiting, *self.running.values())}
        for job in [*self.waiting]:
            if len(self.running) >= room:
                break
            if job.start in pending:
                continue
            if not self.store.leases.take(job.hash):
                elsewhere = True
                self._tell_of(job)
                continue
            if self.is_done(job):  # by another run, meanwhile
                self.waiting.remove(job)
                self._finish(job, 0.0)
                pending.remove(job.hash)
                continue
            try:
                future = self.hand(pool, job)
            except BrokenProcessPool:  # a worker died since one last looked: this job did nothing
                self.store.leases.release(job.hash)
                raise
            self.waiting.remove(job)
            self.running[future] = job
        return elsewhere

    def _tell_of(self, job: Job) -> None:
        if not self._shares:
            self._shares = True
            told = f"{self.store.leases.owner(job.hash)} works in this folder too; jobs are shared"
            print(f"  {self.store.output}: {told}", file=sys.stderr, flush=True)

    def _end(self, future: Future[float]) -> None:
        job = self.running[future]
        try:
            seconds = future.result()
        except BrokenProcessPool:
            raise
        except Exception as error:
            del self.running[future]
            if isinstance(error, Damage) and self._begin_again(job, error):
                return
            self._in_a_row += 1
            if refusal(error):
                raise
            if self._in_a_row == FRUITLESS and isinstance(error, StiltsError):
                told = f"{FRUITLESS} jobs in a row failed, the last with: {error}"
                raise type(error)(told) from error
            if self._in_a_row == FRUITLESS:
                raise
            self._fail(job, error)
        else:
            del self.running[future]
            self._finish(job, seconds)

    def _begin_again(self, job: Job, error: Damage) -> bool:
        """Put a job back that met a damaged start, and the start, unless it is whole elsewhere.

        Say whether that is so: once a job, as the damage may be its disk's.
        """
        if job.start is None or job.start not in self.known or job.hash in self._again:
            return False
        self._again.add(job.hash)
        print(f"  {error}; it is done again", file=sys.stderr, flush=True)
        with self.store.leases.borrowed(job.start) as free:
            if free and self.store.damage(job.start):
                self.store.set_aside(job.start)
        self.store.leases.release(job.hash)
        self.waiting.insert(0, job)
        pending = {other.hash for other in (*self.waiting, *self.running.values())}
        if job.start not in pending and not self.store.folder(job.start).is_dir():
            self.waiting.insert(0, self.known[job.start])
        return True

    def _finish(self, job: Job, seconds: float) -> None:
        self._in_a_row = self._deaths = 0
        self._lost.pop(job.hash, None)
        self.store.fetch(job.hash)  # from whatever machine did it
        self.store.leases.release(job.hash)
        self.report(job, seconds)

    def _fail(self, job: Job, error: Exception) -> None:
        """Give a job up, and with it what starts from it."""
        self._lost.pop(job.hash, None)
        self.store.leases.release(job.hash)
        self.failed[job.hash] = error
        self.complain(job, error)
        self._lose(job.hash, f"{job.title}, which it starts from, failed")

    def _lose(self, lost: str, why: str) -> None:
        """Give up what starts from a job that is `lost`, and what starts from that."""
        for other in [other for other in self.waiting if other.start == lost]:
            self.waiting.remove(other)
            self.failed[other.hash] = MissingError(why)
            self._lose(other.hash, f"{other.title}, which it starts from, failed")
