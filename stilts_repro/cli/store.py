"""`python -m reproduce store ls|verify|gc RUN`: what lies in a run's folder, and is it whole."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from stilts_repro.commands import Parser, folder, run
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.mirror import Mirrored
from stilts_repro.experiments.store import Store
from stilts_repro.folders import writing
from stilts_repro.report.difference import Finished


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 where `verify` finds damage."""
    parser = Parser(
        prog="python -m reproduce store",
        description="Look after the folder of a run: its finished jobs, models and records.",
    )
    parser.add_argument(
        "what",
        choices=WHAT,
        help="ls: the jobs, a line each; verify: read every file and say which is not what was "
        "written; gc: remove what no finished job has: damaged jobs that were set aside, what "
        "killed runs left, records without a job",
    )
    parser.add_argument("run", type=folder, metavar="RUN", help="output folder of a run")
    parser.add_argument(
        "--others",
        action="store_true",
        help="with gc: also jobs that the folder's claims.json does not rest on, and checkpoints "
        "of trainings that are not under way now, which could have gone on",
    )
    parser.add_argument(
        "--store", metavar="URL", help="where the run's jobs are copied to: weights may be there"
    )
    return run(parser, _act, arguments)


def _act(options: argparse.Namespace) -> int:
    if options.others and options.what != "gc":
        raise InputError("--others: goes with gc")
    store = Mirrored(options.run, options.store) if options.store else Store(options.run)
    if not store.jobs.is_dir():
        raise MissingError(
            f"{options.run}: no folder of a run (it has no folder jobs); give the --output of one"
        )
    width = None if sys.stdout.isatty() else 120
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    return WHAT[options.what](store, console, options)


def _list(store: Store, console: Console, options: argparse.Namespace) -> int:
    table = Table("job", "kind", "what", "seed", "MB", "seconds", box=box.SIMPLE_HEAD)
    for name in store.finished():
        damage = store.damage(name)
        size = f"{_size(store.folder(name)) / 1e6:.1f}"
        if damage:
            table.add_row(name, "damaged", damage, "", size, "")
            continue
        result = store.result(name)
        job, seconds = result["job"], sum(result["seconds"].values())
        what = " -> ".join([job["intermediate"], *job["recipes"]][: 1 + (job["kind"] == "target")])
        table.add_row(name, job["kind"], what, str(job["seed"]), size, f"{seconds:.0f}")
    console.print(table)
    return 0


def _verify(store: Store, console: Console, options: argparse.Namespace) -> int:
    names = store.finished()
    complaints = [complaint for name in names if (complaint := store.damage(name))]
    for complaint in complaints:
        console.print(complaint)
    console.print(f"{len(names)} jobs, {len(complaints)} damaged")
    return InputError.exit_status if complaints else 0


def _collect(store: Store, console: Console, options: argparse.Namespace) -> int:
    with writing("store gc", store.output):
        others = {*_unused(store, console), *store.abandoned()} if options.others else set()
        gone = {*store.leftovers(), *others}
        freed = sum(map(_size, gone))
        for path in gone:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    console.print(f"{len(gone)} files and folders removed, {freed / 1e6:.1f} MB")
    return 0


def _unused(store: Store, console: Console) -> list[Path]:
    """Return the folders of jobs that the folder's claims.json does not rest on.

    None where there is no such file: a run that was stopped has none yet. Nor while a run is at
    work: the file is of an earlier one then.
    """
    if not (store.output / "claims.json").is_file():
        return []
    if store.leases.any_held():
        console.print("a run is at work here: finished jobs are left alone")
        return []
    used = {job["job"]["hash"] for job in Finished.read(store.output).jobs.values()}
    return [store.folder(name) for name in store.finished() if name not in used]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


WHAT = {"ls": _list, "verify": _verify, "gc": _collect}
