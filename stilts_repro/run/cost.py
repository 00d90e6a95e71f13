"""What a run would cost before it is begun: `python -m reproduce --plan`."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from stilts_repro.experiments.executor import unfinished
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.plan import Plan
from stilts_repro.run.counting import Cost, Costs
from stilts_repro.run.request import Request, plan_of
from stilts_repro.run.speed import Rates, largest_of, measure_rates, sizes, untimed


@dataclass(frozen=True)
class Estimate:
    """What a request costs.

    claims    how many of its claims have jobs
    whole     all its jobs, each once
    left      those that are not finished yet
    unshared  the same cells, each with trainings of its own
    workers   jobs that run at once, where there are as many
    rates     None where there is nothing to train, or nothing to time it on
    untimed   why there are no rates though there is something to train; '' otherwise
    together  the rates of one job on all cores, where jobs have one core each; else None
    models    how many models it trains; rates are the largest one's
    seconds_left
              what is left takes this machine so long; None without rates
    """

    claims: int
    whole: Cost
    left: Cost
    unshared: Cost
    workers: int
    rates: Rates | None
    untimed: str = ""
    together: Rates | None = None
    models: int = 1
    seconds_left: float | None = None

    @property
    def at_once(self) -> int:
        """Jobs that run at once: a worker has nothing to do where fewer are left than workers."""
        return max(1, min(self.workers, self.left.jobs))


def estimate(request: Request) -> Estimate:
    """Return what `request` costs on this machine; nothing is trained but for the rates.

    Reads, checks and tokenises all data, as the run would. A target's dev evaluations during
    training are left out, as early stopping may end them. Raises `InputError` or `MissingError`.
    """
    planned = plan_of(request)
    plan, store = planned.plan, request.store
    costs = Costs(plan)
    if plan.jobs:
        told = f"reproduce: counting the tokens of {len(plan.jobs)} jobs; a tokenizer's first time "
        print(f"{told}through many rows is long", file=sys.stderr, flush=True)
    left, _ = unfinished(plan.jobs, store, keep_models=request.keep_models)
    targets, seed = planned.survey.targets, request.seeds[0]
    machine, workers = request.machine, request.machine.workers()
    parameters = sizes(plan)
    why_not = untimed(parameters, machine)
    largest = None if why_not else largest_of(plan, costs, parameters)
    several = machine.device == "cpu" and machine.threads == 1 and workers > 1
    every_core = replace(machine, threads=workers)
    rates = measure_rates(largest, machine) if largest else None
    return Estimate(
        claims=sum(bool(claim.cells(targets, seed, planned.sets)) for claim in request.running),
        whole=_sum(costs.of(job) for job in plan.jobs.values()),
        left=_sum(costs.of(job) for job in left.values()),
        unshared=_sum(_alone(plan, costs)),
        workers=workers,
        rates=rates,
        untimed=why_not,
        models=len(parameters),
        together=measure_rates(largest, every_core) if largest and several else None,
        seconds_left=None
        if rates is None
        else makespan(left, lambda job: rates.seconds(costs.of(job)), workers),
    )


def makespan(jobs: Mapping[str, Job], seconds: Callable[[Job], float], workers: int) -> float:
    """Return how long so many workers take for `jobs`, handed out as the executor does.

    In their order, but for those that wait for what they start from; `seconds` are those of one.
    """
    waiting, running, now = [*jobs.values()], list[tuple[float, str]](), 0.0
    while waiting or running:
        pending = {job.hash for job in waiting} | {name for _, name in running}
        for job in [job for job in waiting if job.start not in pending]:
            if len(running) == workers:
                break
            waiting.remove(job)
            heappush(running, (now + seconds(job), job.hash))
        now, _ = heappop(running)
    return now


def _alone(plan: Plan, costs: Costs) -> Iterable[Cost]:
    """Yield what each cell costs that shares nothing with another."""
    for cell in plan.cells:
        job = plan.job_of(cell)
        own = costs.of(job)
        yield Cost(1, own.trainings, own.trained, costs.evaluation(job, cell.target))
        yield from map(costs.of, plan.behind(job))


def _sum(costs: Iterable[Cost]) -> Cost:
    return sum(costs, Cost())
