"""Which learning rate serves each of the studies' models best: by English dev rows alone.

    python -m reproduce.studies.rates [NAME ...] [--output DIR] [--write]

Models are compared at the rate that each does best at, else the comparison is of rates. Each model
that is there is fine-tuned on targets at once, twice and four times the testbed's rates, without
phase (ii), and with a seed that no study uses; printed is the mean over targets of English dev, in
points. `--write` stores it beside the models: each is trained at its best.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from rich.console import Console

from reproduce.studies.scaling import STUDY
from stilts_repro.cli.progress import PrintedProgress
from stilts_repro.commands import Parser, folder, run
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.conditions import World, after
from stilts_repro.experiments.scales import RATES, RUNGS, SCALES
from stilts_repro.jsonio import read_json, write_json
from stilts_repro.machine import Machine
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request

FACTORS = (1.0, 2.0, 4.0)
SEED = 1000  # no study's
TARGETS = ("udpos", "panx", "tydiqa", "xquad")


def at(world: World, factor: float) -> World:
    """Return the world of the same model at `factor` times the testbed's rates."""
    return replace(world, name=f"{world.name}@{factor:g}", rate=factor)


def english(worlds: Sequence[World], output: Path, console: Console) -> dict[str, dict[str, float]]:
    """Train at each rate; return, by world and factor, the mean of English dev in points."""
    tried = {(world.name, factor): at(world, factor) for world in worlds for factor in FACTORS}
    asked = replace(
        STUDY,
        conditions=tuple(after(world=world.name) for world in tried.values()),
        targets=TARGETS,
        needed=None,
        value=lambda *_: 0.0,
        details=None,
    )
    testbed = replace(SCALES["testbed"], worlds=tuple(tried.values()))
    machine = Machine.of(precision=testbed.precision)
    request = Request(
        (asked,), testbed, testbed.data, testbed.model, (SEED,), output, machine=machine
    )
    result = run_claims(request, PrintedProgress(console))
    if result["failed"]["jobs"]:
        raise MissingError(
            f"{output}: the jobs told above failed; the same command tries them again"
        )
    score = {
        (row["intermediate"], row["target"]): row["languages"]["en"]
        for row in result["grid"]
        if row["part"] == "dev" and row["target"] in TARGETS
    }
    found: dict[str, dict[str, float]] = {}
    for (name, factor), world in tried.items():
        held = [score[str(after(world=world.name)), target] for target in TARGETS]
        found.setdefault(name, {})[f"{factor:g}"] = round(fmean(held), 2)
    return found


def _parser() -> Parser:
    line = Parser(
        prog="python -m reproduce.studies.rates",
        description="Fine-tune each of the studies' models at three rates; tell English dev.",
    )
    line.add_argument("names", nargs="*", metavar="NAME", help="models (default: all there are)")
    line.add_argument("--output", type=folder, default=Path("results/rates"), help="for the jobs")
    line.add_argument(
        "--write", action="store_true", help="have models trained at their best (for maintainers)"
    )
    return line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return run(_parser(), _rates, arguments, resumes=True)


def _rates(options: argparse.Namespace) -> int:
    # A model that is read in another way has the rate of the usual one.
    known = {world.name: world for world in RUNGS if not world.way}
    for name in options.names:
        if name not in known:
            raise InputError(f"{name}: no such model; choose among {', '.join(known)}")
        if not Path(known[name].model).is_dir():
            raise MissingError(f"{name}: it is not there; make it with {known[name].made_by}")
    there = [world for world in known.values() if Path(world.model).is_dir()]
    worlds = [known[name] for name in dict.fromkeys(options.names)] or there
    console = Console(width=None if sys.stdout.isatty() else 100, markup=False, emoji=False)
    found = english(worlds, options.output, console)
    for name, by_factor in found.items():
        told = ", ".join(f"{factor}: {value:.1f}" for factor, value in by_factor.items())
        console.print(f"{name}  {told}")
    if options.write:
        write_json(RATES, read_json(RATES) | found)
        console.print(f"written: {RATES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
