"""The command line of `python -m reproduce` and of every script in that folder."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from stilts_repro import stopping
from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.expected import Made
from stilts_repro.cli.listing import print_claims, print_plan, print_tasks
from stilts_repro.cli.options import ABOUT_STUDIES, add_models, parser
from stilts_repro.cli.progress import PrintedProgress
from stilts_repro.commands import run
from stilts_repro.errors import InputError
from stilts_repro.experiments import together
from stilts_repro.experiments.scales import Scale, data_of, scale_of
from stilts_repro.experiments.sources import inventory_in
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.survey import Asked
from stilts_repro.experiments.workers import Workers, local_workers
from stilts_repro.machine import Machine
from stilts_repro.models.pretrained import pinned_model
from stilts_repro.report.page import write_claims
from stilts_repro.report.table import partial as partial_mean
from stilts_repro.report.table import print_table
from stilts_repro.report.xtreme import check_export, choose_entries, export_xtreme
from stilts_repro.run.execution import run_claims
from stilts_repro.run.grid import Claim
from stilts_repro.run.ladders import of_models, rated
from stilts_repro.run.request import Request
from stilts_repro.run.studies import Study, run_study
from stilts_repro.streams import silence_libraries
from stilts_repro.training.sampler import Sampler


def main(claims: Iterable[Claim], arguments: Sequence[str] | None = None) -> int:
    """Run the command on what there is to choose from, `claims`; return its exit status."""
    known = {claim.id: claim for claim in claims}
    return run(parser(), partial(act, known), arguments, resumes=True)


def study(studies: Iterable[Study], arguments: Sequence[str] | None = None) -> int:
    """Run `python -m reproduce study` on `studies`, one of them; return its exit status."""
    known = {study.id: study for study in studies}

    def one(options: argparse.Namespace) -> int:
        if len(known) == 1:  # its own script
            options.claims = options.claims or [*known]
        if not (options.list or options.tasks or options.plan) and len(options.claims) != 1:
            raise InputError(f"name one of {', '.join(known)}")
        return act(known, options)

    line = parser("python -m reproduce study", ABOUT_STUDIES, "one; with --list and --plan any")
    add_models(line)
    return run(line, one, arguments, resumes=True)


def act(known: Mapping[str, Claim], options: argparse.Namespace) -> int:
    """Do what `options` ask for; return 1 where a claim fails its check, else 0."""
    silence_libraries()
    # Names of folders and models are no markup.
    console = Console(width=None if sys.stdout.isatty() else 100, markup=False, emoji=False)
    scale = scale_of(options.scale)
    asked = _asked(known, options.claims)
    if options.models:
        if options.model:
            raise InputError("--model: the first of --models is the main one; leave --model out")
        options.model, _ = rated(options.models[0])
        asked, scale = of_models(asked, scale, options.models)
    if options.list:
        print_claims(console, asked)
    elif options.tasks:
        print_tasks(console, scale)
    elif options.plan:
        print_plan(console, request_of(asked, scale, options))
    else:
        request = request_of(asked, scale, options)
        # A run that would be held against no reference can make none.
        unusual = ["models"] * bool(options.models) + [*request.unusual]
        if options.write_reference and unusual:
            raise InputError(
                f"--write-reference: no reference has a --{unusual[0]} of its own; leave it out"
            )
        return check_claims(request, options, console)
    return 0


def check_claims(request: Request, options: argparse.Namespace, console: Console) -> int:
    """Measure, print, write; return 1 where a claim fails its check, else 0."""
    options.output = request.output  # where a fault of ours is written to
    if together.follows():
        together.follow(request.machine)
        return 0
    if options.export_xtreme:
        check_export(request.output)
    with stopping.terminable(), together.leading(request.machine):
        asked = run_study if isinstance(request.claims[0], Study) else run_claims
        result = asked(request, PrintedProgress(console))
    print_table(console, result)  # first: there may be no room for files
    write_claims(request.output, result)
    console.print(f"written: {request.output}/claims.json, claims.md, report.html", markup=False)
    if options.export_xtreme:
        export(request, result)
        console.print(f"written: {request.output}/predictions, labels", markup=False)
    if options.write_reference:
        store_reference(request, result)
    failing = any(claim["verdict"] == "fail" for claim in result["claims"])
    return result["failed"]["status"] or int(failing)


def request_of(asked: Mapping[str, Claim], scale: Scale, options: argparse.Namespace) -> Request:
    """Turn the options into a request for what is `asked`; `InputError` where it cannot be."""
    if options.claims and not any(c.is_arithmetic or c.runs(scale) for c in asked.values()):
        others = dict.fromkeys(name for claim in asked.values() for name in claim.run_at())
        raise InputError(
            f"{', '.join(asked)}: not at --scale {scale.name}; give --scale {' or '.join(others)}"
        )
    all_of_it = options.claims or not scale.claims
    claims = tuple(c.at(scale) for name, c in asked.items() if all_of_it or name in scale.claims)
    if not claims:
        raise InputError(
            f"--scale {scale.name}: it is for {', '.join(scale.claims)} alone; choose another"
        )
    if scale.evaluation_rows is not None:
        rows = max(scale.evaluation_rows, *(claim.evaluation_rows for claim in claims))
        scale = replace(scale, evaluation_rows=rows)
    seeds = max(scale.seeds, *(claim.seeds for claim in claims))
    return Request(
        claims=claims,
        scale=scale,
        data=data_of(scale, options.data),
        model=options.model or scale.model,
        seeds=options.seeds or tuple(range(seeds)),
        output=options.output or Path("results") / scale.name,
        skip_missing=options.skip_missing,
        crosses=options.crosses,
        keep_models=options.keep_models,
        sampler=Sampler.parse(options.sampler),
        corpus=options.corpus,
        translator=options.translator,
        asked=Asked(options.intermediate, options.targets),
        machine=_machine(scale, options),
        workers=_workers(options),
        url=options.store,
    )


def _asked(known: Mapping[str, Claim], names: Sequence[str]) -> dict[str, Claim]:
    """Return what is named of `known`, all where nothing is; `InputError` for another name."""
    for name in names:
        if name not in known:
            kind = "study" if isinstance(next(iter(known.values())), Study) else "claim"
            more = "" if kind == "study" else "; or begin with study, compare, store or doctor"
            raise InputError(f"{name}: no such {kind}; choose among {', '.join(known)}{more}")
    return {name: known[name] for name in names or known}


def _machine(scale: Scale, options: argparse.Namespace) -> Machine:
    """Return what jobs compute with; `InputError` where this machine has too few GPUs for one."""
    wanted = options.gpus_per_job
    if wanted > 1 and together.several():
        raise InputError(f"--gpus-per-job {wanted}: not below torchrun or accelerate; leave it out")
    machine = Machine.of(precision=scale.precision, at_once=scale.at_once, processes=wanted)
    own = torch.cuda.device_count() if machine.device == "cuda" else wanted
    if wanted > own and options.executor == "local":
        raise InputError(f"--gpus-per-job {wanted}: this machine has {own}")
    return machine


def _workers(options: argparse.Namespace) -> Workers:
    """Return who does the jobs."""
    if together.several():
        if options.executor != "local":
            raise InputError("--executor ray: not below torchrun or accelerate; leave it out")
        return together.all_workers
    if options.executor == "local":
        if options.address is not None:
            raise InputError("--address: that of a Ray cluster; give --executor ray as well")
        return local_workers
    from stilts_repro.experiments.cluster import ray_workers

    return ray_workers(options.address)


def export(request: Request, result: Mapping[str, Any]) -> None:
    """Write the XTREME entry: for each target the model that is best on dev, of the first seed."""
    export_xtreme(
        request.output,
        choose_entries(result, request.seeds[0], Store(request.output)),
        inventory_in(request.main, request.scale.evaluation_rows),
    )


def store_reference(request: Request, result: Mapping[str, Any]) -> None:
    """Write the measured values into the expected-results files as this scale's reference.

    Of another model and other rows than the scale's, the command that made it names the folders.
    They stand beside those in other arithmetic. A claim whose value misses some of its tasks has
    none, and a line says so.
    Raises `InputError` where jobs were not all run on one kind of machine.
    """
    if result["platform"] is None:
        raise InputError(
            f"--output {request.output}: no jobs of one kind of machine, so no reference;"
            " run them all on one, in a folder of their own"
        )
    scale, seeds = request.scale.name, request.seeds
    known = {claim.id: claim for claim in request.claims}
    span = f"{seeds[0]}-{seeds[-1]}" if seeds[0] else f"{len(seeds)}"
    processes = request.machine.processes
    several = f" --gpus-per-job {processes}" if processes > 1 else ""
    world = {"model": (request.model, pinned_model(request.scale.model))}
    world["data"] = request.data, request.scale.data
    others = "".join(
        f" --{option} {Path(given).name if Path(given).is_dir() else given}"
        for option, (given, usual) in world.items()
        if given != usual
    )
    limited = "".join(
        f" --{option} {','.join(tasks)}"
        for option, tasks in vars(request.asked).items()
        if tasks is not None
    )
    command = "study " if isinstance(request.claims[0], Study) else ""
    for claim in result["claims"]:
        values = claim["observed"]["values"]
        asked = known[claim["id"]]
        if asked.is_arithmetic or not asked.runs(request.scale):
            continue
        if not values or claim["left_out"] or asked.misses(claim["without"]):
            told = partial_mean(claim) or claim["reason"]
            print(f"reproduce: {claim['id']}: no reference: {told}", file=sys.stderr)
            continue
        made = Made(
            values=values,
            seeds=seeds,
            versions=result["versions"],
            platform=result["platform"],
            # Of a part it is not what the claim costs.
            seconds=None if limited else round(claim["seconds"] / len(seeds), 1),
            made_with=f"{request.machine.asking} python -m reproduce {command}{claim['id']} "
            f"--scale {scale} --seeds {span}{several}{others}{limited}",
        )
        write_reference(
            asked.file,
            scale,
            request.machine.arithmetic,
            made,
            claim["model"],
            None if result["data"] == request.scale.data else claim["data"],
        )
