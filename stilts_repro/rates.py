"""Which learning rates serve each of the studies' models best: by English dev rows alone.

    python -m stilts_repro.rates intermediate|target [NAME ...] [--output DIR] [--write]

Models are compared at the rates that each does best at, else the comparison is of rates. Each model
that is there is trained at once, twice and four times the testbed's rates, with a seed that no
study uses: in phase (ii) on the studies' intermediate tasks, read on their own dev rows; or in
phase (iii) on targets, without phase (ii). The mean over tasks of English dev, in points, is told.
`--write` stores it beside the models: each is trained at its best.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console

from stilts_repro.cli.progress import PrintedProgress
from stilts_repro.commands import Parser, folder, run
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.conditions import World, after
from stilts_repro.experiments.scales import RATES, RUNGS, SCALES, Phase
from stilts_repro.jsonio import read_json, write_json
from stilts_repro.machine import Machine
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from stilts_repro.run.studies import Study
from stilts_repro.tasks.training_sets import TRAINING_SETS

FACTORS = (1.0, 2.0, 4.0)
SEED = 1000  # no study's


@dataclass(frozen=True)
class Trial:
    """How a phase's rates are told apart.

    `tasks` are trained on in phase (ii), one a model; none: there is no phase (ii). `targets` are
    measured, and `rows` looked at of each task. `english` returns, from the content of claims.json,
    what stands in the mean, in points, by the name of the condition.
    """

    tasks: tuple[str, ...]
    targets: tuple[str, ...]
    rows: int
    english: Callable[[Mapping[str, Any]], Iterator[tuple[str, float]]]


def _own(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield how well phase (ii) does what it trains on."""
    for entry in result["intermediate"]:
        for task, metrics in entry["dev"].items():
            yield entry["intermediate"], metrics[TRAINING_SETS[task].format.metric]


def _of_targets(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for entry in result["grid"]:
        if entry["part"] == "dev" and entry["target"] in TRIALS["target"].targets:
            yield entry["intermediate"], entry["languages"]["en"]


TRIALS: dict[Phase, Trial] = {
    # The tasks of `scaling` and `architecture`; Tatoeba is the cheapest to measure beside them.
    "intermediate": Trial(("mnli", "squad_v2"), ("tatoeba",), 1_000, _own),
    "target": Trial((), ("udpos", "panx", "tydiqa", "xquad"), 100, _of_targets),
}


def at(world: World, phase: Phase, factor: float) -> World:
    """Return the world of the same model, `phase` at `factor` times the testbed's rates."""
    changes: dict[str, Any] = {f"{phase}_rate": factor}
    return replace(world, name=f"{world.name}@{factor:g}", **changes)


def english(
    phase: Phase, worlds: Sequence[World], output: Path, console: Console
) -> dict[str, dict[str, float]]:
    """Train `phase` at each rate; return, by world and factor, the mean of English dev in points.

    Raises `MissingError` where a training failed.
    """
    trial = TRIALS[phase]
    tried = {(w.name, factor): at(w, phase, factor) for w in worlds for factor in FACTORS}
    conditions = {
        held: [after(task, world=world.name) for task in trial.tasks] or [after(world=world.name)]
        for held, world in tried.items()
    }
    asked = Study(
        id="scaling",
        conditions=tuple(chain.from_iterable(conditions.values())),
        targets=trial.targets,
        value=lambda *_: 0.0,
    )
    testbed = replace(SCALES["testbed"], worlds=tuple(tried.values()), evaluation_rows=trial.rows)
    machine = Machine.of(precision=testbed.precision)
    request = Request(
        (asked,), testbed, testbed.data, testbed.model, (SEED,), output, machine=machine
    )
    result = run_claims(request, PrintedProgress(console))
    if result["failed"]["jobs"]:
        raise MissingError(
            f"{output}: the jobs told above failed; the same command tries them again"
        )
    scores: dict[str, list[float]] = {}
    for name, score in trial.english(result):
        scores.setdefault(name, []).append(score)
    found: dict[str, dict[str, float]] = {}
    for (name, factor), several in conditions.items():
        held = chain.from_iterable(scores[str(condition)] for condition in several)
        found.setdefault(name, {})[f"{factor:g}"] = round(fmean(held), 2)
    return found


def _parser() -> Parser:
    line = Parser(
        prog="python -m stilts_repro.rates",
        description="Train each of the studies' models at three rates, and print its mean English "
        "dev score at each.",
    )
    line.add_argument("phase", choices=[*TRIALS], help="which phase's rates are tried")
    line.add_argument("names", nargs="*", metavar="NAME", help="models (default: all there are)")
    line.add_argument(
        "--output",
        type=folder,
        default=Path("results/rates"),
        help="for the jobs (default: results/rates)",
    )
    line.add_argument(
        "--write", action="store_true", help="store the scores: models train at their best rate"
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
    found = english(options.phase, worlds, options.output, console)
    for name, by_factor in found.items():
        told = ", ".join(f"{factor}: {value:.1f}" for factor, value in by_factor.items())
        console.print(f"{name}  {told}")
    if options.write:
        held = read_json(RATES)
        write_json(RATES, held | {options.phase: held.get(options.phase, {}) | found})
        console.print(f"written: {RATES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
