"""AdamW and its schedule, as jiant sets them."""

import torch
from torch import nn

from stilts_repro.tasks.recipe import Recipe

NO_DECAY = ("bias", "scale", "LayerNorm.weight", "layer_norm.weight", "norm.weight")


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
