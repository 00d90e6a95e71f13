"""A run from its request to the content of claims.json."""

import time
from collections.abc import Mapping
from typing import Any

from stilts_repro.claims.expected import Expected, load_expected
from stilts_repro.commands import told
from stilts_repro.experiments import environment
from stilts_repro.experiments.conditions import MAIN
from stilts_repro.experiments.executor import Report, renewed, run_jobs
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.scales import model_name
from stilts_repro.experiments.store import Store
from stilts_repro.run.origins import platform_of
from stilts_repro.run.request import Planned, Request, plan_of
from stilts_repro.run.results import Results
from stilts_repro.run.tables import tables_of


class Progress:
    """What a run tells while it goes; the default says nothing."""

    def planned(self, jobs: Mapping[str, Job], reused: int) -> None:
        """Take the plan's jobs and how many of them are finished already."""

    def damaged(self, complaints: Mapping[str, str]) -> None:
        """Take, by hash, what is wrong with finished jobs; they are set aside and done again."""

    def finished(self, job: Job, seconds: float) -> None:
        """Take a job that has just finished."""

    def failed(self, job: Job, reason: str) -> None:
        """Take a job that has just failed; the run goes on."""

    def measured(self, claim: Mapping[str, Any]) -> None:
        """Take a claim's entry as soon as its jobs have finished, while others are still run."""


def run_claims(request: Request, progress: Progress | None = None) -> dict[str, Any]:
    """Run what `request` asks for and return the content of claims.json.

    Bad input is found before anything is trained: expected files, model, folder and all rows are
    checked first. Raises `InputError` or `MissingError`.
    """
    started = time.perf_counter()
    progress = progress or Progress()
    expected = {claim.id: load_expected(claim.id, claim.file.parent) for claim in request.claims}
    store = request.store
    store.prepare()
    with store.used():
        planned = plan_of(request)
        plan, keep = planned.plan, request.keep_models
        store.meet(plan.jobs)
        left, damaged = renewed(plan.jobs, store, keep_models=keep)
        progress.damaged(damaged)
        reused = len(plan.jobs) - len(left)
        progress.planned(plan.jobs, reused)
        finished = _telling_early(request, planned, store, left, expected, progress)
        statuses: list[int] = []
        failures: dict[str, str] = {}

        def failed(job: Job, error: Exception) -> None:
            failures[job.hash], status = told(error, request.output, False)
            statuses.append(status)
            progress.failed(job, failures[job.hash])

        lost = run_jobs(
            *(left, plan.worlds, store, request.machine, finished, failed),
            keep_models=keep,
            workers=request.workers,
            known=plan.jobs,
        )
        failures = {job: failures.get(job) or str(error) for job, error in lost.items()}
        results = Results(request, planned, store, failures=failures)
        return {
            "scale": request.scale.name,
            "data": request.data,
            "model": f"{model_name(request.model)}@{plan.grounds[MAIN].setting.model_hash}",
            "settings": request.settings,
            "seconds": round(time.perf_counter() - started, 1),
            "versions": environment.versions(),
            "platform": platform_of(results.records),
            "jobs": {"total": len(plan.jobs), "reused": reused},
            "failed": {
                "status": max(statuses, default=0),
                "jobs": {plan.jobs[job].title: why for job, why in failures.items()},
            },
            "claims": [results.claim(claim, expected[claim.id]) for claim in request.claims],
            "gates": results.gates,
            # Studies name their own targets: no mean of theirs lacks one.
            "dark": {} if all(e.design for e in expected.values()) else dict(request.scale.dark),
            **tables_of(plan, results.results.values(), results.records),
        }


def _telling_early(
    request: Request,
    planned: Planned,
    store: Store,
    left: Mapping[str, Job],
    expected: Mapping[str, Expected],
    progress: Progress,
) -> Report:
    """Return what tells `progress` of each job, and of claims as soon as none of theirs is left."""
    waiting = [
        (claim, planned.jobs(claim, request.seeds) & left.keys()) for claim in request.running
    ]

    def finished(job: Job, seconds: float) -> None:
        progress.finished(job, seconds)
        for claim, rest in waiting:
            if job.hash in rest:
                rest.remove(job.hash)
                if not rest and any(others for _, others in waiting):
                    done = planned.jobs(claim, request.seeds)
                    results = Results(request, planned, store, done)
                    progress.measured(results.claim(claim, expected[claim.id]))

    return finished
