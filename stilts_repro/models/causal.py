"""Causal language modelling: each token from those before it, as decoders are pre-trained."""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from stilts_repro.data.features import Batch


def causal_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of padded `batch`'s tokens but each sequence's first.

    `model` is of transformers' own class for causal language modelling.
    """
    ids, real = batch.input_ids, batch.attention_mask.bool()
    body = model.base_model(input_ids=ids, attention_mask=real, use_cache=False)
    told = real[:, 1:]
    logits = cast(nn.Module, model.get_output_embeddings())(body.last_hidden_state[:, :-1][told])
    return functional.cross_entropy(logits, ids[:, 1:][told].long())
