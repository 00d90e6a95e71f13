"""Several processes that train one model together, each on its share of every step's examples.

Launchers (`torchrun`, `accelerate launch`) start them and say which is which. All draw the same
batches, and what they add up are gradients of parts of one loss: a step is what one process would
do, but for rounding and dropout. That holds for any share: torch's DDP takes the mean of means,
which weighs the words of a short part more.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, distributed, nn

from stilts_repro.data.features import Batch
from stilts_repro.data.packing import part_of
from stilts_repro.errors import InputError

T = TypeVar("T")
BUCKET = 25_000_000  # numbers that are sent at once


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this one is; alone unless `torch.distributed` says otherwise."""

    number: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> "Ranks":
        """Return what this process is."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and tells; alone it is."""
        return self.number == 0

    def share(self, batch: Batch, together: int = 1) -> Batch | None:
        """Return this process's units of padded `batch`; None where there are too few for all.

        So many units, counted from the batch's start, stay `together`.
        """
        if self.count == 1:
            return batch
        blocks = -(-len(batch.units) // together)
        start, stop = (blocks * n // self.count * together for n in (self.number, self.number + 1))
        stop = min(stop, len(batch.units))
        return part_of(batch, np.s_[start:stop]) if stop > start else None

    @torch.no_grad()
    def add_up(self, model: nn.Module, loss: Tensor, *, summed: bool = False) -> Tensor:
        """Add all processes' gradients up in each; return the sum of their losses.

        Gradients of spread weights are `summed` already.
        """
        if self.count == 1:
            return loss
        if summed:
            distributed.all_reduce(loss)
            return loss
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # A head that no process used has no gradient anywhere, and is not moved.
        used = torch.tensor([p.grad is not None for p in parameters], device=loss.device).int()
        distributed.all_reduce(used, distributed.ReduceOp.MAX)
        distributed.all_reduce(loss)
        moved = [p for p, is_used in zip(parameters, used.tolist(), strict=True) if is_used]
        for bucket in _buckets(moved):
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            distributed.all_reduce(flat)
            sizes = [parameter.numel() for parameter in bucket]
            for parameter, total in zip(bucket, flat.split(sizes), strict=True):
                parameter.grad = total.view_as(parameter).clone()
        return loss

    def led(self, told: Callable[[], T]) -> T:
        """Return what the leading process alone is `told`; an `InputError` of it ends all alike."""
        if self.count == 1:
            return told()
        met: InputError | None = None
        value: Any = None
        if self.leads:
            try:
                value = told()
            except InputError as error:
                met = error
        value, failed = self.agreed((value, met is not None))
        if failed:
            raise met or InputError("the leading process met an error, which it tells")
        return value

    def agreed(self, value: T) -> T:
        """Return the leading process's value."""
        if self.count == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held)
        return held[0]


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    bucket: list[nn.Parameter] = []
    size = 0
    for parameter in parameters:
        if bucket and size + parameter.numel() > BUCKET:
            yield bucket
            bucket, size = [], 0
        bucket.append(parameter)
        size += parameter.numel()
    if bucket:
        yield bucket
