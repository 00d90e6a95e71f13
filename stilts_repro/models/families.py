"""What sets families of models apart, in one place: which vectors a head reads, and from where.

A family is told by transformers' own tables and the configuration, never by a model's name, so that
a model type that is new here falls into one of the three. The descriptions follow the classes that
transformers has for each: with the same weights the heads here give the same logits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    PreTrainedConfig,
)

from stilts_repro.data.features import Batch
from stilts_repro.data.packing import Packed
from stilts_repro.errors import InputError
from stilts_repro.models.attention import inputs
from stilts_repro.models.ways import WAY, Kind, Way, way_of
from stilts_repro.tasks.heads import Reading

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Family:
    """How models of one kind are read.

    pools      which token's state stands for the sequence: the first; the last real one (all that a
               causal model has seen); or the last end-of-sequence token, as the decoder reads it
    dense      whether a pooler (dense layer and tanh) stands between that state and the head
    decodes    whether a decoder reads the input a second time, shifted right by one token
    encoded    readings for which the encoder alone runs
    unbiased   readings whose linear layer has no bias
    options    what the backbone is called with besides
    """

    pools: Literal["first", "last", "end"]
    dense: bool
    decodes: bool = False
    encoded: frozenset[Reading] = frozenset()
    unbiased: frozenset[Reading] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)


ENCODER = Family("first", dense=True)
DECODER = Family(
    "last", dense=False, unbiased=frozenset(("sequence",)), options={"use_cache": False}
)
ENCODER_DECODER = Family(
    "end", dense=True, decodes=True, encoded=frozenset(("token",)), options={"use_cache": False}
)


# The encoder of an encoder-decoder alone, which is then read as encoders are.
ENCODER_OF_TWO = Family(
    "first", dense=True, encoded=frozenset(get_args(Reading)), options={"use_cache": False}
)


def read_in(backbone: "PreTrainedModel", way: Way) -> None:
    """Have `backbone` read in another way than usual; `InputError` where its family has no such.

    One that was saved as it was read so is read so already.
    """
    if way == way_of(backbone.config):
        return
    family = family_of(backbone.config)
    if (family.decodes, family.pools) != ((True, "end") if way == "encoder" else (False, "last")):
        kind = "an encoder-decoder" if way == "encoder" else "a decoder"
        raise InputError(f"a model of type {backbone.config.model_type!r}: {way!r} needs {kind}")
    setattr(backbone.config, WAY, way)


def family_of(config: PreTrainedConfig) -> Family:
    """Return the family of a model with `config`; what transformers does not know is an encoder.

    Encoders are listed for causal language modelling too (as decoders of other models), but only
    they are listed for masked language modelling.
    """
    if config.is_encoder_decoder:
        return ENCODER_OF_TWO if way_of(config) == "encoder" else ENCODER_DECODER
    kind = type(config)
    causal = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
    return DECODER if causal else ENCODER


def kind_of(config: PreTrainedConfig) -> Kind:
    """Return the kind of a model with `config`, by what it reads text with."""
    family = family_of(config)
    if family.decodes:
        return "encoder_decoder"
    return "decoder" if family.pools == "last" else "encoder"


def read(backbone: "PreTrainedModel", batch: Batch, reading: Reading) -> Tensor:
    """Return what a head reads of `batch`: [B, H] for a sequence, else [B, T, H].

    Of a packed batch the vectors of tokens are [1, tokens, H].
    """
    output = run(backbone, batch, reading)
    if reading != "sequence":
        return output.last_hidden_state
    family = family_of(backbone.config)
    pooled = output.get("pooler_output")
    if family.pools == "first" and pooled is not None and not isinstance(batch, Packed):
        return pooled  # the backbone's own pooler has run already; of a packed row on one sequence
    state = batch.at(output.last_hidden_state, _place(family, backbone.config, batch))
    if not family.dense:
        return state
    return cast(nn.Module, backbone.pooler)(state.unsqueeze(1))


def run(backbone: "PreTrainedModel", batch: Batch, reading: Reading, **options: Any) -> Any:
    """Run `backbone`, or the part of it that `reading` needs; `options` go to it.

    Returns transformers' output with `last_hidden_state` [B, T, H], of a packed batch
    [1, tokens, H]. The decoder's input is made here where the configuration has a start token (T5),
    else by the model itself (BART, mBART).
    """
    family = family_of(backbone.config)
    arguments = inputs(backbone, batch) | options
    if reading in family.encoded:
        return cast(nn.Module, backbone.get_encoder())(**arguments)
    start = getattr(backbone.config, "decoder_start_token_id", None)
    if family.decodes and start is not None:
        shifted = batch.input_ids.roll(1, dims=1)
        shifted[:, 0] = start
        arguments["decoder_input_ids"] = shifted
    match way_of(backbone.config):
        case "unmasked":
            mask = arguments["attention_mask"].bool()[:, None, None, :]
            arguments["attention_mask"] = mask.expand(-1, 1, mask.shape[-1], -1)
        case "repeated":
            return _twice(backbone, arguments | dict(family.options))
    return backbone(**arguments, **family.options)


def _twice(backbone: "PreTrainedModel", arguments: dict[str, Any]) -> Any:
    """Run `backbone` on its input and the same again; return the output for the latter.

    Both have the same positions, so that none is beyond those that it was trained on.
    """
    ids = arguments["input_ids"]
    length = ids.shape[1]
    places = torch.arange(length, device=ids.device).repeat(2).expand(len(ids), -1)
    arguments |= {name: arguments[name].repeat(1, 2) for name in ("input_ids", "attention_mask")}
    output = backbone(**arguments, position_ids=places)
    output.last_hidden_state = output.last_hidden_state[:, length:]
    if output.hidden_states is not None:
        output.hidden_states = tuple(states[:, length:] for states in output.hidden_states)
    return output


def _place(family: Family, config: PreTrainedConfig, batch: Batch) -> Tensor:
    """Return the place in its sequence of the token whose state is pooled, [B].

    A padding token is never it, even where the mask lets it be read: transformers' classes for
    causal models look for the last token of another id. A sequence without an end token (which
    those for encoder-decoders refuse) is pooled at its last real one.
    """
    ids, real = batch.spread(batch.input_ids), batch.attention_mask.bool()
    if family.pools == "first":
        return torch.zeros_like(ids[:, 0])
    if config.pad_token_id is not None:
        real = real & (ids != config.pad_token_id)
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    last = (places * real).amax(dim=1)
    end = end_token(config)
    if family.pools == "last" or end is None:
        return last
    ends = real & (ids == end)
    return torch.where(ends.any(dim=1), (places * ends).amax(dim=1), last)


def end_token(config: PreTrainedConfig) -> int | None:
    """Return the id of the token that ends a sequence; the first where there are several."""
    end = config.eos_token_id
    return end[0] if isinstance(end, list) else end
