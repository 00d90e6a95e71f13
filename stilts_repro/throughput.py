"""`python -m stilts_repro.throughput RESULTS.json [--write]`: the benchmarks' results on one page.

RESULTS.json is what `tox -e benchmark` leaves in results/benchmark.json. What moved is told against
the newest entry of the same model and hardware in expected_results/throughput, to which `--write`
adds this run.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stilts_repro.commands import Parser, folder, run
from stilts_repro.report.throughput import (
    FOLDER,
    Benchmark,
    Results,
    changes,
    newest,
    read_results,
    write_entries,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = Parser(
        prog="python -m stilts_repro.throughput",
        description="Print the benchmarks' results and what moved since the newest entry.",
    )
    parser.add_argument("results", type=folder, help="what --benchmark-json wrote")
    parser.add_argument("--write", action="store_true", help="add this run to the history")
    parser.add_argument(
        "--history", type=folder, default=FOLDER, help="folder of entries (default: %(default)s)"
    )
    return run(parser, _show, arguments)


def _show(options: argparse.Namespace) -> int:
    results = read_results(options.results)
    show(results, Console(markup=False, emoji=False), options.history)
    if options.write:
        for path in write_entries(results, options.history):
            print(path)
    return 0


def show(results: Results, console: Console, history: Path = FOLDER) -> None:
    """Print the table of `results`, then what moved since the newest entries in `history`."""
    console.print(_table(results))
    for model in results.models:
        before = newest(results, model, history)
        if before is None:
            lines = [
                f"{model}: no earlier entry of this hardware, rows, precision and threads; "
                "--write makes one"
            ]
        else:
            moves = changes(results, before)
            lines = [f"{model}: {len(moves)} moved since {before['date']}"]
            lines += [
                f"  {move.name}: {move.old:,.4g} -> {move.new:,.4g} {move.what} "
                f"({100 * move.change:+.0f} %, noise {100 * move.noise:.0f} %)"
                for move in moves
            ]
        for line in lines:
            console.print(Text(line))


def _table(results: Results) -> Table:
    """Return one row a benchmark: rate, times as fast as the peer, MFU, peak memory.

    What comes from a file is never rich's markup.
    """
    table = Table(
        title=Text(
            f"{results.hardware}, {results.precision}, {results.threads} thread(s), "
            f"rows: {results.data}, {results.date}",
            "table.title",
        ),
        caption="± is the interquartile range; rates count real tokens, never padding",
    )
    table.add_column("benchmark", overflow="fold")
    for title in ("a second", "times the peer", "MFU", "memory"):
        table.add_column(title, justify="right")
    group = None
    for benchmark in sorted(results.benchmarks, key=lambda b: b.group):
        if benchmark.group != group:
            group = benchmark.group
            table.add_section()
            table.add_row(Text(group, "bold"))
        table.add_row(*map(Text, _cells(benchmark)))
    return table


def _cells(benchmark: Benchmark) -> tuple[str, ...]:
    """Return a benchmark's row; what it does not say is blank."""
    ratio, mfu, memory = benchmark.ratio, benchmark.mfu, benchmark.peak_memory
    rate = benchmark.rate
    return (
        benchmark.name.removeprefix("test_"),
        f"{rate.value:,.0f} {benchmark.unit} ±{100 * rate.noise:.0f} %",
        f"{ratio.value:.2f} ±{ratio.iqr:.2f}\n{benchmark.peer or ''}" if ratio else "",
        f"{100 * mfu:.0f} %" if mfu is not None else "",
        f"{memory / 2**20:,.0f} MiB" if memory is not None else "",
    )


if __name__ == "__main__":
    sys.exit(main())
