"""One run: from claims to cells to jobs, and back from records to verdicts."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stilts_repro.claims.expected import load_expected
from stilts_repro.claims.grid import Claim
from stilts_repro.claims.measured import Measured, Request, platform_of, runs
from stilts_repro.data.cache import tokenizer_hash
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import environment
from stilts_repro.experiments.executor import finished, run_local
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.plan import Job, Plan, Setting, World, job_name
from stilts_repro.experiments.rows import UNRELATED, Row
from stilts_repro.experiments.scales import Scale, model_name
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.unrelated import unrelated_setting
from stilts_repro.models.pretrained import (
    check_masked,
    check_pretrained,
    fingerprint,
    pinned_model,
)
from stilts_repro.paper import TARGETS
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.tables import TARGET_TASKS, intermediate_tasks


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
        plan = plan_of(request)
        keep = request.keep_models
        reused = sum(finished(job, store, keep_models=keep) for job in plan.jobs.values())
        progress.planned(plan.jobs, reused)
        run_local(plan.jobs, store, request.machine, progress.finished, keep_models=keep)
        measured = Measured(request, plan, store)
        return {
            "scale": request.scale.name,
            "data": request.data,
            "model": f"{model_name(request.model)}@{plan.setting.model_hash}",
            "seconds": round(time.perf_counter() - started, 1),
            "versions": environment.versions(),
            "platform": platform_of(measured.records),
            "jobs": {"total": len(plan.jobs), "reused": reused},
            "claims": [measured.claim(claim, expected[claim.id]) for claim in request.claims],
            "languages": measured.languages(),
            "grid": measured.grid(),
            "intermediate": measured.intermediate(),
            "retrieval": measured.retrieval(),
        }


def plan_of(request: Request) -> Plan:
    """Return the jobs of all claims; reads and checks the data they need.

    Raises `InputError` or `MissingError`.
    """
    scale = request.scale
    claims = [claim for claim in request.claims if runs(claim, scale)]
    tokenizer = check_pretrained(request.model, longest(scale)) if claims else None
    inventory = inventory_of(
        request.data, scale.evaluation_rows, request.corpus, request.translator
    )
    _survey(inventory, claims, request)
    if tokenizer and MLM in inventory.intermediates:
        check_masked(request.model, tokenizer)
    model = pinned_model(request.model) if tokenizer else request.model
    setting = Setting(
        scale=scale.name,
        model=model,
        model_hash=fingerprint(model),
        tokenizer_hash=tokenizer_hash(tokenizer) if tokenizer else "",
        data=request.data,
        evaluation_rows=scale.evaluation_rows,
        retrieval_length=scale.retrieval_length,
        environment=environment.fingerprint(request.machine),
        corpus=request.corpus,
        translator=request.translator,
        crosses=request.crosses,
    )
    unrelated = _unrelated(setting, inventory, claims, request)
    plan = Plan(scale, setting, inventory, request.sampler, unrelated)
    for seed in request.seeds:
        for claim in claims:
            plan.add(claim.cells(inventory.targets, seed, inventory.intermediates))
    return plan


def _survey(inventory: Inventory, claims: Sequence[Claim], request: Request) -> None:
    """Read and check the data that `claims` need."""
    scale = request.scale
    asked = {target for claim in claims for target in claim.targets}
    wanted = {job_name(target) for target in asked}
    rows = {row for claim in claims for row in claim.intermediates}
    inventory.survey(
        {
            target: scale.target[task.train_on].rows if task.train_on else None
            for target, task in TARGET_TASKS.items()
            if job_name(target) in wanted and target in {*TARGETS, *asked}
        },
        _phase_two(rows, scale),
        skip_missing=request.skip_missing,
    )


def _unrelated(
    setting: Setting, inventory: Inventory, claims: Sequence[Claim], request: Request
) -> World | None:
    """Return the world of `+unrelated` rows if a claim has some; note in `inventory` if it can be.

    Where it cannot, such claims are not run, and the others are.
    """
    claims = [c for c in claims if any(Row.parse(row).unrelated for row in c.intermediates)]
    if not claims:
        return None
    try:
        setting = unrelated_setting(setting, longest(request.scale))
    except (InputError, MissingError) as error:
        inventory.without[UNRELATED] = str(error)
        return None
    inventory.intermediates += (UNRELATED,)
    found = inventory_of(setting.data, setting.evaluation_rows, setting.corpus, setting.translator)
    _survey(found, claims, request)
    return setting, found


def _phase_two(rows: Iterable[str], scale: Scale) -> dict[str, int | None]:
    """Return how many rows are read of each set that `rows` of the grid train on."""
    sets = {name: task for row in rows for task, name in Row.parse(row).sets.items()}
    recipes = {**scale.intermediate, MLM: scale.continued}
    return {
        name: recipes[task].rows
        for task in (*intermediate_tasks(), MLM)
        for name in sorted(sets)
        if sets[name] == task
    }


def longest(scale: Scale) -> int:
    """Return the longest sequence, in tokens, that any job of `scale` may read."""
    recipes = (*scale.intermediate.values(), *scale.target.values())
    return max(scale.retrieval_length, *(recipe.max_length for recipe in recipes))
