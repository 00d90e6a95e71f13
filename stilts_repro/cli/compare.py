"""`python -m reproduce compare RUN RUN`: what moved from one run to another, and where it began."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from stilts_repro.commands import Parser, folder, run
from stilts_repro.errors import InputError
from stilts_repro.report.difference import (
    Finished,
    Moved,
    beginnings,
    moved_cells,
    moved_claims,
    set_up,
)

MOST = 20  # rows of a table
SAME = 1e-9  # points, which printing and reading leaves


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, whatever moved; 2 or 3 on bad input."""
    parser = Parser(
        prog="python -m reproduce compare",
        description="Hold the second run's folder against the first's, seed by seed: claims, "
        "cells, and in which phase of which job a difference begins.",
    )
    parser.add_argument("before", type=folder, metavar="RUN", help="output folder of a run")
    parser.add_argument("after", type=folder, metavar="RUN", help="output folder of another")
    return run(parser, lambda options: _compare(options.before, options.after), arguments)


def _compare(*folders: Any) -> int:
    before, after = (Finished.read(folder) for folder in folders)
    claims, cells = moved_claims(before, after), moved_cells(before, after)
    if not claims and not cells:
        raise InputError(
            f"{before.folder} and {after.folder}: they have no claim, cell and seed in common; "
            "run the same claims at the same scale"
        )
    console = Console(width=None, markup=False, emoji=False)
    _table(console, "What they were made with", ("", "before", "after"), set_up(before, after))
    _numbers(console, "Claims", ("claim", "seed"), claims)
    _numbers(console, "Cells", ("condition", "target", "part", "seed", "language"), cells)
    found = [
        (kind, condition, tasks, str(seed), stage, _short(ours), _short(theirs))
        for (kind, condition, tasks, seed), stage, ours, theirs in beginnings(before, after)
    ]
    columns = ("phase", "condition", "tasks", "seed", "begins with", "before", "after")
    told = "Where it begins, by job"
    if before.jobs.keys().isdisjoint(after.jobs):  # as with other --targets
        told += ": not known, for the runs have no job in common"
    _table(console, told, columns, found)
    return 0


def _numbers(console: Console, title: str, names: Sequence[str], held: Sequence[Moved]) -> None:
    """Print the numbers that moved, the furthest first, and how many there were."""
    moved = [entry for entry in held if not abs(entry.difference) <= SAME]
    rows = [(*m.what, f"{m.before:.3f}", f"{m.after:.3f}", f"{m.difference:+.3f}") for m in moved]
    told = f"{title}: {len(moved)} of {len(held)} moved"
    _table(console, told, (*names, "before", "after", "difference"), rows)


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Print `title` and the first rows of a table; of none, that there is none."""
    console.print(title + ("" if rows or ": " in title else ": the same"), style="bold")
    if rows:
        table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for row in rows[:MOST]:
            table.add_row(*row)
        console.print(table)
        if len(rows) > MOST:
            console.print(f"and {len(rows) - MOST} more")
    console.print()


def _short(value: Any) -> str:
    """Return a stage's value in a few letters."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        text = ", ".join(f"{_name(key)} {_short(item)}" for key, item in value.items())
        return text if len(text) <= 40 else f"{len(value)} of them"
    return "none" if value is None else str(value)[:16]


def _name(key: Any) -> str:
    return " ".join(key) if isinstance(key, tuple) else str(key)
