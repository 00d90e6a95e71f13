"""Which rows of the table of token embeddings a training moves.

Four fifths of a small multilingual model are this table, and a training set of one language reads
a few of its rows. The others have no gradient; to hold moments for them and to update them costs
more than a small batch does.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.recipe import Embeddings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class ReadRows(nn.Module):
    """A table of embeddings [V, H] of which a training moves the rows `ids` [n] alone.

    While it trains, `rows` [n, H] stand for them; the table has their values again as soon as the
    model is put into evaluation mode. No other token may be read in training.
    """

    def __init__(self, table: nn.Embedding, ids: Tensor) -> None:
        super().__init__()
        device = table.weight.device
        self.table = table
        self.ids = ids.to(device)
        self.rows = nn.Parameter(table.weight.detach()[self.ids].clone())
        self.places = torch.full((table.num_embeddings,), -1, device=device)
        self.places[self.ids] = torch.arange(len(ids), device=device)
        padding = table.padding_idx
        self.padding = None if padding is None else int(self.places[padding])

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the embeddings of `input_ids` [...], [..., H]."""
        if not self.training:
            return cast(Tensor, self.table(input_ids))
        return functional.embedding(self.places[input_ids], self.rows, self.padding)

    def train(self, mode: bool = True) -> Self:
        """Go into training or evaluation mode; into evaluation with what training has moved."""
        if self.training and not mode:
            self.write()
        return super().train(mode)

    @torch.no_grad()
    def write(self) -> None:
        """Put the rows into the table."""
        self.table.weight[self.ids] = self.rows


@contextmanager
def moved(
    model: MultiTaskModel, choice: Embeddings, read: Iterable[np.ndarray], pad_id: int
) -> Iterator[None]:
    """Let training move, inside the block, what `choice` says of the token embeddings of `model`.

    `read` are all ids that training reads, besides `pad_id`. Where a head predicts with the table
    (continued MLM), "read" moves the whole of it: the softmax gives every row a gradient.
    """
    backbone: PreTrainedModel = model.backbone
    table = cast(nn.Embedding, backbone.get_input_embeddings())
    tied = any(parameter is table.weight for parameter in model.heads.parameters())
    if choice == "whole" or (choice == "read" and tied):
        yield
        return
    wanted = table.weight.requires_grad
    table.weight.requires_grad_(False)
    try:
        if choice == "frozen":
            yield
            return
        padding = [pad_id] if table.padding_idx is None else [pad_id, table.padding_idx]
        ids = np.unique(np.concatenate([*read, padding]))
        rows = ReadRows(table, torch.from_numpy(ids.astype(np.int64)))
        backbone.set_input_embeddings(rows)
        try:
            yield
        finally:
            rows.write()
            backbone.set_input_embeddings(table)
    finally:
        table.weight.requires_grad_(wanted)
