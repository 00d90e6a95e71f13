"""`python -m stilts_repro.throughput RESULTS.json [--write]`: the benchmarks' results on one page.

RESULTS.json is what `tox -e benchmark` leaves in results/benchmark.json. What moved is told against
the newest entry of the same model and hardware in expected_results/throughput, to which `--write`
adds this run.
"""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from stilts_repro.commands import Parser, folder, run
from stilts_repro.report.throughput.history import FOLDER, write_entries
from stilts_repro.report.throughput.results import read_results
from stilts_repro.report.throughput.table import show


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
    return run(parser, _tell, arguments)


def _tell(options: argparse.Namespace) -> int:
    results = read_results(options.results)
    show(results, Console(markup=False, emoji=False), options.history)
    if options.write:
        for path in write_entries(results, options.history):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
