"""The options of `python -m reproduce`, of its studies and of every script in that folder."""

import argparse
import re

from stilts_repro.commands import Parser, folder, named
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.sources import TESTBED_TRANSLATOR
from stilts_repro.models.transfer import CROSSINGS, DEFAULT
from stilts_repro.translation.mixed import WAYS

ABOUT_CLAIMS = (
    "Run the paper's claims and check each against what is expected of it. python -m reproduce "
    "study NAME answers a question of our own, compare RUN RUN says what moved from one run's "
    "folder to another's, store ls|verify|gc RUN looks after a folder, doctor says what is missing "
    "here for a run."
)
ABOUT_STUDIES = (
    "Answer a question that the paper leaves open: whether its target can be measured at all, then "
    "what three seeds or more say of it."
)


def parser(
    prog: str = "python -m reproduce", about: str = ABOUT_CLAIMS, names: str = "default: all"
) -> Parser:
    """Return the parser of `python -m reproduce`, or of its `study`, `about` which it tells."""
    line = Parser(
        prog=prog,
        description=about,
        epilog="Exit status: 0 every checked claim passes, 1 a claim fails, 2 bad usage or input, "
        "3 something needed is missing: data, weights, network, hardware, memory, room on a disk, "
        "4 a fault of this package, 130 stopped from the keyboard, 143 by SIGTERM.",
    )
    line.add_argument("claims", nargs="*", metavar="NAME", help=f"what to run ({names})")
    for name, text in (
        ("list", "show what there is to run and leave"),
        ("tasks", "show every task and leave"),
        ("plan", "show what the run would cost here and leave"),
    ):
        line.add_argument(f"--{name}", action="store_true", help=text)
    _add_settings(line)
    _add_workers(line)
    line.set_defaults(models=())
    for name, text in (
        ("keep-models", "keep the models of phase (iii) as well"),
        (
            "export-xtreme",
            "write test predictions and labels in the XTREME leaderboard's layout",
        ),
        ("skip-missing", "leave out tasks whose data is missing or malformed, and say so"),
        (
            "write-reference",
            "store the measured values as the scale's reference (for maintainers)",
        ),
    ):
        line.add_argument(f"--{name}", action="store_true", help=text)
    return line


def add_models(line: Parser) -> None:
    """Add the option that has a study compare other models than its own."""
    line.add_argument(
        "--models",
        type=lambda text: tuple(map(named, _names(text))),
        metavar="MODEL,MODEL",
        help="hub ids or folders to compare in place of the study's own models (scaling, "
        "architecture, calibration); MODEL=F: at F times the scale's learning rates",
    )


def _add_settings(line: Parser) -> None:
    """Add the options that say what is run on what."""
    group = line.add_argument_group("what is run, on what")
    group.add_argument("--scale", default="testbed", metavar="S", help=", ".join(SCALES))
    group.add_argument(
        "--data",
        type=named,
        default="auto",
        help="auto, hub, a folder laid out like it, or hub+FOLDER",
    )
    group.add_argument(
        "--model", type=named, help="hub id or folder of the masked LM to start from"
    )
    group.add_argument(
        "--seeds",
        type=_seeds,
        metavar="N",
        help="run with seeds 0 to N - 1; A-B: with seeds A to B",
    )
    for option, what in (("intermediate", "intermediate tasks"), ("targets", "target tasks")):
        group.add_argument(
            f"--{option}",
            type=_names,
            metavar="TASK,TASK",
            help=f"limit the run to these {what}",
        )
    group.add_argument("--output", type=folder, metavar="DIR", help="default: results/<scale>")
    group.add_argument(
        "--crosses",
        choices=CROSSINGS,
        default=DEFAULT,
        metavar="WHAT",
        help=f"what phase (iii) takes over from phase (ii): {', '.join(CROSSINGS)}",
    )
    group.add_argument(
        "--sampler",
        default="proportional",
        metavar="S",
        help="how multi-task training draws its tasks: proportional, uniform, capped:ROWS, "
        "temperature:T, or the last two with a comma between",
    )
    group.add_argument(
        "--corpus", type=named, metavar="DIR", help="text for continued MLM, <language>.txt[.gz]"
    )
    group.add_argument(
        "--translator",
        type=named,
        metavar="SPEC",
        help=f"who translates rows of phase (ii): {WAYS} "
        f"(default on the testbed: {TESTBED_TRANSLATOR})",
    )


def _add_workers(line: Parser) -> None:
    """Add the options that say who does the jobs."""
    group = line.add_argument_group("who does the jobs")
    group.add_argument(
        "--executor",
        default="local",
        choices=("local", "ray"),
        help="who does the jobs: processes of this machine (default), or a Ray cluster "
        "(docs/cluster.md)",
    )
    group.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="with --executor ray: the cluster's (default: RAY_ADDRESS, or Ray on this machine)",
    )
    group.add_argument(
        "--store",
        metavar="URL",
        help="where finished jobs are copied to and had from, by machines that share no folder: "
        "what fsspec knows, such as s3://BUCKET/RUN (docs/cluster.md)",
    )
    group.add_argument(
        "--gpus-per-job",
        type=_count,
        default=1,
        metavar="N",
        help="train each model on N GPUs of one machine (without GPUs: in N processes)",
    )


def _count(text: str) -> int:
    """Return the number above zero that `text` is."""
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text}: give a number from 1 to 9999")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    """Return what an option lists."""
    names = tuple(text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r}: give names with one comma between two")
    return names


def _seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that `--seeds` names."""
    seeds = range(0)
    if found := re.fullmatch("([0-9]{1,4})(?:-([0-9]{1,4}))?", text):
        first, last = found.groups()
        seeds = range(int(first), int(last) + 1) if last else range(int(first))
    if not seeds:
        raise argparse.ArgumentTypeError(f"{text}: give a number from 1 to 9999, or two, as in 3-7")
    return tuple(seeds)
