"""What crosses from phase (ii) to phase (iii), and the directory that it crosses in.

A phase-(ii) directory is a backbone's (`models.backbone`) with its heads beside it: the weights in
`heads.safetensors`, and in `heads.json` what each head is for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from safetensors.torch import save_file
from transformers import PreTrainedTokenizerBase

from stilts_repro.jsonio import read_json, write_json
from stilts_repro.models.backbone import load_backbone, load_beside, save_backbone
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.format import Format

# "encoder": pooler and heads start fresh. "encoder_pooler": the pooler crosses too, heads start
# fresh (jiant's `partial` load mode, where the target's head has another name than the
# intermediate's). "encoder_pooler_head": so does a head of the same format and labels.
Crossing = Literal["encoder", "encoder_pooler", "encoder_pooler_head"]
CROSSINGS: tuple[Crossing, ...] = get_args(Crossing)
DEFAULT: Crossing = "encoder_pooler"

HEADS, HEADS_SAY = "heads.safetensors", "heads.json"


def save_intermediate(
    model: MultiTaskModel, path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Write backbone, pooler, heads and tokenizer of a phase-(ii) model."""
    save_backbone(model.backbone, path, tokenizer)
    heads = model.heads.state_dict().items()
    # A masked-LM head is the pre-trained model's, tied to its embeddings: it is not for targets.
    weights = {k: v.contiguous() for k, v in heads if k.partition(".")[0] in model.formats}
    save_file(weights, path / HEADS)
    write_json(path / HEADS_SAY, {name: _says(kind) for name, kind in model.formats.items()})


def start_from(
    start: str,
    formats: Mapping[str, Format],
    seed: int,
    crosses: Crossing = DEFAULT,
    layers: int | None = None,
) -> MultiTaskModel:
    """Return the model that phase (iii) trains: what `crosses` from `start`, the rest fresh.

    What starts fresh is drawn as in the baseline of `seed`, which has no phase (ii). Raises
    `MissingError` where heads are to cross and `start` has no `heads.json`. The pre-trained model
    itself is started from with the default: its pooler, where it has one, is part of it; `layers`
    are as in `load_backbone`.
    """
    backbone = load_backbone(start, seed, fresh_pooler=crosses == "encoder", layers=layers)
    model = MultiTaskModel.fresh(backbone, formats, seed)
    if crosses == "encoder_pooler_head":
        for name, origin in crossing_heads(start, formats).items():
            load_beside(model.head(name), Path(start), HEADS, prefix=f"{origin}.")
    return model


def crossing_heads(start: str, formats: Mapping[str, Format]) -> dict[str, str]:
    """Return, for each task of `formats` that has one, the task whose head `start` offers it.

    Format and labels must be the same, labels in the same order. Of several such heads that of the
    same name comes first, else the first saved.
    """
    offered: dict[str, Any] = read_json(Path(start) / HEADS_SAY)
    origins = {}
    for name, kind in formats.items():
        alike = [origin for origin, says in offered.items() if says == _says(kind)]
        if alike:
            origins[name] = name if name in alike else alike[0]
    return origins


def _says(kind: Format) -> dict[str, Any]:
    return {"format": kind.name, "labels": list(kind.logit_names)}
