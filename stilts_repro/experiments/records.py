"""The record: one evaluation, with everything its number may depend on."""

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any

import torch

from stilts_repro.errors import InputError
from stilts_repro.evaluation.confidence import Judged
from stilts_repro.evaluation.predict import largest_share
from stilts_repro.experiments import environment
from stilts_repro.experiments.conditions import MLM, World
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.jobs import Job
from stilts_repro.experiments.scales import model_name
from stilts_repro.jsonio import content_hash
from stilts_repro.machine import Machine
from stilts_repro.models.pretrained import location
from stilts_repro.tasks.targets import TARGET_TASKS

# More than one row of a hundred is no odd row any more: the score would be the breakage's.
MOST = 0.01


@dataclass
class Meter:
    """What a job spends: real tokens, and seconds by phase.

    `halvings` counts how often the memory was too small for what was trained on at once.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    tokens: int = 0
    halvings: int = 0
    _within: list[float] = field(default_factory=list, repr=False)  # a sum for each open phase

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to phase `name`, but for that of phases within it.

        A training is evaluated as it goes: no second counts twice.
        """
        started = time.perf_counter()
        self._within.append(0.0)
        try:
            yield
        finally:
            spent, inner = time.perf_counter() - started, self._within.pop()
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - inner
            if self._within:
                self._within[-1] += spent


@dataclass(frozen=True)
class Outcome:
    """What one evaluation came to: metrics in points and predictions, both by language.

    `metric` names the one that is the task's score; `broken` counts the rows that are wrong because
    the model's output was not finite; `floor` holds the metric of what takes no learning, where it
    is known; `settings` say how sentences were retrieved; `judged` holds a classifier's logits.
    """

    metric: str
    metrics: Mapping[str, Mapping[str, float]]
    predictions: Mapping[str, Any]
    broken: Mapping[str, int]
    floor: Mapping[str, float | None]
    settings: Mapping[str, Any] | None = None
    judged: Judged = field(default_factory=dict)


def tolerated(
    what: str, broken: Mapping[str, Sequence[int]], of: Mapping[str, int]
) -> dict[str, int]:
    """Return how many rows of each language count as wrong, and say so on stderr.

    `what` names job, task and part; `broken` holds the places of such rows, `of` how many rows
    there are. Raises `InputError` where they are more than one, and more than `MOST`, of a
    language's.
    """
    found = {code: places for code, places in broken.items() if places}
    for code, places in found.items():
        told = (
            f"{what}, {code}: the model's output is not finite on {len(places)} of {of[code]} rows "
            f"(the first is row {places[0]})"
        )
        if len(places) > max(1, MOST * of[code]):
            raise InputError(f"{told}; its weights are broken or overflow, use another model")
        print(f"  {told}; counted as wrong", file=sys.stderr, flush=True)
    return {code: len(places) for code, places in found.items()}


def make_record(
    job: Job, world: World, inventory: Inventory, task: str, part: str, outcome: Outcome
) -> dict[str, Any]:
    """Return the record of `task`'s `part`; the score is the plain mean over languages (XTREME)."""
    metric, languages = outcome.metric, outcome.metrics
    row, rows = TARGET_TASKS[task], inventory.evaluation(task, part)
    record: dict[str, Any] = {
        "hash": content_hash([job.hash, task, part]),
        "job": job.hash,
        "task": task,
        "task_version": row.version,
        "part": part,
        "split": inventory.split_name(task, part),
        "intermediate": str(job.condition),
        "crosses": job.setting.crosses,
        "seed": job.seed,
        "metric": metric,
        "score": fmean(metrics[metric] for metrics in languages.values()),
        "absent": [code for code in inventory.due_languages(task) if code not in languages],
        "n": sum(len(rows[code]) for code in languages),
        "languages": {
            code: {
                "score": metrics[metric],
                "n": len(rows[code]),
                "floor": outcome.floor.get(code),
                "largest_share": largest_share(outcome.predictions[code]),
                "metrics": dict(metrics),
            }
            for code, metrics in languages.items()
        },
        "data": {
            "source": world.data,
            "id": f"{row.repo} {row.config}",
            "revision": inventory.revision(task, part, languages),
            "content_hash": job.data[task],
        },
        "model": {
            "id": model_name(world.model),
            "revision": location(world.model).get("revision"),
            "hash": job.setting.model_hash,
        },
        "recipe": {name: asdict(recipe) for name, recipe in job.recipes.items()},
    }
    if outcome.broken:
        record["not_finite"] = dict(outcome.broken)
    if outcome.settings is not None:
        record["retrieval"] = dict(outcome.settings)
    return record


def circumstances(meter: Meter, machine: Machine, attention: str) -> dict[str, Any]:
    """Return the part of a record on how it was computed, and what the job has spent so far."""
    return {
        "versions": environment.versions(),
        "git": environment.git_state(),
        "device": machine.name,
        "platform": environment.platform_name(machine),
        "precision": machine.precision,
        "threads": machine.threads,
        "tokens_at_once": machine.tokens,
        "attention": attention,
        "tokens": meter.tokens,
        "seconds": {name: round(value, 3) for name, value in meter.seconds.items()},
        "peak_memory": peak_memory(),
        "halvings": meter.halvings,
    }


def phase_two(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what records say of phase (ii), from its job's result; None where there was none."""
    if not result:
        return None
    job = result["job"]
    recipes = job["recipes"] | ({MLM: job["continued"]} if job["continued"] else {})
    training = {key: result[key] for key in ("steps", "tokens", "sampler")}
    return {"job": job["hash"], "tasks": [*recipes], "recipe": recipes} | training


def translations(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what records say of phase (ii)'s translated rows, by task; {} where it had none."""
    read = result.get("data", {})
    told = {task: data["translation"] for task, data in read.items() if "translation" in data}
    return {"translation": told} if told else {}


def forget_peak() -> None:
    """Let the GPU's peak memory begin anew, with a job."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> dict[str, float | None]:
    """Return the peak memory in MiB: the process's on the host, the job's on the GPU, if any.

    A worker does one job after another. What its earlier jobs took on the host is in the peak.
    """
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    gpu = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None
    return {"host": round(host, 1), "device": None if gpu is None else round(gpu, 1)}
