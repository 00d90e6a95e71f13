"""How one training is done, and the recipes that tasks share."""

from dataclasses import dataclass, replace
from typing import Literal

# Where recipes differ: the paper's set-up, on whichever model; a small real encoder on a CPU, or a
# small GPU; and the testbed on a CPU.
SetUp = Literal["paper", "laptop", "testbed"]
# Which token embeddings a training moves: all; those of the tokens that its rows hold, which is the
# same but for the weight decay of the others, and quicker; or none.
Embeddings = Literal["whole", "read", "frozen"]


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of one training.

    `batch_size` counts examples (windows in question answering), `epochs` passes over at most
    `rows` training rows (None: all). Lengths are in tokens. Defaults are jiant's XTREME scripts':
    AdamW with epsilon 1e-8, weight decay 0.01, 10 % warm-up, then linear decay, clipping at 1.0.
    With `evaluate_every` (optimiser steps) the best checkpoint on `dev_rows` English dev rows is
    kept, and training stops after `patience` evaluations without a better one. With
    `share`, a task that is mixed into others has that share of all steps, whatever its epochs.
    `dropout` is the rate everywhere in the model (None: as its configuration says).
    `provenance` says where batch, epochs, rate and length are known from.
    """

    learning_rate: float = 1e-5
    batch_size: int = 32
    epochs: float = 2
    rows: int | None = None
    max_length: int = 256
    stride: int = 128
    max_question: int = 64
    warmup: float = 0.1
    weight_decay: float = 0.01
    epsilon: float = 1e-8
    clip: float = 1.0
    evaluate_every: int | None = None
    patience: int = 30
    dev_rows: int = 500
    share: float | None = None
    embeddings: Embeddings = "whole"
    dropout: float | None = None
    provenance: str = "ours"


def jiant(batch_size: int, epochs: int, max_length: int = 256) -> Recipe:
    """Return a target's recipe in the paper's set-up."""
    known = Recipe(evaluate_every=1000, provenance="jiant's XTREME scripts (verified)")
    return replace(known, batch_size=batch_size, epochs=epochs, max_length=max_length)


def recalled(batch_size: int, epochs: int, max_length: int = 256) -> Recipe:
    """Return an intermediate task's recipe in the paper's set-up."""
    known = "the paper's appendix (recalled); length as in jiant's scripts"
    return Recipe(batch_size=batch_size, epochs=epochs, max_length=max_length, provenance=known)


def xtreme_r(epochs: int) -> Recipe:
    """Return a recipe of XTREME-R's multiple choice, for XLM-R Large."""
    known = Recipe(learning_rate=3e-5, max_length=128, provenance="XTREME-R's scripts (verified)")
    return replace(known, epochs=epochs)


def dual() -> Recipe:
    """Return the recipe of XTREME-R's dual encoder (LAReQA), for XLM-R Large."""
    known = Recipe(learning_rate=2e-5, batch_size=16, epochs=3, max_length=256, max_question=96)
    return replace(known, warmup=0.0, weight_decay=0.0, provenance="XTREME-R's scripts (verified)")


def linked() -> Recipe:
    """Return the recipe of XTREME-R's Mewsli-X for XLM-R, whose newest script says 1e-5."""
    known = replace(dual(), learning_rate=1e-5, batch_size=32, epochs=2)
    return replace(known, max_length=64, max_question=64)


def modest(
    rows: int, epochs: float, max_length: int = 128, *, learning_rate: float = 1e-4
) -> Recipe:
    """Return a recipe of the scale `laptop`: at most `rows` rows, the token embeddings frozen.

    What reads a fresh pooler is not always learned at 2e-4, the rest is. There is no dropout:
    on a CPU, attention with it takes a quarter more time and twice the memory, and MNLI is learned
    no better (docs/laptop.md).
    """
    base = Recipe(learning_rate=learning_rate, embeddings="frozen", dropout=0.0)
    return replace(base, rows=rows, epochs=epochs, max_length=max_length)


def small(rows: int, epochs: float = 1, *, learning_rate: float = 1e-3) -> Recipe:
    """Return a recipe of the testbed; a scale may take a share of its `rows`."""
    base = Recipe(batch_size=16, max_length=128, stride=64, max_question=32)
    return replace(base, learning_rate=learning_rate, rows=rows, epochs=epochs)


def taught(rows: int) -> Recipe:
    """Return an intermediate task's recipe of the testbed.

    The rate is what teaches the tasks, by their own English dev rows: at 1e-4 HellaSwag, of the
    same rows, is told in 46 % and at 5e-4 in 99 % (docs/testbed.md).
    """
    return small(rows, learning_rate=5e-4)
