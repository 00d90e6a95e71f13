"""The shapes of small language models, and the recipes that they are pre-trained by."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from stilts_repro.models.denoising import SENTINELS
from stilts_repro.seeds import derive


@dataclass(frozen=True)
class Size:
    """Shape of the encoder."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int


SIZES = {
    "mini": Size(layers=6, hidden=128, heads=4, intermediate=384, vocabulary=8_000),
    "small": Size(layers=8, hidden=256, heads=4, intermediate=1024, vocabulary=16_000),
}


@dataclass(frozen=True)
class PretrainRecipe:
    """How long and how to train; the run ends at `steps` or after `minutes`, whichever is given.

    `batch_tokens` is the padded size of a batch, `max_length` the longest sequence, both in tokens.
    The last `block_steps` of `steps` read blocks of `max_length` tokens of one language, as XLM-R
    does, and those before read single documents: from blocks alone, a model of this size does not
    leave its first plateau. The share of masked tokens goes from `mask_rate` evenly to
    `last_mask_rate` (default: it stays). `size` is None where there is a model to start from. What
    is learned from is masked tokens (an encoder), each token from those before it ("causal": a
    decoder), or spans that were taken out ("spans": an encoder-decoder).
    """

    size: Size | None
    steps: int | None = None
    minutes: float | None = None
    block_steps: int = 0
    batch_tokens: int = 2048
    learning_rate: float = 2e-3
    warmup: float = 0.05
    max_length: int = 128
    dropout: float = 0.0
    mask_rate: float = 0.15
    last_mask_rate: float | None = None
    seed: int = 0
    objective: Literal["masked", "causal", "spans"] = "masked"


def build_model(recipe: PretrainRecipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """Return a randomly initialised language model for `tokenizer`.

    It is of XLM-R's class, or, by the objective, of Llama's or T5's.
    """
    size = recipe.size
    assert size is not None, "a model that starts from another is not built"
    torch.manual_seed(derive(recipe.seed, "pretrain", "init"))
    model: PreTrainedModel
    if recipe.objective == "causal":
        model = LlamaForCausalLM(_decoder(recipe, size, tokenizer))
    elif recipe.objective == "spans":
        model = T5ForConditionalGeneration(_encoder_decoder(recipe, size, tokenizer))
    else:
        model = XLMRobertaForMaskedLM(_encoder(recipe, size, tokenizer))
    # What fine-tuning draws poolers and heads with: XLM-R Large's scale, carried over to a narrower
    # model. With 0.02 at width 96, classification does not leave its starting loss in 1,000 steps.
    model.config.initializer_range = 0.02 * math.sqrt(1024 / size.hidden)
    return model


def _decoder(recipe: PretrainRecipe, size: Size, tokenizer: PreTrainedTokenizerBase) -> LlamaConfig:
    """Return a decoder's configuration: as many parameters a layer as an encoder of `size` has."""
    return LlamaConfig(
        num_key_value_heads=size.heads,
        # Its feed-forward layers have three matrices where an encoder's have two.
        intermediate_size=2 * size.intermediate // 3,
        max_position_embeddings=recipe.max_length,
        attention_dropout=recipe.dropout,
        tie_word_embeddings=True,
        **_shape(size, tokenizer),
    )


def _encoder(
    recipe: PretrainRecipe, size: Size, tokenizer: PreTrainedTokenizerBase
) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        intermediate_size=size.intermediate,
        # XLM-R counts positions from padding_idx + 1 = 2.
        max_position_embeddings=recipe.max_length + 2,
        type_vocab_size=1,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
        **_shape(size, tokenizer),
    )


def _encoder_decoder(
    recipe: PretrainRecipe, size: Size, tokenizer: PreTrainedTokenizerBase
) -> T5Config:
    """Return the configuration of both halves, with the parameters of an encoder of `size`."""
    encoder, decoder = size.layers // 2, (size.layers - 1) // 2
    # In squares of the width: a layer of the size, and what attention has, twice in a decoder.
    layer = 4 + 2 * size.intermediate / size.hidden
    rest = size.layers * layer - 4 * encoder - 8 * decoder
    shape = _shape(size, tokenizer)
    config = T5Config(
        d_model=size.hidden,
        d_kv=size.hidden // size.heads,
        d_ff=round(size.hidden * rest / (2 * (encoder + decoder))),
        num_layers=encoder,
        num_decoder_layers=decoder,
        num_heads=size.heads,
        dropout_rate=recipe.dropout,
        vocab_size=shape["vocab_size"] + SENTINELS,
        **{name: shape[name] for name in ("pad_token_id", "eos_token_id")},
    )
    config.decoder_start_token_id = tokenizer.pad_token_id
    return config


def _shape(size: Size, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Return what configurations of all classes name alike."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": size.hidden,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
