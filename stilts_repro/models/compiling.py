"""torch.compile of a backbone's layers, where it is asked for."""

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from stilts_repro.errors import MissingError, reason

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedModel

COMPILE = "STILTS_COMPILE"


def compile_layers(backbone: "PreTrainedModel", **options: Any) -> None:
    """Let the layers of `backbone` be compiled when they are called next; `options` go to torch.

    Lengths, and how many tokens or sequences a batch has, are left open: one graph, without a
    break, serves all layers and all batches, padded or packed; evaluation has its own. Weights keep
    their names. Layers alone, since of a whole model compiled a pooler that nothing reads would get
    gradients of zero, for which the optimiser lets it decay.
    Raises `MissingError` where torch cannot compile on this machine.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    if problem := _problem(backbone.device.type):
        raise MissingError(
            f"{COMPILE}=1: torch cannot compile here ({problem}); "
            "install a compiler, or leave it out"
        )
    for module in backbone.modules():
        if isinstance(module, GradientCheckpointingLayer):  # what transformers calls a layer
            module.compile(dynamic=True, **options)


@cache
def _problem(device: str) -> str:
    """Return why torch does not compile for `device`, '' where it does: found out by doing it."""
    try:
        torch.compile(torch.sin)(torch.ones(8, device=device))
    except Exception as error:  # no compiler, nowhere to keep what it makes, a user without a name
        return reason(error)
    return ""
