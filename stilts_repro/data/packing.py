"""Batches without padding: sequences end to end in one row; and batches cut into parts.

Only the row that the backbone reads is packed. What is small and said of each token (labels, and
the logits that heads make) stays [B, T], so that losses and decoding know one layout.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from stilts_repro.data.batches import filled
from stilts_repro.data.features import Batch, Chosen


@dataclass(frozen=True, kw_only=True)
class Packed(Batch):
    """Sequences end to end: `input_ids` [1, tokens]; mask and token columns [B, T] as in a batch.

    position_ids  [1, tokens], counted anew in each sequence
    offsets       [B + 1] int32, where each sequence starts
    longest       tokens of the longest sequence, known on the host
    spots         [tokens], the place of each token in [B, T] laid end to end
    """

    position_ids: Tensor
    offsets: Tensor
    longest: int
    spots: Tensor

    def spread(self, values: Tensor) -> Tensor:
        """Return `values` [1, tokens, ...] as [B, T, ...], zero at padding."""
        shape = self.attention_mask.shape
        empty = values.new_zeros(shape.numel(), *values.shape[2:])
        return empty.index_copy(0, self.spots, values[0]).unflatten(0, shape)

    def laid(self, column: Tensor) -> Tensor:
        """Return a token column [B, T] laid like `input_ids`, [1, tokens]."""
        return column.flatten()[self.spots].unsqueeze(0)

    def at(self, states: Tensor, places: Tensor) -> Tensor:
        """Return the states [B, H] of one token a sequence; `places` [B] count from its start."""
        return states[0, self.offsets[:-1] + places]

    def rows(self) -> Tensor:
        """Return which sequence each token belongs to, [tokens]."""
        return self.spots // self.attention_mask.shape[1]


def pack(batch: Batch, positions: Tensor) -> Packed:
    """Return padded `batch`, still on the host, without its padding; `positions` are [B, T]."""
    real = batch.attention_mask.bool().flatten()
    spots = real.nonzero().squeeze(1)
    lengths = batch.attention_mask.sum(dim=1)
    chosen = batch.chosen
    if chosen is not None:
        chosen = Chosen((real.cumsum(0) - 1)[chosen.places], chosen.gold)
    return Packed(
        units=batch.units,
        input_ids=batch.input_ids.flatten()[spots].unsqueeze(0),
        attention_mask=batch.attention_mask,
        group=batch.group,
        token=batch.token,
        unit=batch.unit,
        chosen=chosen,
        position_ids=positions.flatten()[spots].unsqueeze(0),
        offsets=torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]).to(torch.int32),
        longest=int(lengths.max()),
        spots=spots,
    )


def cut(batch: Batch, budget: int | None, together: int = 1) -> list[Batch]:
    """Cut padded `batch`, still on the host, into parts of at most `budget` real tokens.

    So many units, counted from the start, stay `together`, in their order; such a block above the
    budget is a part by itself. Without a budget, or within it, the batch is its only part.
    """
    each = batch.attention_mask.sum(dim=1).view(-1, batch.group).sum(dim=1).numpy()
    if budget is None or each.sum() <= budget:
        return [batch]
    blocks = np.add.reduceat(each, np.arange(0, len(each), together))
    ends = [*(start * together for start in filled(blocks, budget)), len(each)]
    return [part_of(batch, np.s_[start:end]) for start, end in pairwise(ends)]


def part_of(batch: Batch, units: slice) -> Batch:
    """Return the `units` of padded `batch`, padded to the longest of their sequences."""
    sequences = np.s_[units.start * batch.group : units.stop * batch.group]
    longest = int(batch.attention_mask[sequences].sum(dim=1).max())
    token = {name: column[sequences, :longest] for name, column in batch.token.items()}
    return replace(
        batch,
        units=batch.units[units],
        input_ids=batch.input_ids[sequences, :longest],
        attention_mask=batch.attention_mask[sequences, :longest],
        token=token,
        unit={name: column[units] for name, column in batch.unit.items()},
        chosen=None if batch.chosen is None else Chosen.of(token["label"]),
    )
