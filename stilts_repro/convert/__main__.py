"""`python -m stilts_repro.convert {bucc,ccgbank,cosmosqa} INPUT --output DIR`.

The result is a folder that `--data DIR` reads, or `--data hub+DIR` together with the hub.
"""

import argparse
import sys
from collections.abc import Sequence

from stilts_repro.commands import Parser, folder, run
from stilts_repro.convert import Output, bucc, ccgbank, cosmosqa
from stilts_repro.errors import MissingError

CONVERTERS = {
    "bucc": (bucc.convert, "BUCC 2018: the folder with the unpacked archives, <pair>/<pair>.*"),
    "ccgbank": (ccgbank.convert, "CCGbank: the folder of LDC2005T13"),
    "cosmosqa": (cosmosqa.convert, "Cosmos QA: the folder with {train,valid}.{jsonl,csv}"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return run(_parser(), _convert, arguments)


def _convert(options: argparse.Namespace) -> int:
    convert, _ = CONVERTERS[options.name]
    if not options.input.is_dir():
        raise MissingError(f"{options.input}: no such folder; give that of the official files")
    with Output(options.output) as output:
        notes = convert(options.input, output)
    for split in output.splits:
        print(f"{split.path}: {split.rows:,} rows")
    for note in notes:
        print(note)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m stilts_repro.convert",
        description="Convert official files of a data set to parquet laid out like the hub.",
    )
    names = parser.add_subparsers(dest="name", required=True, metavar="DATA_SET")
    for name, (_, description) in CONVERTERS.items():
        command = names.add_parser(name, help=description)
        command.add_argument("input", type=folder, metavar="INPUT", help=description)
        command.add_argument(
            "--output", type=folder, required=True, help="folder laid out like hub"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
