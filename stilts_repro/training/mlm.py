"""Masked language modelling: masking, and the head at masked positions only."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_repro.data.features import TOKEN_PADDING, Batch, Chosen


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


def mlm_loss(model: PreTrainedModel, batch: Batch, masked_ids: Tensor, chosen: Tensor) -> Tensor:
    """Return the mean cross-entropy over `chosen` [B, T]; zero where nothing is chosen.

    The head, whose cost grows with the vocabulary, is computed at these places only: all-position
    logits cost about as much as XLM-R Large's whole body.
    """
    states = model.base_model(
        input_ids=masked_ids, attention_mask=batch.attention_mask
    ).last_hidden_state
    gold = batch.input_ids[chosen]
    total = functional.cross_entropy(model.lm_head(states[chosen]), gold, reduction="sum")
    return total / max(1, len(gold))
