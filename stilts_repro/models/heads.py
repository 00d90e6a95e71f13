"""Task heads: from hidden states to logits to a loss, one class a format.

Shapes: B sequences of T tokens, hidden size H, U = B / group units. The pooler belongs to the
backbone; with it the classification head computes what `AutoModelForSequenceClassification` does
for XLM-R (dense, tanh, linear), and the multiple-choice head what `AutoModelForMultipleChoice`
does.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stilts_repro.data.features import TOKEN_PADDING, Batch
from stilts_repro.tasks.format import Format


class Head(nn.Module):
    """Base of the heads."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, outputs)

    def init(self, deviation: float, generator: torch.Generator) -> None:
        """Draw the weights anew, as transformers does: normal, biases zero."""
        with torch.no_grad():
            self.linear.weight.normal_(0.0, deviation, generator=generator)
            self.linear.bias.zero_()

    def forward(self, states: Tensor, pooled: Tensor, batch: Batch) -> Tensor:
        """Return logits from hidden states [B, T, H] and pooled vectors [B, H]."""
        raise NotImplementedError

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return a scalar loss of what `forward` returned."""
        raise NotImplementedError


class PooledHead(Head):
    """Logits from the pooled vector."""

    def forward(self, states: Tensor, pooled: Tensor, batch: Batch) -> Tensor:
        """Return [U, outputs], or [U, group] where a unit is a group of choices."""
        logits = self.linear(self.dropout(pooled))
        return logits.view(-1, batch.group) if batch.group > 1 else logits

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy over units."""
        return functional.cross_entropy(logits, batch.unit["label"])


class TaggingHead(Head):
    """One set of logits a token."""

    def forward(self, states: Tensor, pooled: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, outputs]."""
        return self.linear(self.dropout(states))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy over words (each at its first sub-token)."""
        return functional.cross_entropy(
            logits.flatten(0, 1), batch.token["label"].flatten(), ignore_index=TOKEN_PADDING
        )


class SpanHead(Head):
    """Start and end logits; padding cannot be chosen."""

    def forward(self, states: Tensor, pooled: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, 2], minus infinity at padding."""
        logits = self.linear(states)
        return logits.masked_fill(batch.attention_mask.unsqueeze(-1) == 0, float("-inf"))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean of the start and the end cross-entropy over windows."""
        start = functional.cross_entropy(logits[..., 0], batch.unit["start"])
        end = functional.cross_entropy(logits[..., 1], batch.unit["end"])
        return (start + end) / 2


HEADS: dict[str, type[Head]] = {
    "classification": PooledHead,
    "multiple_choice": PooledHead,
    "tagging": TaggingHead,
    "span": SpanHead,
}


def make_head(kind: Format, hidden: int, dropout: float, deviation: float, seed: int) -> Head:
    """Return a fresh head for `kind`, drawn from `seed` alone."""
    head = HEADS[kind.name](hidden, kind.outputs, dropout)
    head.init(deviation, torch.Generator().manual_seed(seed))
    return head
