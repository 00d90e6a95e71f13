"""What the benchmarks read: rows, a tokenizer trained on them, their features, and models for them.

Rows are the real ones of the folder that `STILTS_REAL_DATA` names, else the testbed's.
"""

import os
from functools import cache
from pathlib import Path

from transformers import PreTrainedTokenizerBase, XLMRobertaModel

from stilts_repro.data.features import Features
from stilts_repro.data.source import DirectorySource, Source
from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.models import attention
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.format import Example, Limits
from stilts_repro.tasks.loading import choose_division, languages, load_evaluation, load_training
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from tests.benchmarks.shapes import MINI, Shape
from tests.benchmarks.timing import machine

LIMITS = Limits(128, max_question=32, stride=64)


@cache
def source() -> Source:
    real = os.environ.get("STILTS_REAL_DATA")
    return DirectorySource(Path(real) / "hub-mirror") if real else TestbedSource()


@cache
def training_rows(task: str, count: int) -> tuple[Example, ...]:
    """Return the first `count` English training examples of `task`, fewer where there are fewer."""
    return load_training(source(), TRAINING_SETS[task], count).examples


@cache
def test_rows(task: str, count: int) -> dict[str, tuple[Example, ...]]:
    """Return `task`'s first `count` test examples in each language that has any."""
    target = TARGET_TASKS[task]
    part = choose_division(source(), target).test
    found = {
        code: load_evaluation(source(), target, part, code, count)
        for code in languages(source(), target)
    }
    return {code: held.examples for code, held in found.items() if held}


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """Return a tokenizer of the mini model's vocabulary, trained on MNLI's and XNLI's sentences."""
    pairs = [
        *training_rows("mnli", 4000),
        *(e for held in test_rows("xnli", 100).values() for e in held),
    ]
    texts = sorted({text for pair in pairs for text in (pair.first, pair.second)})
    return train_tokenizer(texts, MINI.vocabulary, LIMITS.max_length)


@cache
def training_features(task: str, count: int, limits: Limits = LIMITS) -> Features:
    """Return the features of `training_rows`."""
    kind = TRAINING_SETS[task].format
    return kind.featurise(training_rows(task, count), tokenizer(), limits)


def pad_id() -> int:
    return int(tokenizer().pad_token_id)


def model(shape: Shape, task: str) -> MultiTaskModel:
    """Return our model of `shape` with a head for the training set `task`, as a job here has it.

    That is on the device, and on the attention back end that is chosen there.
    """
    backbone = XLMRobertaModel(shape.config())
    made = MultiTaskModel.fresh(backbone, {task: TRAINING_SETS[task].format}, seed=0)
    made.to(machine().device)
    attention.use(made.backbone, machine())
    return made
