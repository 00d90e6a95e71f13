"""The pre-trained model that all phases share: loading, drawing, compiling, saving.

A backbone is a directory or hub id as `models.pretrained` says. Phase (ii) writes such a directory
too, which plain `AutoModel` reads. A pooler that the model's class does not have lies beside its
weights, in `pooler.safetensors`.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedTokenizerBase

from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.machine import COMPILE
from stilts_repro.models.families import family_of
from stilts_repro.models.pretrained import (
    check_directory,
    check_whole,
    load_config,
    load_tokenizer,
    location,
)
from stilts_repro.seeds import derive

if TYPE_CHECKING:  # transformers takes two seconds to import it; who only plans needs no model
    from transformers import PreTrainedModel

POOLER = "pooler.safetensors"


class Pooler(nn.Module):
    """Dense layer and tanh over one token, for backbones that bring none of their own."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)

    def forward(self, states: Tensor) -> Tensor:
        """Map hidden states [B, T, H] to one vector a sequence [B, H], from its first token."""
        return torch.tanh(self.dense(states[:, 0]))


def load_backbone(
    model: str, seed: int, *, fresh_pooler: bool = False, layers: int | None = None
) -> "PreTrainedModel":
    """Load the encoder with a pooler; parameters the checkpoint lacks are drawn from `seed`.

    XLM-R's public checkpoint has no trained pooler, so the baseline starts one afresh; after
    classification or multiple-choice phase (ii) the trained one crosses with the encoder (jiant).
    `fresh_pooler` draws it anew all the same, to the weights that the baseline of `seed` starts
    from. Causal models have no pooler. Of its `layers` so many are kept, the first (None: all).
    """
    check_directory(model)
    torch.manual_seed(derive(seed, "pooler"))
    asked = location(model) | ({} if layers is None else {"num_hidden_layers": layers})
    try:
        backbone, loaded = AutoModel.from_pretrained(
            **asked,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises a dozen unrelated kinds here
        raise MissingError(f"--model {model}: its weights do not load ({reason(error)})") from None
    # Without this, a file of other names would leave a random model (nyu-mll/jiant#1329).
    absent = [key for key in loaded["missing_keys"] if not key.startswith("pooler.")]
    check_whole("--model", model, absent)
    family = family_of(backbone.config)
    if family.pools == "last" and backbone.config.pad_token_id is None:
        # By it transformers' classes for causal models find the last token, but many leave it out.
        backbone.config.pad_token_id = load_tokenizer(model).pad_token_id
    if not family.dense:
        return backbone
    if getattr(backbone, "pooler", None) is None:
        torch.manual_seed(derive(seed, "pooler"))
        backbone.pooler = Pooler(backbone.config.hidden_size)
        if not fresh_pooler and (Path(model) / POOLER).is_file():
            load_beside(backbone.pooler, Path(model), POOLER)
    elif fresh_pooler:
        torch.manual_seed(derive(seed, "pooler"))
        backbone = _without_pooler(backbone)
    return backbone


def draw_backbone(model: str, seed: int) -> "PreTrainedModel":
    """Return a backbone of `model`'s shape with weights drawn from `seed`: no phase (i) at all."""
    config = load_config(model)
    torch.manual_seed(derive(seed, "random weights"))
    # In fp32, whatever the checkpoint is kept in: it is trained.
    backbone = AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)
    if family_of(config).dense and getattr(backbone, "pooler", None) is None:
        backbone.pooler = Pooler(config.hidden_size)
    return backbone


def _without_pooler(backbone: "PreTrainedModel") -> "PreTrainedModel":
    """Return `backbone` with its pooler drawn as where a checkpoint lacks one."""
    rest = {k: v for k, v in backbone.state_dict().items() if not k.startswith("pooler.")}
    config, dtype = backbone.config, torch.float32
    return type(backbone).from_pretrained(None, config=config, state_dict=rest, dtype=dtype)


def compile_layers(backbone: "PreTrainedModel", **options: Any) -> None:
    """Let the layers of `backbone` be compiled when they are called next; `options` go to torch.

    Lengths, and how many tokens or sequences a batch has, are left open: one graph, without a
    break, serves all layers and all batches, padded or packed; evaluation has its own. Weights keep
    their names. Layers alone, since of a whole model compiled a pooler that nothing reads would get
    gradients of zero, for which the optimiser lets it decay.
    Raises `MissingError` where torch cannot compile on this machine.
    """
    if problem := _compiler_problem(backbone.device.type):
        raise MissingError(
            f"{COMPILE}=1: torch cannot compile here ({problem}); "
            "install a compiler, or leave it out"
        )
    for layer in layers_of(backbone):
        layer.compile(dynamic=True, **options)


def layers_of(backbone: "PreTrainedModel") -> list[nn.Module]:
    """Return what transformers calls the layers of `backbone`."""
    from transformers.modeling_layers import GradientCheckpointingLayer as Layer

    return [module for module in backbone.modules() if isinstance(module, Layer)]


@cache
def _compiler_problem(device: str) -> str:
    """Return why torch does not compile for `device`, '' where it does: found out by doing it."""
    try:
        torch.compile(torch.sin)(torch.ones(8, device=device))
    except Exception as error:  # no compiler, nowhere to keep what it makes, a user without a name
        return reason(error)
    return ""


def save_backbone(
    backbone: "PreTrainedModel", path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Write backbone, pooler and tokenizer as a directory that `AutoModel` loads without remark."""
    backbone.save_pretrained(path, state_dict=own_weights(backbone))
    tokenizer.save_pretrained(path)
    pooler = getattr(backbone, "pooler", None)
    if isinstance(pooler, Pooler):
        save_file(pooler.state_dict(), path / POOLER)


def own_weights(backbone: "PreTrainedModel") -> dict[str, Tensor]:
    """Return the weights of `backbone` that its class knows: all but a pooler added here."""
    weights = backbone.state_dict()
    if not isinstance(getattr(backbone, "pooler", None), Pooler):
        return weights
    return {name: value for name, value in weights.items() if not name.startswith("pooler.")}


def load_beside(module: nn.Module, folder: Path, file: str, prefix: str = "") -> None:
    """Fill `module` from the tensors of `folder / file` whose names begin with `prefix`.

    Raises `InputError` where the file is broken or holds something else.
    """
    try:
        tensors = load_file(folder / file)
        module.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder / file}: it does not load ({reason(error)})") from None
