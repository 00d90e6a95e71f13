"""`python -m stilts_repro.throughput RESULTS.json [--write]`: the benchmarks' results on one page.

RESULTS.json is what `tox -e benchmark` leaves in results/benchmark.json. What moved is told against
the newest entry of the same model and hardware in expected_results/throughput, to which `--write`
adds this run.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from stilts_repro.arguments import Parser
from stilts_repro.errors import StiltsError
from stilts_repro.report.throughput.history import FOLDER, write_entries
from stilts_repro.report.throughput.results import read_results
from stilts_repro.report.throughput.table import show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = Parser(
        prog="python -m stilts_repro.throughput",
        description="Print the benchmarks' results and what moved since the newest entry.",
    )
    parser.add_argument("results", type=Path, help="what --benchmark-json wrote")
    parser.add_argument("--write", action="store_true", help="add this run to the history")
    parser.add_argument(
        "--history", type=Path, default=FOLDER, help="folder of entries (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        results = read_results(options.results)
        show(results, Console(), options.history)
        if options.write:
            for path in write_entries(results, options.history):
                print(path)
    except StiltsError as error:
        print(f"throughput: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
