"""Fixtures that tests of several layers share: a tiny tokenizer, a tiny model, real rows."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

import pytest
import torch
from transformers import (
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
)

from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.machine import PRECISION
from stilts_repro.testbed import TestbedSource

torch.set_num_threads(1)  # tiny models gain nothing from more, and pytest-xdist runs two workers


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `tox -e soak` asks for."""
    parser.addoption("--soak", action="store_true", help="the long forms of tests/soak")


@pytest.fixture(scope="session")
def times(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """How often a test does what it does: the second number with `--soak`, else the first."""
    long = request.config.getoption("--soak")
    return lambda few, many: many if long else few


@pytest.fixture(scope="session", autouse=True)
def feature_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A feature cache of the session's own: tests neither read nor write the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILTS_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def precision() -> Iterator[str | None]:
    """Machines are in fp32, whatever the processor has: tests hold numbers to its digits.

    The value is what was asked for outside.
    """
    asked = os.environ.get(PRECISION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PRECISION, "fp32")
        yield asked


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerBase:
    """A tokenizer trained on a few documents in every testbed language; texts up to 128 tokens."""
    source = TestbedSource()
    texts = [text for code in source.languages for text in islice(source.documents(code), 60)]
    return train_tokenizer(texts, vocabulary=800, max_length=128)


@pytest.fixture(scope="session")
def tiny_model(
    tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A random XLM-R encoder with pooler, saved with `tokenizer` (read-only: copy to spoil it)."""
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        type_vocab_size=1,
        initializer_range=0.1,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    path = tmp_path_factory.mktemp("tiny") / "model"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        XLMRobertaModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def masked_lm(tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random masked LM, as phase (i) leaves one."""
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    path = tmp_path_factory.mktemp("mlm") / "model"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        XLMRobertaForMaskedLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real rows and text that `STILTS_REAL_DATA` names."""
    if "STILTS_REAL_DATA" not in os.environ:
        pytest.skip("STILTS_REAL_DATA is not set: no real rows to test on")
    return Path(os.environ["STILTS_REAL_DATA"])


@pytest.fixture
def little_room() -> Callable[[int], AbstractContextManager[None]]:
    """A disk that is full: within `little_room(n)` no file gets longer than `n` bytes."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
