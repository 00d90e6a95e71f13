"""Doing a job: by its kind, as one of several processes or alone."""

from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import (
    IntermediateTraining,
    Job,
    RetrievalEvaluation,
    TargetTraining,
)
from stilts_repro.experiments.measurements import Retrieving, Target
from stilts_repro.experiments.records import forget_peak
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.trainings import Intermediate, Trainer, Work
from stilts_repro.jsonio import write_json
from stilts_repro.machine import Machine
from stilts_repro.training.ranks import Ranks


def run_job(
    job: Job, world: World, store: Store, machine: Machine, *, keep_models: bool = False
) -> None:
    """Do `job` in its world and leave it finished in `store`, where what it starts from must be.

    Of several processes that do it together, the leading one leaves it there.
    With `keep_models` a target's model stays in the job's folder, in transformers' own class.
    """
    forget_peak()
    work = WORK[type(job)](job, world, store, machine)
    if not Ranks.here().leads:
        if isinstance(work, Trainer):
            work.train()
        return
    with store.working(job.hash) as folder:
        result = {"job": job.describe()} | work.run(folder, keep_models=keep_models)
        result["seconds"] = work.meter.seconds
        write_json(folder / "result.json", result)


WORK: dict[type[Job], type[Work]] = {
    IntermediateTraining: Intermediate,
    TargetTraining: Target,
    RetrievalEvaluation: Retrieving,
}
