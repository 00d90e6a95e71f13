"""The benchmarks' results on one page, and what moved since the newest entry."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stilts_repro.report.throughput.history import FOLDER, Change, changes, newest
from stilts_repro.report.throughput.results import Benchmark, Results


def show(results: Results, console: Console, folder: Path = FOLDER) -> None:
    """Print the table of `results`, then what moved since the newest entries in `folder`."""
    console.print(table(results))
    for model in results.models:
        before = newest(results, model, folder)
        if before is None:
            lines = [
                f"{model}: no earlier entry of this hardware, rows, precision and threads; "
                "--write makes one"
            ]
        else:
            moved = changes(results, before)
            lines = [f"{model}: {len(moved)} moved since {before['date']}"]
            lines += [f"  {sentence(change)}" for change in moved]
        for line in lines:
            console.print(Text(line))


def table(results: Results) -> Table:
    """Return one row a benchmark: rate, times as fast as the peer, MFU, peak memory.

    What comes from a file is never rich's markup.
    """
    said = Table(
        title=Text(
            f"{results.hardware}, {results.precision}, {results.threads} thread(s), "
            f"rows: {results.data}, {results.date}",
            "table.title",
        ),
        caption="± is the interquartile range; rates count real tokens, never padding",
    )
    said.add_column("benchmark", overflow="fold")
    for title in ("a second", "times the peer", "MFU", "memory"):
        said.add_column(title, justify="right")
    group = None
    for benchmark in sorted(results.benchmarks, key=lambda b: b.group):
        if benchmark.group != group:
            group = benchmark.group
            said.add_section()
            said.add_row(Text(group, "bold"))
        said.add_row(*map(Text, cells(benchmark)))
    return said


def cells(benchmark: Benchmark) -> tuple[str, ...]:
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


def sentence(change: Change) -> str:
    """Return what moved in one line."""
    return (
        f"{change.name}: {change.old:,.4g} -> {change.new:,.4g} {change.what} "
        f"({100 * change.change:+.0f} %, noise {100 * change.noise:.0f} %)"
    )
