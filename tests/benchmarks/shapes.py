"""Models with random weights, built here: nothing is downloaded to measure speed."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import XLMRobertaConfig

TRAINED = 3  # a step computes thrice what a forward pass does: gradients of inputs and of weights


@dataclass(frozen=True)
class Shape:
    """An XLM-R encoder; `dropout` as its checkpoint has it."""

    name: str
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int
    dropout: float = 0.1
    positions: int = 514

    def config(self, **options) -> XLMRobertaConfig:
        torch.manual_seed(0)  # of the weights that are drawn next
        return XLMRobertaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.intermediate,
            max_position_embeddings=self.positions,
            type_vocab_size=1,
            hidden_dropout_prob=self.dropout,
            attention_probs_dropout_prob=self.dropout,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
            **options,
        )

    def flops(self, lengths: np.ndarray) -> float:
        """Return what one forward pass over sequences of `lengths` takes, without the embeddings.

        A multiplication and an addition count as two; the attention is that within sequences.
        """
        own = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate
        lengths = lengths.astype(float)
        return 2 * self.layers * (own * lengths.sum() + 2 * self.hidden * (lengths**2).sum())


# The testbed's model, with the vocabulary that real text wants.
MINI = Shape("mini", 6, 96, 4, 384, 8_000, dropout=0.0)
BASE = Shape("xlm-roberta-base", 12, 768, 12, 3072, 250_002)
LARGE = Shape("xlm-roberta-large", 24, 1024, 16, 4096, 250_002)
