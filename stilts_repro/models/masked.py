"""Masked language modelling: which tokens are masked, and the pre-trained head that tells them.

The head is computed at masked positions only: logits of all positions would cost about as much as
XLM-R Large's whole body.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from stilts_repro.data.features import TOKEN_PADDING, Batch, Chosen
from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.models.pretrained import MASKED_HEADS, location
from stilts_repro.tasks.heads import Head


@dataclass(frozen=True)
class Masking:
    """BERT's masking: `rate` of the tokens; of these 80 % mask, 10 % random, 10 % unchanged.

    Random replacements come from the whole vocabulary except special tokens; special and padding
    tokens are never predicted (jiant's `mlm_simple`).
    """

    mask_id: int
    special_ids: tuple[int, ...]
    vocabulary: int
    rate: float = 0.15

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, rate: float = 0.15) -> "Masking":
        """Return the masking for `tokenizer`."""
        special = tuple(tokenizer.all_special_ids)
        return cls(tokenizer.mask_token_id, special, len(tokenizer), rate)

    @cached_property
    def _ordinary(self) -> Tensor:
        """All tokens that are not special, in order, [N] int64: XLM-R's 250,000 are listed once."""
        return torch.tensor(sorted(set(range(self.vocabulary)) - set(self.special_ids)))

    def apply(self, input_ids: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return masked ids [B, T] and a bool tensor [B, T] of the places to predict."""
        special = torch.isin(input_ids, torch.tensor(self.special_ids))
        chosen = (torch.rand(input_ids.shape, generator=generator) < self.rate) & ~special
        dice = torch.rand(input_ids.shape, generator=generator)
        ordinary = self._ordinary.to(input_ids.dtype)
        places = torch.randint(len(ordinary), input_ids.shape, generator=generator)
        masked = torch.where(chosen & (dice < 0.8), self.mask_id, input_ids)
        masked = torch.where(chosen & (dice >= 0.9), ordinary[places], masked)
        return masked, chosen


def masked_batch(batch: Batch, masking: Masking, generator: torch.Generator) -> Batch:
    """Return `batch` with tokens masked; column `label` holds what was there, padding elsewhere.

    It is done on the host, to padded batches, so that masks hang on no layout that comes after.
    """
    masked, chosen = masking.apply(batch.input_ids, generator)
    label = torch.where(chosen, batch.input_ids, TOKEN_PADDING)
    token = {**batch.token, "label": label}
    return replace(batch, input_ids=masked, token=token, chosen=Chosen.of(label))


class MaskedLMHead(Head):
    """The pre-trained head beside task heads, for continued MLM; its decoder is the embeddings."""

    reads = "token"

    def __init__(self, head: nn.Module) -> None:
        nn.Module.__init__(self)
        self.head = head

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return logits of the tokens to predict, [N, vocabulary]."""
        return cast(Tensor, self.head(vectors.flatten(0, 1)[_chosen(batch).places]))

    def examples(self, batch: Batch) -> int:
        """Return the number of tokens to predict."""
        return len(_chosen(batch).gold)

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean cross-entropy over tokens to predict; zero where there is none."""
        total = functional.cross_entropy(logits, _chosen(batch).gold, reduction="sum")
        return total / max(1, self.examples(batch) if over is None else over)


def _chosen(batch: Batch) -> Chosen:
    """Return the tokens to predict: where they are is known on the host, so no GPU is asked."""
    if batch.chosen is None:
        raise ValueError("the batch is not masked")
    return batch.chosen


def mlm_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Return the loss on masked `batch` of a model of transformers' own class."""
    name = next(name for name in MASKED_HEADS if hasattr(model, name))
    body, head = model.base_model, MaskedLMHead(getattr(model, name))
    states = body(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    return head.loss(head(states, batch), batch)


def load_masked(option: str, model: str) -> tuple[PreTrainedModel, list[str]]:
    """Return `model`, given by `option`, as a masked LM, and the parameters that it lacks.

    Those are drawn. Raises `InputError` where its class has no masked LM, `MissingError` where its
    weights do not load.
    """
    try:
        whole, loaded = AutoModelForMaskedLM.from_pretrained(
            **location(model), use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except ValueError as error:
        raise InputError(
            f"{option} {model}: it is no masked language model ({reason(error)})"
        ) from None
    except Exception as error:  # transformers raises a dozen unrelated kinds here
        raise MissingError(f"{option} {model}: its weights do not load ({reason(error)})") from None
    return whole, sorted(loaded["missing_keys"])


def load_masked_head(model: str, backbone: PreTrainedModel) -> MaskedLMHead:
    """Return the masked-LM head of `model`, its decoder tied to the embeddings of `backbone`.

    Raises `InputError` where `model` has none.
    """
    whole, missing = load_masked("--model", model)
    name = next((name for name in MASKED_HEADS if hasattr(whole, name)), None)
    if name is None or any(key.startswith(name) for key in missing):
        raise InputError(
            f"--model {model}: its weights have no masked-LM head; continued MLM needs one"
        )
    whole.set_input_embeddings(backbone.get_input_embeddings())
    whole.get_output_embeddings().weight = backbone.get_input_embeddings().weight
    return MaskedLMHead(getattr(whole, name))
