"""`python -m reproduce doctor`: what this machine has of what a run needs, a line each."""

import argparse
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.text import Text

from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.commands import Parser, folder, named, run
from stilts_repro.data.cache import CACHE, cache_root
from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.experiments.conditions import MAIN, World
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.scales import SCALES, Scale, data_of, longest, scale_of
from stilts_repro.experiments.sources import inventory_in
from stilts_repro.machine import Machine
from stilts_repro.models.pretrained import WEIGHTS, check_pretrained, location
from stilts_repro.run.grid import Claim
from stilts_repro.streams import silence_libraries
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import TRAINING_SETS

PACKAGE = "stilts_repro"
LOCK = EXPECTED_RESULTS.parent / "requirements.lock"
FEW = 20  # rows that are read of a data set
FOR_GPUS = ("base", "paper")
State = Literal["ok", "differs", "missing"]
COLOURS = {"ok": "green", "differs": "yellow", "missing": "bold red"}


@dataclass(frozen=True)
class Finding:
    """What was found of one thing, and, where it is a gap, what to do."""

    what: str
    state: State
    told: str

    def __str__(self) -> str:
        return f"{self.state:8} {self.what}: {self.told}"


def main(claims: Iterable[Claim], arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 3 where something is missing."""
    parser = Parser(
        prog="python -m reproduce doctor",
        description="Say what this machine has of what a run needs. A few rows of each data set "
        "are read: the hub's are loaded, as a run would.",
    )
    parser.add_argument("--scale", default="testbed", choices=SCALES)
    parser.add_argument("--data", type=named, default="auto", help="as a run's")
    parser.add_argument("--model", type=named, help="as a run's (default: the scale's)")
    parser.add_argument("--output", type=folder, help="as a run's (default: results/SCALE)")
    known = [*claims]
    return run(parser, lambda options: _look(known, options), arguments)


def _look(claims: Sequence[Claim], options: argparse.Namespace) -> int:
    scale = scale_of(options.scale)
    output = options.output or Path("results") / scale.name
    world = World(MAIN, options.model or scale.model, data_of(scale, options.data))
    silence_libraries()
    missing = 0
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    for finding in findings(claims, scale, world, output):
        line = Text(str(finding))
        line.stylize(COLOURS[finding.state], 0, len(finding.state))
        console.print(line)
        missing += finding.state == "missing"
    return MissingError.exit_status if missing else 0


def findings(
    claims: Sequence[Claim], scale: Scale, world: World, output: Path
) -> Iterator[Finding]:
    """Yield what was found for a run of `claims`, in the order in which gaps are best mended."""
    yield python()
    yield packages()
    yield locked()
    yield device(scale)
    yield room(claims, world, output)
    yield cache()
    named = {condition.world for claim in claims for condition in claim.conditions}
    others = (other.model for other in scale.worlds if other.name in named)
    for name in dict.fromkeys([world.model, *others]):
        yield tried("model", name, partial(_model, name, scale))
    try:
        inventory = inventory_in(world, FEW)
    except (InputError, MissingError) as error:
        yield Finding("data", "missing", str(error))
        return
    targets = {target for claim in claims for target in claim.targets}
    read = {task for claim in claims for c in claim.conditions for task in c.row.sets}
    read |= {rows for target in targets if (rows := TARGET_TASKS[target].train_on)}
    for name, data in TRAINING_SETS.items():
        if name in read:
            yield tried("training rows", data.title, partial(_rows, inventory, name))
    for name, task in TARGET_TASKS.items():
        if name in targets:
            yield tried("target", task.title, partial(_target, inventory, name))


def python() -> Finding:
    """Say whether Python is new enough."""
    here = platform.python_version()
    if _version(PACKAGE) is None:
        told = f"{here}; install this package: python -m pip install -e {EXPECTED_RESULTS.parent}"
        return Finding("Python", "missing", told)
    wanted = metadata.metadata(PACKAGE)["Requires-Python"]
    if SpecifierSet(wanted).contains(here, prereleases=True):
        return Finding("Python", "ok", f"{here} ({wanted})")
    return Finding("Python", "missing", f"{here}; install {wanted}")


def packages() -> Finding:
    """Say which packages are absent, or older than what is needed at the least."""
    gaps = []
    for line in metadata.requires(PACKAGE) or () if _version(PACKAGE) else ():
        needed = Requirement(line)
        if needed.marker and not needed.marker.evaluate({"extra": ""}):
            continue
        here = _version(needed.name)
        if here is None or not needed.specifier.contains(here, prereleases=True):
            gaps.append(f"{needed.name}{needed.specifier} ({here or 'not there'})")
    if gaps:
        told = (
            f"{', '.join(gaps)}; install them: python -m pip install -e {EXPECTED_RESULTS.parent}"
        )
        return Finding("packages", "missing", told)
    return Finding("packages", "ok", "all that are needed, new enough")


def locked() -> Finding:
    """Say which packages are not those that the references were made with."""
    if not LOCK.is_file():
        return Finding("locked versions", "differs", f"{LOCK} is not there")
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    others = []
    for needed in wanted:
        here = _version(needed.name)
        if needed.marker and not needed.marker.evaluate():
            continue
        if here is None or not needed.specifier.contains(here, prereleases=True):
            others.append(f"{needed.name} {here or 'not there'} (locked: {needed.specifier})")
    if others:
        told = f"{', '.join(others)}; tox -e reproduce has the locked ones"
        return Finding("locked versions", "differs", told)
    return Finding("locked versions", "ok", "the same")


def device(scale: Scale) -> Finding:
    """Say what jobs compute with, and whether that is enough."""
    try:
        machine = Machine.of(precision=scale.precision, at_once=scale.at_once)
    except (InputError, MissingError) as error:
        return Finding("device", "missing", str(error))
    told = f"{machine.name}, {machine.precision}, {machine.workers()} jobs at once"
    if machine.device == "cpu" and scale.name in FOR_GPUS:
        told += f"; {scale.name} takes months of it: run it where there are GPUs"
        return Finding("device", "missing", told)
    return Finding("device", "ok", told)


def room(claims: Sequence[Claim], world: World, output: Path) -> Finding:
    """Say how much room there is for the results, and how much the models of phase (ii) need."""
    at = next(path for path in (output.absolute(), *output.absolute().parents) if path.exists())
    try:
        free = shutil.disk_usage(at).free
    except OSError as error:
        return Finding("room", "missing", f"--output {output}: {reason(error)}; choose another")
    if not os.access(at, os.W_OK):
        return Finding("room", "missing", f"--output {output}: {at} cannot be written")
    trained = {c for claim in claims for c in claim.measured() if c.row.tasks}
    weights = sum(p.stat().st_size for n in WEIGHTS if (p := Path(world.model) / n).is_file())
    needed = len(trained) * weights
    told = f"{free / 1e9:.1f} GB free for {output}"
    if needed:
        told += f", about {needed / 1e9:.1f} GB needed a seed"
    elif trained:
        told += f"; {len(trained)} models of phase (ii) a seed are kept there"
    if needed > free:
        return Finding("room", "missing", f"{told}; choose another --output, or free some")
    return Finding("room", "ok", told)


def cache() -> Finding:
    """Say where tokenised data is kept."""
    root = cache_root()
    if root is None:
        told = f"there is no folder for it, each run tokenises anew; name one with {CACHE}"
        return Finding("tokenised data", "differs", told)
    return Finding("tokenised data", "ok", f"kept in {root}")


def tried(kind: str, name: str, look: Callable[[], str]) -> Finding:
    """Return what `look` says of a thing, or the complaint that it raises."""
    try:
        return Finding(f"{kind} {name}", "ok", look())
    except (InputError, MissingError) as error:
        return Finding(f"{kind} {name}", "missing", str(error))


def _model(name: str, scale: Scale) -> str:
    tokenizer = check_pretrained(name, longest(scale))
    commit = location(name).get("revision")
    return f"{len(tokenizer):,} tokens{_at(commit)}"


def _rows(inventory: Inventory, name: str) -> str:
    rows = inventory.training(name, FEW)
    inventory.dev(name)
    origin = inventory.origin(name)
    substitute = ", a substitute" if origin["substitute"] else ""
    return f"{origin['id']}{_at(origin['revision'])}{substitute}, {len(rows.examples)} rows read"


def _target(inventory: Inventory, name: str) -> str:
    held = inventory.evaluation(name, "dev")
    due = inventory.due_languages(name)
    absent = [code for code in due if code not in held]
    told = f"{len(held)} languages{_at(inventory.revision(name, 'dev', held))}"
    return f"{told}, without {', '.join(absent)}" if absent else told


def _at(commit: str | None) -> str:
    return f" at {commit[:12]}" if commit else ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
