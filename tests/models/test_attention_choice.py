"""Which attention back end a model gets, and what is said where it cannot have one."""

import pytest
import torch
from transformers import AutoConfig

from stilts_repro.errors import InputError, MissingError
from stilts_repro.models import attention
from stilts_repro.models.attention import ATTENTION

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def config_of(saved):
    return lambda kind: AutoConfig.from_pretrained(saved(kind))


@pytest.fixture(autouse=True)
def unforced(monkeypatch):
    monkeypatch.delenv(ATTENTION, raising=False)


@pytest.fixture
def ampere(monkeypatch):
    """A GPU that could run the kernels, on paper."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0))


def test_a_cpu_reads_padded_batches(config_of):
    assert attention.choose(config_of("xlm-roberta"), CPU, bf16=False) == "sdpa"
    assert attention.choose(config_of("xlm-roberta"), CPU, bf16=True) == "sdpa_fp32"


@pytest.mark.usefixtures("ampere")
def test_a_gpu_reads_packed_ones_where_they_are_proved(config_of):
    for kind in ("xlm-roberta", "bert", "qwen3"):
        assert attention.choose(config_of(kind), GPU, bf16=True) == "varlen"
        assert attention.choose(config_of(kind), GPU, bf16=False) == "sdpa"
    for kind in ("mt5", "bart", "distilbert", "gpt2"):
        assert attention.choose(config_of(kind), GPU, bf16=True) == "sdpa"


@pytest.mark.usefixtures("ampere")
def test_another_is_chosen_where_one_cannot_run(config_of, monkeypatch):
    config = config_of("xlm-roberta")
    monkeypatch.setattr(attention, "_installed", lambda name: name == "flash")
    assert attention.choose(config, GPU, bf16=True) == "flash"
    config.num_attention_heads = 8  # heads of four numbers
    assert attention.choose(config, GPU, bf16=True) == "sdpa"
    sliding = config_of("qwen3")
    sliding.layer_types = ["full_attention", "sliding_attention"]
    assert attention.choose(sliding, GPU, bf16=True) == "sdpa"


def test_one_can_be_forced(config_of, monkeypatch):
    monkeypatch.setenv(ATTENTION, "block")
    assert attention.choose(config_of("xlm-roberta"), CPU, bf16=False) == "block"


@pytest.mark.parametrize(
    ("name", "kind", "device", "bf16", "error", "why"),
    [
        ("flesh", "bert", CPU, False, InputError, "give sdpa, sdpa_fp32, varlen, flash, block"),
        ("block", "mt5", CPU, False, InputError, "type 'mt5' are not proved to read packed rows"),
        ("varlen", "bert", CPU, True, MissingError, "needs an NVIDIA GPU"),
        ("varlen", "bert", GPU, False, InputError, "computes in bf16"),
        ("flash", "bert", GPU, True, MissingError, "needs the package flash-attn"),
    ],
)
@pytest.mark.usefixtures("ampere")
def test_what_cannot_be_forced_is_one_line(
    config_of, monkeypatch, name, kind, device, bf16, error, why
):
    monkeypatch.setenv(ATTENTION, name)
    monkeypatch.setattr(attention, "_installed", lambda name: False)
    with pytest.raises(error, match=f"{ATTENTION}={name}: .*{why}") as caught:
        attention.choose(config_of(kind), device, bf16=bf16)
    assert "\n" not in str(caught.value)


def test_what_is_used_is_what_is_told(started, monkeypatch):
    backbone = started("xlm-roberta").backbone
    assert (attention.use(backbone, bf16=False), attention.packs(backbone)) == ("sdpa", False)
    monkeypatch.setenv(ATTENTION, "block")
    assert (attention.use(backbone, bf16=False), attention.packs(backbone)) == ("block", True)
    with attention.padded(backbone):
        assert attention.backend(backbone) == "sdpa"
    assert attention.backend(backbone) == "block"
