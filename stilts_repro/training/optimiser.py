"""AdamW and its schedule, as jiant sets them."""

from dataclasses import dataclass

import torch
from torch import nn

NO_DECAY = ("bias", "LayerNorm.weight", "layer_norm.weight", "norm.weight")


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of one training.

    `batch_size` counts examples (windows in question answering), `epochs` passes over at most
    `rows` training rows (None: all). Lengths are in tokens. Defaults are jiant's XTREME scripts':
    AdamW with epsilon 1e-8, weight decay 0.01, 10 % warm-up, then linear decay, clipping at 1.0.
    With `evaluate_every` (optimiser steps) the best checkpoint on `dev_rows` English dev rows is
    kept, and training stops after `patience` evaluations without a better one. With
    `share`, a task that is mixed into others has that share of all steps, whatever its epochs.
    `provenance` says where batch, epochs, rate and length are known from.
    """

    learning_rate: float = 1e-5
    batch_size: int = 32
    epochs: float = 2
    rows: int | None = None
    max_length: int = 256
    stride: int = 128
    max_question: int = 64
    warmup: float = 0.1
    weight_decay: float = 0.01
    epsilon: float = 1e-8
    clip: float = 1.0
    evaluate_every: int | None = None
    patience: int = 30
    dev_rows: int = 500
    share: float | None = None
    provenance: str = "ours"


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW over `model`; biases and layer norms do not decay."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (free if name.endswith(NO_DECAY) else decayed).append(parameter)
    # One kernel for all parameters, which on a CPU saves a small model a tenth of its step.
    fused = all(p.device.type in ("cpu", "cuda") for p in (*decayed, *free)) or None
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        eps=recipe.epsilon,
        fused=fused,
    )


def schedule(progress: float, warmup: float) -> float:
    """Return the share of the peak rate at `progress` (0..1): linear up, then linear to zero."""
    if progress < warmup:
        return progress / warmup
    return max(0.0, (1.0 - progress) / max(1e-9, 1.0 - warmup))
