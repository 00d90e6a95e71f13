"""The command line of `python -m reproduce` and of every script in this folder."""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

import reproduce
from stilts_repro.claims.bless import write_reference
from stilts_repro.claims.expected import Expected, load_expected
from stilts_repro.claims.grid import Claim
from stilts_repro.claims.measure import Progress, Request, measure
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.errors import InputError, StiltsError
from stilts_repro.experiments.plan import Job
from stilts_repro.experiments.scales import SCALES, model_name, scale_of
from stilts_repro.report.table import paper_cell, print_table
from stilts_repro.report.write import write_claims
from stilts_repro.tasks.tables import TARGET_TASKS

ORDER = (
    "squad_gain",
    "mnli_gain",
    "hellaswag_gain",
    "multitask_gain",
    "xtreme_gain",
    "published_tables",
)
HELPERS = ("__main__", "command")


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        print(f"reproduce: {message} (see --help)", file=sys.stderr)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m reproduce`."""
    found = Parser(
        prog="python -m reproduce",
        description="Run the paper's claims and check each against what is expected of it.",
        epilog="Exit status: 0 every checked claim passes, 1 a claim fails, 2 bad usage or input, "
        "3 something needed is missing.",
    )
    found.add_argument("claims", nargs="*", metavar="CLAIM", help="claims to run (default: all)")
    found.add_argument("--list", action="store_true", help="show every claim and leave")
    found.add_argument("--scale", default="testbed", metavar="S", help=", ".join(SCALES))
    found.add_argument("--data", default="auto", help="auto, hub, or a folder laid out like it")
    found.add_argument("--model", help="hub id or folder of the masked LM to start from")
    found.add_argument("--seeds", type=int, metavar="N", help="run with seeds 0 to N - 1")
    found.add_argument("--output", type=Path, metavar="DIR", help="default: results/<scale>")
    found.add_argument(
        "--skip-missing",
        action="store_true",
        help="leave out targets whose data is not there, and say so",
    )
    found.add_argument(
        "--write-reference",
        action="store_true",
        help="store the measured values as the scale's reference (for maintainers)",
    )
    return found


def all_claims() -> dict[str, Claim]:
    """Return every script's claim by id, the headline claims in the paper's order."""
    names = {module.name for module in pkgutil.iter_modules(reproduce.__path__)} - set(HELPERS)
    ordered = sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))
    return {name: importlib.import_module(f"reproduce.{name}").CLAIM for name in ordered}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=100)
    try:
        if options.list:
            print_list(console)
            return 0
        return run(options, console)
    except StiltsError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("reproduce: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def run(options: argparse.Namespace, console: Console) -> int:
    """Measure, print, write; return 1 where a claim fails its check, else 0."""
    request = request_of(options)
    result = measure(request, PrintedProgress(console))
    write_claims(request.output, result)
    print_table(console, result)
    console.print(f"written: {request.output}/claims.json, claims.md, report.html", markup=False)
    if options.write_reference:
        store_reference(request, result)
    return int(any(claim["verdict"] == "fail" for claim in result["claims"]))


def request_of(options: argparse.Namespace) -> Request:
    """Turn the options into a request; `InputError` names what is not known."""
    scale = scale_of(options.scale)
    known = all_claims()
    for name in options.claims:
        if name not in known:
            raise InputError(f"{name}: no such claim; choose among {', '.join(known)}")
    seeds = scale.seeds if options.seeds is None else options.seeds
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: give a number above zero")
    return Request(
        claims=tuple(known[name] for name in dict.fromkeys(options.claims or known)),
        scale=scale,
        data=scale.data if options.data == "auto" else options.data,
        model=options.model or scale.model,
        seeds=tuple(range(seeds)),
        output=options.output or Path("results") / scale.name,
        skip_missing=options.skip_missing,
    )


def print_list(console: Console) -> None:
    """Print each claim with its statement, the paper's value and what it costs a scale."""
    table = Table("claim", "statement", "paper", "cost", title="Claims", show_lines=True)
    for name, claim in all_claims().items():
        expected = load_expected(name)
        paper = paper_cell({"paper": expected.paper.value, "unit": expected.unit})
        table.add_row(name, expected.statement, paper, "\n".join(costs(claim, expected)))
    console.print(table)
    scales = Table("scale", "model", "data", "seeds", "all claims together", title="Scales")
    for scale in SCALES.values():
        scales.add_row(
            scale.name, model_name(scale.model), scale.data, str(scale.seeds), scale.cost
        )
    console.print(scales)


def costs(claim: Claim, expected: Expected) -> list[str]:
    """Return what one seed of the claim costs alone, a line a scale: measured where we have it."""
    if not claim.intermediates:
        return ["nothing to train"]
    sets = {task.train_on for task in TARGET_TASKS.values()} - {None}
    trainings = (1 + len(claim.intermediates)) * len(sets) + len(claim.intermediates)
    return [
        f"{name}: {reference.seconds / 60:.1f} core minutes"
        if (reference := expected.reference.get(name))
        else f"{name}: {trainings} trainings"
        for name in SCALES
    ]


def store_reference(request: Request, result: Mapping[str, Any]) -> None:
    """Write the measured values into the expected-results files as this scale's reference."""
    for claim in result["claims"]:
        if claim["targets"]:
            write_reference(
                EXPECTED_RESULTS / f"{claim['id']}.json",
                request.scale.name,
                claim["observed"]["values"],
                request.seeds,
                result["versions"],
                result["model"].rpartition("@")[2],
                claim["seconds"] / len(request.seeds),
            )


class PrintedProgress(Progress):
    """A line a finished job; a bar besides where the output is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = self.done = 0

    def planned(self, jobs: Mapping[str, Job], reused: int) -> None:
        """Say how much there is to do."""
        self.total, self.done = len(jobs), reused
        if jobs:
            trainings = sum(job.kind != "retrieval" for job in jobs.values())
            self.console.print(
                f"{len(jobs)} jobs, {trainings} of them trainings; {reused} finished already"
            )

    def finished(self, job: Job, seconds: float) -> None:
        """Print the job and how long it took."""
        self.done += 1
        width = len(str(self.total))
        self.console.print(
            f"[{self.done:{width}}/{self.total}] {job.title}  {seconds:.1f} s",
            markup=False,
            highlight=False,
        )
