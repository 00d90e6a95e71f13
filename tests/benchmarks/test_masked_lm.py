"""Masked language modelling: the head at masked positions only, and pre-training as a whole."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import XLMRobertaForMaskedLM

from stilts_repro.data.corpus import corpus_files, read_lines
from stilts_repro.data.features import collate
from stilts_repro.models.masked import Masking, masked_batch, mlm_loss
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.testbed import TestbedSource
from stilts_repro.training.pretraining import Pretraining
from stilts_repro.training.shapes import PretrainRecipe, Size
from tests.benchmarks import given, made
from tests.benchmarks.shapes import MINI, TRAINED
from tests.benchmarks.timing import device, machine, measure

pytestmark = pytest.mark.benchmark(group="masked LM")

LANGUAGES = ("ar", "de", "en", "fr", "ru", "sw", "tr", "zh")
TEXTS = 500  # a language
STEPS = 10


def masked(shape, sequences):
    """Return a masked batch of blocks of 128 tokens, on the device."""
    lengths = np.full(sequences, 128)
    held = made.features_of(Retrieval(mining=False), lengths, shape.vocabulary)
    batch = collate(held, np.arange(sequences), 1)
    masking = Masking(shape.vocabulary - 1, tuple(range(5)), shape.vocabulary)
    return masked_batch(batch, masking, torch.Generator().manual_seed(0)).to(device())


def test_head_next_to_logits_everywhere(benchmark, shape):
    """The peer is transformers' class: logits of every position, most without a label."""
    model = XLMRobertaForMaskedLM(shape.config()).to(device()).train()
    batch = masked(shape, 16 if shape is MINI else 64)
    chosen = len(batch.chosen.gold)

    def backward(loss):
        with machine().autocast():
            told = loss()
        told.backward()
        model.zero_grad()
        return told

    def ours():
        return backward(lambda: mlm_loss(model, batch))

    def theirs():
        columns = {"attention_mask": batch.attention_mask, "labels": batch.token["label"]}
        return backward(lambda: model(input_ids=batch.input_ids, **columns).loss)

    if not shape.dropout:
        close = {"rtol": 0.01, "atol": 0.0} if machine().bf16 else {}
        torch.testing.assert_close(ours().float(), theirs().float(), **close)
    measure(
        benchmark,
        ours,
        {"tokens": batch.tokens},
        peer=("logits everywhere", theirs),
        model=shape.name,
        # The head's own part: a dense layer and the vocabulary, at the masked places.
        flops=TRAINED
        * (
            shape.flops(np.full(*batch.input_ids.shape))
            + 2 * chosen * shape.hidden * (shape.hidden + shape.vocabulary)
        ),
    )


def documents():
    """Return texts by language: the corpus's first lines, else the testbed's documents."""
    real = os.environ.get("STILTS_REAL_DATA")
    if not real:
        source = TestbedSource()
        return {code: list(islice(source.documents(code), TEXTS)) for code in source.languages}
    files = corpus_files(Path(real) / "corpus")
    return {code: list(islice(read_lines(files[code]), TEXTS)) for code in LANGUAGES}


def test_pretraining(benchmark):
    """The first steps of phase (i), as `stilts_repro.pretrain` runs it."""
    recipe = PretrainRecipe(
        Size(MINI.layers, MINI.hidden, MINI.heads, MINI.intermediate, MINI.vocabulary), steps=STEPS
    )
    words = given.tokenizer()
    kind = Retrieval(mining=False)
    parts = [kind.featurise(held, words, given.LIMITS) for held in documents().values()]
    runs = []

    def fresh():
        runs.append(Pretraining(recipe, parts, words))

    fresh()
    tokens = runs[-1].run().tokens
    measure(
        benchmark,
        lambda: runs[-1].run(),
        {"tokens": tokens},
        model=MINI.name,
        before=fresh,
    )
    assert [run.log.tokens for run in runs] == [tokens] * len(runs)
