"""`python -m stilts_repro.pretrain`: train a tokenizer and a small multilingual language model.

On real text (`--corpus DIR`, one file a language) or on the testbed's documents (`--testbed`); or
train an encoder further as a masked LM (`--start MODEL`), with its own tokenizer and in the tokens
that the text holds. The result is a Hugging Face directory that `--model` takes.
"""

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

from rich.console import Console
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging

from stilts_repro import stopping
from stilts_repro.commands import Parser, folder, named, run
from stilts_repro.data.corpus import corpus_files, read_lines
from stilts_repro.data.features import Features
from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.errors import InputError
from stilts_repro.experiments import environment
from stilts_repro.experiments.phase_one import (
    START_RECIPE,
    TESTBED_RECIPE,
    TESTBED_SIZES,
    Documents,
    balanced,
    ladder_recipe,
    testbed_corpus,
)
from stilts_repro.experiments.scales import MORPHOLOGY, UNRELATED
from stilts_repro.folders import check_name, writing
from stilts_repro.jsonio import write_json
from stilts_repro.machine import Machine
from stilts_repro.models.pretrained import check_pretrained, fingerprint
from stilts_repro.models.vocabulary import narrowed
from stilts_repro.seeds import numpy_rng
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.training.pretraining import Pretraining, PretrainLog
from stilts_repro.training.shapes import SIZES, PretrainRecipe

CARD = "pretraining.json"
TOKENIZER_TEXTS = 60_000  # enough for a small vocabulary, and seconds to train on
MOST_DOCUMENTS = 200_000  # of real text: more than a small model reads in an hour
SMOOTHING = 0.5  # languages are drawn in proportion to (documents) ** SMOOTHING


def documents_of(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, recipe: PretrainRecipe
) -> Features:
    """Tokenise documents, each cut at the recipe's longest sequence."""
    return Retrieval(mining=False).featurise(texts, tokenizer, Limits(recipe.max_length))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return run(_parser(), _pretrain, arguments, resumes=True)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m stilts_repro.pretrain",
        description="Train a small multilingual language model from scratch: a masked one, a "
        "decoder (--causal) or an encoder-decoder (--denoising); or one further (--start).",
    )
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--corpus", type=folder, help="folder of <language>.txt[.gz], a text a line")
    text.add_argument("--testbed", action="store_true", help="the testbed's documents and recipe")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--unrelated", action="store_true", help="with --testbed: languages that share nothing"
    )
    kind.add_argument(
        "--morphology",
        type=int,
        choices=range(1, len(MORPHOLOGY) + 1),
        help="with --testbed: languages that differ in morphology alone; which of such worlds",
    )
    parser.add_argument(
        "--start", type=named, metavar="MODEL", help="with --corpus: hub id or folder to start from"
    )
    parser.add_argument("--output", type=folder, required=True, help="folder for the model")
    parser.add_argument(
        "--minutes",
        type=float,
        help="stop after so many minutes of training (default: 5; with --start 60; with --testbed "
        "the recipe's steps)",
    )
    parser.add_argument("--steps", type=int, help="stop after so many optimiser steps")
    parser.add_argument(
        "--size",
        choices=sorted({*SIZES, *TESTBED_SIZES}),
        help="from scratch: mini (default) or small; on the testbed the width of a study's model: "
        + ", ".join(TESTBED_SIZES),
    )
    objective = parser.add_mutually_exclusive_group()
    objective.add_argument(
        "--causal", action="store_true", help="from scratch: a decoder, which reads left to right"
    )
    objective.add_argument(
        "--denoising", action="store_true", help="from scratch: an encoder-decoder, by its spans"
    )
    parser.add_argument(
        "--half", action="store_true", help="write the weights in half precision, half as large"
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights and order (default: 0)")
    return parser


def _recipe(options: argparse.Namespace) -> PretrainRecipe:
    for name in ("minutes", "steps"):
        value = getattr(options, name)
        if value is not None and not 0 < value < math.inf:  # nor NaN
            raise InputError(f"--{name} {value}: give a number above zero")
    if (options.unrelated or options.morphology) and not options.testbed:
        option = "--unrelated" if options.unrelated else "--morphology"
        raise InputError(f"{option}: only the testbed has such languages; give --testbed")
    if not 0 <= options.seed < 2**32:
        raise InputError(f"--seed {options.seed}: give a number from 0 to {2**32 - 1}")
    other = options.causal or options.denoising
    if options.start is not None and (options.testbed or options.size or other):
        raise InputError(
            "--start: its model has its size, class and languages; leave --testbed, --size, "
            "--causal and --denoising out"
        )
    sizes = TESTBED_SIZES if options.testbed else SIZES
    if options.size and options.size not in sizes:
        raise InputError(f"--size {options.size}: choose one of {', '.join(sizes)} here")
    if options.testbed and (options.size or other or options.morphology):
        recipe = ladder_recipe(options.size or "96")
    elif options.testbed:
        recipe = TESTBED_RECIPE
    elif options.start is not None:
        recipe = START_RECIPE
    else:
        recipe = PretrainRecipe(sizes[options.size or "mini"], minutes=5.0, learning_rate=1e-3)
    if other:
        recipe = replace(recipe, objective="causal" if options.causal else "spans")
    if options.steps is not None or options.minutes is not None:
        recipe = replace(recipe, steps=options.steps, minutes=options.minutes, block_steps=0)
    return replace(recipe, seed=options.seed)


def _pretrain(options: argparse.Namespace) -> int:
    console = Console(stderr=True, markup=False, emoji=False)  # names are no markup
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # that a head is drawn anew is meant
    recipe = _recipe(options)
    given = None if options.start is None else _checked(options.start, recipe)
    output: Path = options.output
    check_name("--output", output)
    files = {} if options.testbed else corpus_files(options.corpus)
    with writing("--output", output):
        output.mkdir(parents=True, exist_ok=True)
    documents: Documents
    if options.testbed:
        data = UNRELATED.data if options.unrelated else "testbed"
        documents = testbed_corpus(
            MORPHOLOGY[options.morphology - 1].data if options.morphology else data
        )
        chosen = balanced(documents, recipe.seed, 1.0)
    else:
        documents = {code: list(read_lines(file)) for code, file in files.items()}
        chosen = balanced(documents, recipe.seed, SMOOTHING, MOST_DOCUMENTS)
    texts = list(chain.from_iterable(chosen.values()))
    console.print(f"{len(texts):,} documents in {len(documents)} files or kinds; tokenising")
    tokenizer = given or _trained(texts, recipe)
    parts = [documents_of(texts, tokenizer, recipe) for texts in chosen.values()]
    start = None
    if given:
        start = narrowed(options.start, Features.joined(parts), tokenizer, recipe.seed)
        parts = [start.narrow(part) for part in parts]
    tokens = sum(part.tokens for part in parts)
    size = len(start.ids) if start else len(tokenizer)
    console.print(f"{tokens:,} tokens, {size:,} of them different")

    def report(log: PretrainLog, loss: float, share: float) -> None:
        rate, left = log.tokens / log.seconds, log.seconds * (1 - share) / share / 60
        console.print(
            f"{share:6.1%}  step {log.steps:6,}  loss {loss:.3f}  {rate:,.0f} tokens/s  "
            f"{max(0.0, left):.0f} min left"
        )

    checkpoint = output / "checkpoint"
    machine = Machine.of(device="cpu") if start else Machine()
    training = Pretraining(recipe, parts, tokenizer, checkpoint, start, machine)
    with stopping.itself():
        log = training.run(report)
    new = checkpoint / "model"  # whole before it is where a model is looked for
    model = start.widened() if start else training.model
    if options.half:
        model = model.half()
    with writing("--output", output):
        model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        _write_card(new, recipe, documents, log, start.origin if start else None)
        for file in sorted(new.iterdir(), key=lambda file: file.name == CARD):  # the card last
            file.replace(output / file.name)
        shutil.rmtree(checkpoint)
    console.print(f"{output}: a language model of {model.num_parameters():,} parameters")
    return 0


def _checked(start: str, recipe: PretrainRecipe) -> PreTrainedTokenizerBase:
    """Return the tokenizer of the model to start from; `InputError` or `MissingError` if unfit."""
    tokenizer = check_pretrained(start, recipe.max_length, "--start")
    if tokenizer.mask_token_id is None:
        raise InputError(f"--start {start}: its tokenizer has no mask token; choose a masked LM")
    return tokenizer


def _trained(texts: Sequence[str], recipe: PretrainRecipe) -> PreTrainedTokenizerBase:
    """Return a tokenizer trained on a sample of `texts`."""
    assert recipe.size is not None
    sample = numpy_rng(recipe.seed, "pretrain", "tokenizer").permutation(len(texts))
    return train_tokenizer(
        (texts[place] for place in sample[:TOKENIZER_TEXTS]),
        recipe.size.vocabulary,
        recipe.max_length,
    )


def _write_card(
    model: Path, recipe: PretrainRecipe, documents: Documents, log: PretrainLog, start: str | None
) -> None:
    """Write what the model was made of beside it."""
    write_json(
        model / CARD,
        {
            "start": start,
            "recipe": asdict(recipe),
            "documents": {name: len(texts) for name, texts in documents.items()},
            "steps": log.steps,
            "tokens": log.tokens,
            "seconds": round(log.seconds, 1),
            "first_losses": log.first,
            "losses": log.losses,
            "hash": fingerprint(str(model)),
            "versions": environment.versions(),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
