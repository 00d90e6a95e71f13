"""Attention back ends: which one a model runs on, and what each is given. Chosen here alone.

    sdpa       padded batches through torch's scaled dot product: anywhere; what CPUs use
    sdpa_fp32  the same, in fp32 where the rest is in bf16: what CPUs use then
    varlen     packed batches through torch's variable-length kernels: GPUs, in bf16
    flash      packed batches through the flash-attn package, by way of transformers
    block      packed batches through sdpa with an explicit block mask: slow; the reference

A `Machine` may ask for one. In a packed row no sequence may see another, and transformers does
not see to it: with sdpa, its bidirectional mask of a packed row is no mask at all.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from stilts_repro.data.features import SEGMENT, Batch
from stilts_repro.data.packing import Packed, pack
from stilts_repro.errors import InputError, MissingError, StiltsError
from stilts_repro.machine import ATTENTION, Machine
from stilts_repro.models.kernels import block_mask, fp32_attention, refuse, varlen_attention
from stilts_repro.models.ways import way_of

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedConfig, PreTrainedModel

# By back end, what transformers calls it; those that it does not have are named in `_register`.
NAMES = {
    "sdpa": "sdpa",
    "sdpa_fp32": "stilts_sdpa_fp32",
    "varlen": "stilts_varlen",
    "flash": "flash_attention_2",
    "block": "stilts_block",
}
PACKED = ("varlen", "flash", "block")
HEAD_SIZES = range(8, 257, 8)  # that the flash kernels take


@dataclass(frozen=True)
class Packing:
    """How a model type reads packed rows.

    after_padding  positions start at the padding token's id + 1 (RoBERTa), else at 0
    causal         a token sees those before it only
    """

    after_padding: bool = False
    causal: bool = False


# Types for which tests prove that packed equals padded. Others are read padded: a type may well
# drop what the back ends are told, or have positions that run across sequences.
PACKS = {
    "xlm-roberta": Packing(after_padding=True),
    "roberta": Packing(after_padding=True),
    "bert": Packing(),
    "electra": Packing(),
    "qwen3": Packing(causal=True),
    "llama": Packing(causal=True),
}


def choose(config: "PreTrainedConfig", machine: Machine) -> str:
    """Return the back end for a model with `config`: the one asked for, or the fastest.

    Raises the error that says why where the one asked for cannot run.
    """
    if name := machine.attention:
        if hindrance := _hindrance(name, config, machine):
            raise type(hindrance)(f"{ATTENTION}={name}: {hindrance}")
        return name
    if machine.device == "cpu":
        return "sdpa_fp32" if machine.bf16 else "sdpa"
    fast = (name for name in ("varlen", "flash") if not _hindrance(name, config, machine))
    return next(fast, "sdpa")


def use(backbone: "PreTrainedModel", machine: Machine) -> str:
    """Put `backbone`, on its device, on the back end chosen for it; return what records call it.

    Padded batches stay with what transformers chose: sdpa, or eager where a type has no sdpa.
    """
    name = choose(backbone.config, machine)
    if name in PACKED or (name == "sdpa_fp32" and backend(backbone) == "sdpa"):
        _register()
        backbone.set_attn_implementation(NAMES[name])
    return backend(backbone)


def backend(backbone: "PreTrainedModel") -> str:
    """Return the back end that `backbone` is on; transformers' name where it is none of ours."""
    theirs = str(backbone.config._attn_implementation)
    return next((ours for ours, name in NAMES.items() if name == theirs), theirs)


def packs(backbone: "PreTrainedModel") -> bool:
    """Say whether `backbone` is on a back end that reads packed batches."""
    return backend(backbone) in PACKED


@contextmanager
def padded(backbone: "PreTrainedModel") -> Iterator[None]:
    """Let `backbone` read padded batches inside the block."""
    before = backbone.config._attn_implementation
    if packs(backbone):
        backbone.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        if backbone.config._attn_implementation != before:
            backbone.set_attn_implementation(before)


def ready(backbone: "PreTrainedModel", batch: Batch) -> Batch:
    """Return padded `batch`, from the host, as `backbone`'s back end reads it, on its device."""
    if packs(backbone):
        batch = pack(batch, _positions(backbone.config, batch))
    return batch.to(backbone.device)


def inputs(backbone: "PreTrainedModel", batch: Batch) -> dict[str, Any]:
    """Return what `backbone` is called with to read `batch`, which `ready` made.

    Packed batches go without an attention mask, but for the block mask of the reference. Segments
    that a tokenizer makes are told to a model that tells segments apart (BERT's; RoBERTa's do not).
    """
    arguments: dict[str, Any] = {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
    }
    if SEGMENT in batch.token and _tells_segments(backbone):
        arguments["token_type_ids"] = batch.laid(batch.token[SEGMENT])
    if isinstance(batch, Packed) != packs(backbone):
        raise ValueError(f"a {type(batch).__name__} batch for back end {backend(backbone)}")
    if not isinstance(batch, Packed):
        return arguments
    arguments |= {"attention_mask": None, "position_ids": batch.position_ids}
    if backend(backbone) == "block":
        causal = PACKS[backbone.config.model_type].causal
        return arguments | {"attention_mask": block_mask(batch.rows(), causal=causal)}
    # transformers' names: without them its flash attention looks for the sequences in every layer.
    return arguments | {
        "cu_seq_lens_q": batch.offsets,
        "cu_seq_lens_k": batch.offsets,
        "max_length_q": batch.longest,
        "max_length_k": batch.longest,
    }


def _tells_segments(backbone: "PreTrainedModel") -> bool:
    """Say whether `backbone` has an embedding for each of several segments."""
    kinds = getattr(backbone.config, "type_vocab_size", None) or 1
    return kinds > 1 and "token_type_ids" in inspect.signature(backbone.forward).parameters


def _positions(config: "PreTrainedConfig", batch: Batch) -> Tensor:
    """Return the position of each token [B, T], as the model itself would count in `batch`."""
    if not PACKS[config.model_type].after_padding:
        return torch.arange(batch.input_ids.shape[1]).expand_as(batch.input_ids)
    padding = int(config.pad_token_id)
    counted = batch.input_ids != padding  # RoBERTa tells padding by the id, not by the mask
    return torch.where(counted, counted.cumsum(dim=1) + padding, padding)


def _hindrance(name: str, config: "PreTrainedConfig", machine: Machine) -> StiltsError | None:
    """Return why back end `name` cannot run a model with `config`; None where it can."""
    if name not in PACKED:
        return None
    kinds = set(getattr(config, "layer_types", None) or ("full_attention",))
    if config.model_type not in PACKS or kinds != {"full_attention"}:
        return InputError(
            f"models of type {config.model_type!r} are not proved to read packed rows; give sdpa"
        )
    if way := way_of(config):
        return InputError(f"a model that is read {way} is read padded; give sdpa")
    if name == "block":
        return None
    if machine.device != "cuda" or torch.cuda.get_device_capability() < (8, 0):
        return MissingError("it needs an NVIDIA GPU of the Ampere generation or later; give sdpa")
    if not machine.bf16:
        return InputError("it computes in bf16, and trainings here are in fp32; give sdpa")
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if size not in HEAD_SIZES:
        return InputError(f"it takes heads of 8, 16, ... 256 numbers, not {size}; give sdpa")
    return None if _installed(name) else MissingError(_INSTALL[name])


_INSTALL = {
    "varlen": "it needs torch >= 2.10; upgrade torch, or give sdpa",
    "flash": "it needs the package flash-attn; install it, or give varlen",
}


def _installed(name: str) -> bool:
    """Say whether the library that back end `name` is in can be imported."""
    if name == "flash":
        from transformers.utils import is_flash_attn_2_available

        return bool(is_flash_attn_2_available())
    from importlib.util import find_spec

    return find_spec("torch.nn.attention.varlen") is not None


def _register() -> None:
    """Tell transformers of the back ends that it does not have."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    AttentionInterface.register(NAMES["sdpa_fp32"], fp32_attention)
    AttentionMaskInterface.register(NAMES["sdpa_fp32"], ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    AttentionInterface.register(NAMES["varlen"], varlen_attention)
    AttentionInterface.register(NAMES["block"], ALL_ATTENTION_FUNCTIONS["sdpa"])
    # Asked only where the block mask was not given. Of varlen it is not asked at all: transformers
    # makes no mask for what is not registered, and so does not wait for a GPU to look at positions.
    AttentionMaskInterface.register(NAMES["block"], refuse)
