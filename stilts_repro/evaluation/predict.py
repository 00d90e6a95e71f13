"""Run a model over features: logits a unit, or sentence vectors a layer. What logits are worth."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stilts_repro.data.batches import evaluation_batches
from stilts_repro.data.features import Batch, Features, collate
from stilts_repro.errors import short_of_memory
from stilts_repro.machine import HALVINGS, Machine
from stilts_repro.models.attention import packs, ready
from stilts_repro.models.multitask import MultiTaskModel, mean_pooled
from stilts_repro.tasks.format import Example, Format, Scored, broken_units

# Tokens a forward pass, with padding where there is any; small on a CPU, where a batch should stay
# in the cache.
BUDGET = {"cpu": 2048, "cuda": 65536}


@torch.no_grad()
def predict(
    model: MultiTaskModel, task: str, features: Features, pad_id: int, machine: Machine
) -> np.ndarray:
    """Return `task`'s logits, fp32, in the order of the units.

    [units, outputs] for classification and multiple choice; [units, T, outputs] for tagging and
    span extraction, T the longest sequence. Beyond a sequence's end spans have minus infinity, and
    tags what nobody reads. A unit with a number that is not finite where it has tokens is NaN at
    all of them, and counts as wrong.
    """
    model.eval()
    longest = int(features.unit_lengths().max())
    everything: np.ndarray | None = None
    read = _outputs(model.backbone, features, pad_id, machine, lambda batch: model(task, batch))
    for units, batch, output in read:
        logits = output.numpy()
        sound = np.isfinite(logits)
        if logits.ndim == 3:
            sound |= ~batch.attention_mask.bool().cpu().numpy()[:, :, None]
        logits[~sound.reshape(len(logits), -1).all(axis=1)] = np.nan
        if everything is None:
            shape = logits.shape[1:] if logits.ndim == 2 else (longest, logits.shape[2])
            everything = np.full((len(features), *shape), -np.inf, np.float32)
        if logits.ndim == 2:
            everything[units] = logits
        else:
            everything[units, : logits.shape[1]] = logits
    assert everything is not None
    return everything


def score_by_language(
    kind: Format,
    examples: Mapping[str, Sequence[Example]],
    features: Features,
    logits: np.ndarray,
    everything: Sequence[Example] | None = None,
) -> dict[str, Scored]:
    """Score the logits of several languages' examples, featurised as one, each language alone.

    `everything` are the examples of `features`, where some are of no language.
    """
    everything = everything or list(chain.from_iterable(examples.values()))
    predictions = iter(kind.predict(everything, features, logits))
    return {
        code: kind.score(own, list(islice(predictions, len(own))), code)
        for code, own in examples.items()
    }


def broken_by_language(
    examples: Mapping[str, Sequence[Example]], features: Features, logits: np.ndarray
) -> dict[str, list[int]]:
    """Return, by language, the places of the examples on which the output was not finite."""
    broken = broken_units(logits)
    if "example" in features.unit:
        broken = np.unique(features.unit["example"][broken])
    *ends, last = np.cumsum([len(own) for own in examples.values()]).tolist()
    starts = [0, *ends]
    parts = np.split(broken[broken < last], np.searchsorted(broken, ends))
    return {
        code: (places - start).tolist()
        for code, start, places in zip(examples, starts, parts, strict=True)
    }


def largest_share(predictions: Any) -> float:
    """Return the share (0 to 1) of the commonest prediction among one language's; of none, 0."""
    values = predictions.values() if isinstance(predictions, Mapping) else predictions
    labels = Counter(chain.from_iterable(v if isinstance(v, list | tuple) else [v] for v in values))
    return max(labels.values(), default=0) / max(1, labels.total())


@torch.no_grad()
def embed(
    backbone: PreTrainedModel,
    features: Features,
    pad_id: int,
    layers: Sequence[int],
    machine: Machine,
) -> Tensor:
    """Return the mean-pooled hidden states of `layers`, fp32 on the CPU, [layers, sequences, H]."""
    backbone.eval()
    vectors = torch.empty(len(layers), len(features), backbone.config.hidden_size)

    def pooled(batch: Batch) -> Tensor:
        return mean_pooled(backbone, batch, layers)

    for units, _, output in _outputs(backbone, features, pad_id, machine, pooled):
        vectors[:, torch.from_numpy(units)] = output
    return vectors


def _outputs(
    backbone: PreTrainedModel,
    features: Features,
    pad_id: int,
    machine: Machine,
    compute: Callable[[Batch], Tensor],
) -> Iterator[tuple[np.ndarray, Batch, Tensor]]:
    """Yield all units, longest first, as batches that `backbone` reads, and what they come to.

    Where the memory is too small for a batch, it and all that follow are halved, at most twice.
    """
    budget = BUDGET[backbone.device.type]
    waiting = deque(evaluation_batches(features, budget, padded=not packs(backbone)))
    halvings = 0
    while waiting:
        units = waiting.popleft()
        try:
            batch = ready(backbone, collate(features, units, pad_id))
            with machine.autocast():
                output = compute(batch).float().cpu()
        except Exception as error:
            if not short_of_memory(error) or halvings == HALVINGS:
                raise
        else:
            yield units, batch, output
            continue
        # Here nothing of the error's frames is held any more.
        halvings += 1
        halves = (half for whole in (units, *waiting) for half in np.array_split(whole, 2))
        waiting = deque(half for half in halves if len(half))
        machine.make_room()
