"""A trained target as a directory of transformers' own class for its format.

`AutoModelForSequenceClassification` (or `...MultipleChoice`, `...TokenClassification`,
`...QuestionAnswering`) then predicts from it what the model predicted here.
"""

import copy
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from stilts_repro.data.features import SEGMENT, Batch, Features, collate
from stilts_repro.errors import InputError
from stilts_repro.models.attention import inputs, padded
from stilts_repro.models.backbone import own_weights
from stilts_repro.models.families import end_token, family_of
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.format import Format

CLOSE = 1e-4  # of two computations of one model; another model is further off by far


def target_class(config: PreTrainedConfig, kind: Format) -> type[PreTrainedModel] | None:
    """Return transformers' class of a model with `config` for `kind`, None where it has none."""
    classes = getattr(transformers, kind.classes) if kind.classes else {}
    return cast(type[PreTrainedModel] | None, classes.get(type(config), None))


def save_target(
    model: MultiTaskModel, task: str, path: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Write backbone, `task`'s head and tokenizer as a directory of the class for its format.

    Raises `InputError`, and writes nothing, where transformers has no such class or its class
    computes something else than the head here (another activation, more layers).
    """
    target = as_transformers(model, task, tokenizer)
    target.save_pretrained(path)
    tokenizer.save_pretrained(path)


@torch.no_grad()
def as_transformers(
    model: MultiTaskModel, task: str, tokenizer: PreTrainedTokenizerBase
) -> PreTrainedModel:
    """Return `task`'s model as transformers' own class, on the same device, in evaluation mode."""
    kind, backbone = model.formats[task], model.backbone
    cls = target_class(backbone.config, kind)
    if cls is None:
        raise InputError(
            f"{task}: transformers has no class for {kind.name} on a model of type "
            f"{backbone.config.model_type!r}; keep the backbone instead"
        )
    was_training = model.training
    model.eval()
    with padded(backbone):  # as transformers' classes read
        with torch.random.fork_rng(devices=[]):  # drawing weights that are then replaced
            target = cls(_config(backbone.config, kind))
        cast(nn.Module, target).to(backbone.device).eval()
        same = _fill(target, model, task) and _same(target, model, task, tokenizer)
    model.train(was_training)
    if not same:
        raise InputError(
            f"{task}: {cls.__name__} does not compute what the {kind.name} head does; "
            "keep the backbone instead"
        )
    return target


def _config(config: PreTrainedConfig, kind: Format) -> PreTrainedConfig:
    """Return `config` with the names of the logits, which `num_labels` follows."""
    config, labels = copy.deepcopy(config), kind.logit_names
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    return config


def _fill(target: PreTrainedModel, model: MultiTaskModel, task: str) -> bool:
    """Copy the weights into `target`; False where they do not fit.

    Whatever linear layers the class adds to the backbone are its head. Where there are two, the
    first is the pooler's dense layer, which such classes have instead of the backbone's pooler
    (XLM-R's and T5's classification).
    """
    base = target.base_model  # `target` itself where the class holds encoder and decoder
    given = own_weights(model.backbone)
    missing = set(base.load_state_dict(given, strict=False).missing_keys)
    filled = {id(value) for name, value in base.named_parameters() if name not in missing}
    layers = [
        layer
        for layer in target.modules()
        if isinstance(layer, nn.Linear) and id(layer.weight) not in filled
    ]
    ours: list[Any] = [model.head(task).linear]
    if len(layers) == 2 and family_of(model.backbone.config).dense:
        ours.insert(0, getattr(model.backbone.pooler, "dense", None))
    filled |= {id(value) for layer in layers for value in layer.parameters()}
    return (
        all(id(value) in filled for value in target.parameters())
        and len(layers) == len(ours)
        and all(_copied(layer, own) for layer, own in zip(layers, ours, strict=True))
    )


def _copied(layer: nn.Linear, own: Any) -> bool:
    """Copy `own` into `layer`; False where it is no layer of that shape."""
    if not isinstance(own, nn.Linear) or own.weight.shape != layer.weight.shape:
        return False
    layer.weight.copy_(own.weight)
    if layer.bias is not None:
        layer.bias.copy_(own.bias if own.bias is not None else torch.zeros_like(layer.bias))
    return layer.bias is not None or own.bias is None


def _same(
    target: PreTrainedModel, model: MultiTaskModel, task: str, tokenizer: PreTrainedTokenizerBase
) -> bool:
    """Say whether both give the same logits on two short sequences, one of them padded."""
    batch = _probe(model, task, tokenizer).to(target.device)
    kind = model.formats[task]
    shape = (1, 2, -1) if kind.group > 1 else (2, -1)
    given = inputs(model.backbone, batch)
    output = target(**{name: value.view(shape) for name, value in given.items()})
    theirs: Tensor
    if "logits" in output:
        theirs = output.logits
    else:  # a name each: `start_logits`, `end_logits`
        theirs = torch.stack([output[f"{name}_logits"] for name in kind.logit_names], dim=-1)
    ours = model(task, batch)
    if ours.dim() == 3:  # what is said of padding is nobody's business
        real = batch.attention_mask.bool()
        ours, theirs = ours[real], theirs[real]
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=CLOSE, atol=CLOSE)


def _probe(model: MultiTaskModel, task: str, tokenizer: PreTrainedTokenizerBase) -> Batch:
    """Return two sequences of ordinary tokens in two segments, closed as the backbone knows it."""
    config = model.backbone.config
    end, pad = end_token(config), tokenizer.pad_token_id
    special = {end, pad, config.pad_token_id, *tokenizer.all_special_ids}
    size = min(config.vocab_size, len(tokenizer))
    ordinary = [token for token in range(size) if token not in special]
    spread = [ordinary[place] for place in np.linspace(0, len(ordinary) - 1, 16, dtype=int)]
    close = [] if end is None else [end]
    sequences = [[*spread[:10], *close], [*spread[10:], *close]]
    features = Features.of(
        sequences,
        group=2 if model.formats[task].group > 1 else 1,
        token={SEGMENT: [[0, *[1] * (len(ids) - 1)] for ids in sequences]},
    )
    return collate(features, np.arange(len(features)), int(pad or 0))
