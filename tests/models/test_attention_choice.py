"""Which attention back end a model gets, and what is said where it cannot have one."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig

from stilts_repro.errors import InputError, MissingError
from stilts_repro.machine import ATTENTION, BACK_ENDS, Machine
from stilts_repro.models import attention

CPU, GPU = Machine("cpu", "fp32"), Machine("cuda", "fp32")
CPU_BF16, GPU_BF16 = Machine("cpu", "bf16"), Machine("cuda", "bf16")


@pytest.fixture
def config_of(saved):
    return lambda kind: AutoConfig.from_pretrained(saved(kind))


@pytest.fixture
def ampere(monkeypatch):
    """A GPU that could run the kernels, on paper."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 0))


def test_a_cpu_reads_padded_batches(config_of):
    assert attention.choose(config_of("xlm-roberta"), CPU) == "sdpa"
    assert attention.choose(config_of("xlm-roberta"), CPU_BF16) == "sdpa_fp32"


@pytest.mark.usefixtures("ampere")
def test_a_gpu_reads_packed_ones_where_they_are_proved(config_of):
    for kind in ("xlm-roberta", "bert", "qwen3"):
        assert attention.choose(config_of(kind), GPU_BF16) == "varlen"
        assert attention.choose(config_of(kind), GPU) == "sdpa"
    for kind in ("mt5", "bart", "distilbert", "gpt2"):
        assert attention.choose(config_of(kind), GPU_BF16) == "sdpa"


@pytest.mark.usefixtures("ampere")
def test_another_is_chosen_where_one_cannot_run(config_of, monkeypatch):
    config = config_of("xlm-roberta")
    monkeypatch.setattr(attention, "_installed", lambda name: name == "flash")
    assert attention.choose(config, GPU_BF16) == "flash"
    config.num_attention_heads = 8  # heads of four numbers
    assert attention.choose(config, GPU_BF16) == "sdpa"
    sliding = config_of("qwen3")
    sliding.layer_types = ["full_attention", "sliding_attention"]
    assert attention.choose(sliding, GPU_BF16) == "sdpa"


def test_one_can_be_asked_for(config_of):
    block = Machine(attention="block")
    assert attention.choose(config_of("xlm-roberta"), block) == "block"


def test_what_can_be_asked_for_is_there():
    assert tuple(attention.NAMES) == BACK_ENDS


@pytest.mark.parametrize(
    ("name", "kind", "machine", "error", "why"),
    [
        ("block", "mt5", CPU, InputError, "type 'mt5' are not proved to read packed rows"),
        ("varlen", "bert", CPU_BF16, MissingError, "needs an NVIDIA GPU"),
        ("varlen", "bert", GPU, InputError, "computes in bf16"),
        ("flash", "bert", GPU_BF16, MissingError, "needs the package flash-attn"),
    ],
)
@pytest.mark.usefixtures("ampere")
def test_what_cannot_be_had_is_one_line(config_of, monkeypatch, name, kind, machine, error, why):
    monkeypatch.setattr(attention, "_installed", lambda name: False)
    with pytest.raises(error, match=f"{ATTENTION}={name}: .*{why}") as caught:
        attention.choose(config_of(kind), replace(machine, attention=name))
    assert "\n" not in str(caught.value)


def test_what_is_used_is_what_is_told(started):
    backbone = started("xlm-roberta").backbone
    assert (attention.use(backbone, CPU), attention.packs(backbone)) == ("sdpa", False)
    block = Machine(attention="block")
    assert (attention.use(backbone, block), attention.packs(backbone)) == ("block", True)
    with attention.padded(backbone):
        assert attention.backend(backbone) == "sdpa"
    assert attention.backend(backbone) == "block"
