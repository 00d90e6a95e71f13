"""The pre-trained model that all phases share: loading, checking, saving.

A backbone is a directory (or hub id) in the Hugging Face layout: configuration, safetensors
weights, tokenizer. Phase (ii) writes such a directory too, which plain `AutoModel` reads.
"""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stilts_repro.errors import InputError, MissingError
from stilts_repro.seeds import derive

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class Pooler(nn.Module):
    """Dense layer and tanh over the first token, for backbones that bring none of their own."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)

    def forward(self, states: Tensor) -> Tensor:
        """Map hidden states [B, T, H] to one vector a sequence [B, H]."""
        return torch.tanh(self.dense(states[:, 0]))


def check_directory(model: str) -> None:
    """Raise where `model` is a directory that cannot be a backbone; a hub id passes.

    `MissingError` names the file that is not there.
    """
    path = Path(model)
    if not path.exists():
        if model.startswith((".", "/", "~")) or model.count("/") > 1:
            raise MissingError(f"--model {model}: no such directory")
        return
    if not path.is_dir():
        raise InputError(f"--model {model}: not a directory; give one in the Hugging Face layout")
    if not (path / "config.json").is_file():
        raise MissingError(f"--model {model}: no config.json in it; give a saved model")
    if not any((path / name).is_file() for name in WEIGHTS):
        raise MissingError(
            f"--model {model}: no weights in it ({WEIGHTS[0]}); save the model as safetensors"
        )
    if not any((path / name).is_file() for name in ("tokenizer.json", "sentencepiece.bpe.model")):
        raise MissingError(f"--model {model}: no tokenizer in it (tokenizer.json)")


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a directory or hub id."""
    check_directory(model)
    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise MissingError(
            f"--model {model}: its tokenizer does not load ({_first_line(error)})"
        ) from None


def load_backbone(model: str, seed: int) -> PreTrainedModel:
    """Load the encoder with a pooler; parameters the checkpoint lacks are drawn from `seed`.

    XLM-R's public checkpoint has no trained pooler, so the baseline starts one afresh; after
    classification or multiple-choice phase (ii) the trained one crosses with the encoder (jiant).
    """
    check_directory(model)
    torch.manual_seed(derive(seed, "pooler"))
    try:
        backbone, loaded = AutoModel.from_pretrained(
            model,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise MissingError(
            f"--model {model}: its weights do not load ({_first_line(error)})"
        ) from None
    # Without this, a file of other names would leave a random model (nyu-mll/jiant#1329).
    absent = sorted(key for key in loaded["missing_keys"] if not key.startswith("pooler."))
    if absent:
        raise InputError(
            f"--model {model}: its weights lack {len(absent)} of the encoder's parameters "
            f"({absent[0]}, ...); save the whole model"
        )
    if getattr(backbone, "pooler", None) is None:
        backbone.pooler = Pooler(backbone.config.hidden_size)
    return backbone


def fingerprint(model: str) -> str:
    """Return a hash of a directory's weights and tokenizer; a hub id stands for itself."""
    path = Path(model)
    if not path.is_dir():
        return model
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.suffix == ".safetensors" or file.name in ("config.json", "tokenizer.json"):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
