"""Task heads: from the backbone's vectors to logits to a loss, one class a format.

Shapes: B sequences of T tokens, hidden size H, U = B / group units. Which vectors a head reads is
decided by the family of the backbone (`models.families`), which also owns the pooler: with it the
heads compute what transformers' `AutoModelForSequenceClassification`, `...MultipleChoice`,
`...TokenClassification` and `...QuestionAnswering` do.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from stilts_repro.data.features import TOKEN_PADDING, Batch
from stilts_repro.models.families import Reading
from stilts_repro.tasks.format import Format


class Head(nn.Module):
    """Base of the heads; `reads` says which vectors `forward` is given."""

    reads: ClassVar[Reading]

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
        """Return logits from vectors [B, H] or [B, T, H], as `reads` says."""
        raise NotImplementedError

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return a scalar loss of what `forward` returned."""
        raise NotImplementedError


class PooledHead(Head):
    """Logits from the pooled vector."""

    reads = "sequence"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [U, outputs], or [U, group] where a unit is a group of choices."""
        logits = self.linear(self.dropout(vectors))
        return logits.view(-1, batch.group) if batch.group > 1 else logits

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy over units."""
        return functional.cross_entropy(logits, batch.unit["label"])


class TaggingHead(Head):
    """One set of logits a token."""

    reads = "token"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, outputs]."""
        return self.linear(self.dropout(vectors))

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean cross-entropy over words (each at its first sub-token)."""
        return functional.cross_entropy(
            logits.flatten(0, 1), batch.token["label"].flatten(), ignore_index=TOKEN_PADDING
        )


class SpanHead(Head):
    """Start and end logits; padding cannot be chosen."""

    reads = "span"

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [B, T, 2], minus infinity at padding."""
        logits = self.linear(vectors)
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

# Names of the logits in formats that have no labels of their own.
_LOGITS = {"multiple_choice": ("choice",), "span": ("start", "end")}


def make_head(
    kind: Format, hidden: int, dropout: float, deviation: float, seed: int, *, bias: bool = True
) -> Head:
    """Return a fresh head for `kind`, drawn from `seed` alone."""
    head = HEADS[kind.name](hidden, kind.outputs, dropout, bias=bias)
    head.init(deviation, torch.Generator().manual_seed(seed))
    return head


def labels_of(kind: Format) -> tuple[str, ...]:
    """Return what each logit of a head for `kind` stands for, in order."""
    return _LOGITS.get(kind.name) or tuple(getattr(kind, "labels", ()))
