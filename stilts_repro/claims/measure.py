"""One run: from claims to cells to jobs, and back from records to verdicts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from stilts_repro.claims.check import check
from stilts_repro.claims.expected import Expected, load_expected
from stilts_repro.claims.grid import Claim, Scores
from stilts_repro.experiments import environment
from stilts_repro.experiments.executor import run_local
from stilts_repro.experiments.plan import Job, Plan, Setting
from stilts_repro.experiments.scales import Scale, model_name
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.store import Store
from stilts_repro.models.backbone import fingerprint, load_tokenizer


@dataclass(frozen=True)
class Request:
    """What to run: claims at a scale, on data, from a model, once a seed, into a folder."""

    claims: tuple[Claim, ...]
    scale: Scale
    data: str
    model: str
    seeds: tuple[int, ...]
    output: Path
    skip_missing: bool = False


class Progress:
    """What a run tells while it goes; the default says nothing."""

    def planned(self, jobs: Mapping[str, Job], reused: int) -> None:
        """Take the plan's jobs and how many of them are finished already."""

    def finished(self, job: Job, seconds: float) -> None:
        """Take a job that has just finished."""


def measure(request: Request, progress: Progress | None = None) -> dict[str, Any]:
    """Run what `request` asks for and return the content of claims.json.

    Bad input is found before anything is trained: expected files, model, folder and all rows are
    checked first. Raises `InputError` or `MissingError`.
    """
    started = time.perf_counter()
    progress = progress or Progress()
    expected = {claim.id: load_expected(claim.id) for claim in request.claims}
    store = Store(request.output)
    store.prepare()
    with store.locked():
        plan = _plan(request)
        reused = sum(store.done(job) for job in plan.jobs)
        progress.planned(plan.jobs, reused)
        run_local(plan.jobs, store, progress.finished)
        measured = _Measured(request, plan, store)
        return {
            "scale": request.scale.name,
            "data": request.data,
            "model": f"{model_name(request.model)}@{plan.setting.model_hash}",
            "seconds": round(time.perf_counter() - started, 1),
            "versions": environment.versions(),
            "jobs": {"total": len(plan.jobs), "reused": reused},
            "claims": [measured.claim(claim, expected[claim.id]) for claim in request.claims],
            "grid": measured.grid(),
            "intermediate": measured.intermediate(),
            "retrieval": measured.retrieval(),
        }


def _plan(request: Request) -> Plan:
    """Return the jobs of all claims; reads and checks the data they need."""
    claims = [claim for claim in request.claims if claim.intermediates]
    if claims:
        load_tokenizer(request.model)
    inventory = inventory_of(request.data, request.scale.evaluation_rows)
    if claims:
        rows = {name: recipe.rows for name, recipe in request.scale.target.items()}
        inventory.survey(rows, skip_missing=request.skip_missing)
    setting = Setting(
        scale=request.scale.name,
        model=request.model,
        model_hash=fingerprint(request.model),
        data=request.data,
        evaluation_rows=request.scale.evaluation_rows,
        retrieval_length=request.scale.retrieval_length,
        environment=environment.fingerprint(),
    )
    plan = Plan(request.scale, setting, inventory)
    for seed in request.seeds:
        for claim in claims:
            plan.add(claim.cells(inventory.targets, seed))
    return plan


class _Measured:
    """The records of a finished plan, seen as scores, claims and the report's tables."""

    def __init__(self, request: Request, plan: Plan, store: Store) -> None:
        self.request = request
        self.plan = plan
        self.results = {identity: store.result(identity) for identity in plan.jobs}
        self.records = [
            store.record(record) for result in self.results.values() for record in result["records"]
        ]

    def scores(self, seed: int) -> Scores:
        """Return all scores of one seed."""
        return Scores(
            {
                (record["intermediate"], record["task"], record["part"]): record["score"]
                for record in self.records
                if record["seed"] == seed
            }
        )

    def claim(self, claim: Claim, expected: Expected) -> dict[str, Any]:
        """Return the claim's entry in claims.json."""
        targets = self.plan.inventory.targets if claim.intermediates else ()
        # Arithmetic on published numbers has no seed.
        scores = [self.scores(s) for s in self.request.seeds] if targets else [Scores({})]
        values = [claim.value(held, targets) for held in scores]
        result = check(
            expected, values, self.request.scale.name, comparable=self._comparable(expected)
        )
        jobs = self._jobs(claim)
        return {
            "id": claim.id,
            "statement": expected.statement,
            "unit": expected.unit,
            "paper": expected.paper.value,
            "observed": {"value": fmean(values), "values": values},
            "details": [claim.details(held, targets) for held in scores] if claim.details else [],
            "targets": list(targets),
            "left_out": self.plan.inventory.left_out if claim.intermediates else {},
            "records": [record["hash"] for record in self.records if record["job"] in jobs],
            "seconds": round(sum(self._seconds(job) for job in jobs), 1),
            **result.as_json(),
        }

    def grid(self) -> list[dict[str, Any]]:
        """Return every score with its languages."""
        return [
            {
                "intermediate": record["intermediate"],
                "target": record["task"],
                "seed": record["seed"],
                "part": record["part"],
                "split": record["split"],
                "score": record["score"],
                "metric": record["metric"],
                "languages": {code: v["score"] for code, v in record["languages"].items()},
            }
            for record in self.records
        ]

    def intermediate(self) -> list[dict[str, Any]]:
        """Return what phase (ii) came to: steps, task weights, and its own tasks' dev metrics."""
        return [
            {
                "intermediate": result["job"]["intermediate"],
                "seed": result["job"]["seed"],
                "steps": result["steps"],
                "tokens": result["tokens"],
                "weights": result["sampler"]["weights"],
                "dev": result["dev"],
            }
            for result in self.results.values()
            if result["job"]["kind"] == "intermediate"
        ]

    def retrieval(self) -> list[dict[str, Any]]:
        """Return the development scores of every layer, where a record has them."""
        return [
            {
                "intermediate": record["intermediate"],
                "target": record["task"],
                "seed": record["seed"],
                **{
                    key: record["retrieval"][key]
                    for key in ("layer", "pooling", "scoring", "threshold_source")
                },
                "layers": _mean_by_layer(record["retrieval"]["by_layer"]),
            }
            for record in self.records
            if record["part"] == "dev" and record.get("retrieval", {}).get("by_layer")
        ]

    def _comparable(self, expected: Expected) -> bool:
        """Say whether the reference was made on this run's data and model."""
        reference = expected.reference.get(self.request.scale.name)
        return (
            reference is not None
            and self.request.data == self.request.scale.data
            and reference.model == self.plan.setting.model_hash
        )

    def _jobs(self, claim: Claim) -> set[str]:
        """Return the hashes of all jobs that the claim rests on."""
        cells = [
            cell
            for seed in self.request.seeds
            for cell in claim.cells(self.plan.inventory.targets, seed)
        ]
        jobs = {self.plan.job_of(cell).hash for cell in cells}
        return jobs | {s for job in jobs if (s := self.plan.jobs[job].start) is not None}

    def _seconds(self, job: str) -> float:
        return float(sum(self.results[job]["seconds"].values()))


def _mean_by_layer(by_language: Mapping[str, Sequence[float]]) -> dict[str, float]:
    layers = zip(*by_language.values(), strict=True)
    return {str(layer): fmean(values) for layer, values in enumerate(layers)}
