"""One step's gradients, computed in as many parts as memory asks for."""

import torch
from torch import Tensor

from stilts_repro.data.features import Batch
from stilts_repro.data.packing import cut
from stilts_repro.models.attention import ready
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.training.arithmetic import autocast


def backward(model: MultiTaskModel, task: str, batch: Batch, budget: int | None = None) -> Tensor:
    """Add the gradients of `task`'s mean loss on `batch`; return that loss, left on the device.

    `batch` is padded and on the host. Above `budget` real tokens it is computed in parts, whose
    losses are sums over the whole batch's examples (units; words in tagging; masked tokens in MLM):
    but for rounding and dropout, parts give what the whole would. On packed batches (`varlen`) the
    device is never waited for; of a padded one transformers asks whether its mask is all ones.
    """
    parts = cut(batch, budget)
    over = model.head(task).examples(batch) if len(parts) > 1 else None
    losses = []
    for part in parts:
        with autocast(model.backbone.device):
            loss = model.loss(task, ready(model.backbone, part), over)
        loss.backward()
        losses.append(loss.detach())
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()
