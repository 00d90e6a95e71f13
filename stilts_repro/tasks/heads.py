"""Heads: from the backbone's vectors to logits to a loss; a format names its own.

Shapes: B sequences of T tokens, hidden size H, U = B / group units. Vectors of tokens come as
[B, T, H], of a packed batch as [1, tokens, H]; of both their logits leave as [B, T, ...]. Which
vectors a head reads is decided by the family of the backbone (`models.families`), which also owns
the pooler: with it the heads compute what transformers' `AutoModelForSequenceClassification`,
`...MultipleChoice`, `...TokenClassification` and `...QuestionAnswering` do.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from stilts_repro.data.features import TOKEN_PADDING, Batch

# What a head reads: one vector a sequence, or one a token (to tag it, or to find a span's ends).
Reading = Literal["sequence", "token", "span"]


class Head(nn.Module):
    """Base of the heads; `reads` says which vectors `forward` is given.

    A loss may compare so many units, counted from the batch's start, with one another: `together`
    they stay where a batch is cut into parts.
    """

    reads: ClassVar[Reading]
    together: ClassVar[int] = 1

    def __init__(self, hidden: int, outputs: int, dropout: float, *, bias: bool = True) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, outputs, bias=bias)

    @torch.no_grad()
    def init(self, deviation: float, generator: torch.Generator) -> None:
        """Draw the weights anew, as transformers does: normal, biases zero."""
        self.linear.weight.normal_(0.0, deviation, generator=generator)
        if self.linear.bias is not None:
            self.linear.bias.zero_()

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return logits from vectors, one a sequence or one a token as `reads` says."""
        raise NotImplementedError

    def examples(self, batch: Batch) -> int:
        """Return how many examples the loss of `batch`, still on the host, is a mean over."""
        return len(batch.units)

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return a scalar loss of what `forward` returned: the mean over the batch's examples.

        Of a part of a batch: the sum, divided by the whole batch's examples, `over`.
        """
        raise NotImplementedError


class PooledHead(Head):
    """Logits from the pooled vector."""

    reads = "sequence"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [U, outputs], or [U, group] where a unit is a group of choices."""
        logits = self.linear(self.dropout(vectors))
        return logits.view(-1, batch.group) if batch.group > 1 else logits

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean cross-entropy over units."""
        return cross_entropy(logits, batch.unit["label"], over)


class TaggingHead(Head):
    """One set of logits a token."""

    reads = "token"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, outputs]."""
        return batch.spread(self.linear(self.dropout(vectors)))

    def examples(self, batch: Batch) -> int:
        """Return the number of words."""
        return int((batch.token["label"] != TOKEN_PADDING).sum())

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean cross-entropy over words (each at its first sub-token)."""
        return cross_entropy(logits.flatten(0, 1), batch.token["label"].flatten(), over)


class SpanHead(Head):
    """Start and end logits; padding cannot be chosen."""

    reads = "span"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, 2], minus infinity at padding."""
        logits = batch.spread(self.linear(vectors))
        return logits.masked_fill(batch.attention_mask.unsqueeze(-1) == 0, float("-inf"))

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean of the start and the end cross-entropy over windows."""
        start = cross_entropy(logits[..., 0], batch.unit["start"], over)
        end = cross_entropy(logits[..., 1], batch.unit["end"], over)
        return (start + end) / 2


def cross_entropy(logits: Tensor, gold: Tensor, over: int | None) -> Tensor:
    """Return the mean cross-entropy where `gold` is no padding, or its sum divided by `over`."""
    if over is None:
        return functional.cross_entropy(logits, gold, ignore_index=TOKEN_PADDING)
    total = functional.cross_entropy(logits, gold, ignore_index=TOKEN_PADDING, reduction="sum")
    return total / max(1, over)
