"""Span denoising: what encoder-decoders are pre-trained by (T5, Raffel et al. 2020).

Of each sequence a share of the tokens is taken out, in spans of a few. The encoder reads the rest,
with a sentinel where a span was; the decoder tells the spans, each after its sentinel.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stilts_repro.data.features import Batch

RATE, SPAN = 0.15, 3  # share of the tokens, and tokens a span in the mean (T5)
SENTINELS = 16  # ids after the tokenizer's own; a sequence of 128 tokens has six spans
IGNORED = -100  # by transformers' loss


@dataclass(frozen=True)
class Denoising:
    """The ids of sentinels are `first` and those after it; the decoder starts with `start`."""

    first: int
    start: int
    end: int
    pad: int

    def apply(self, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
        """Return what transformers' class is called with to learn from padded `batch`."""
        read, told = [], []
        lengths = batch.attention_mask.sum(dim=1).tolist()
        for row, length in zip(batch.input_ids.tolist(), lengths, strict=True):
            source, target = self.cut(row[:length], rng)
            read.append(source)
            told.append([*target, self.end])
        ids, labels = _padded(read, self.pad), _padded(told, IGNORED)
        shifted = labels.roll(1, dims=1)
        shifted[:, 0] = self.start
        return {
            "input_ids": ids,
            "attention_mask": _padded([[1] * len(row) for row in read], 0),
            "decoder_input_ids": torch.where(shifted == IGNORED, self.pad, shifted),
            "labels": labels,
        }

    def cut(self, row: list[int], rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """Return a sequence without its spans, and its spans; its first and last token stay."""
        inner = row[1:-1]
        noise = min(max(1, round(RATE * len(inner))), len(inner) - 1)
        if noise < 1:  # too short to take anything out
            return row, []
        spans = min(max(1, round(noise / SPAN)), noise, len(inner) - noise, SENTINELS)
        kept, taken = _parts(len(inner) - noise, spans, rng), _parts(noise, spans, rng)
        source, target, place = row[:1], [], 0
        for sentinel, (keep, take) in enumerate(zip(kept, taken, strict=True), self.first):
            source += [*inner[place : place + keep], sentinel]
            target += [sentinel, *inner[place + keep : place + keep + take]]
            place += keep + take
        return [*source, *row[-1:]], target


def denoising_loss(model: PreTrainedModel, arguments: dict[str, Any]) -> Tensor:
    """Return the mean cross-entropy of the tokens that the decoder is to tell."""
    loss: Tensor = model(**arguments, use_cache=False).loss
    return loss


def _parts(whole: int, count: int, rng: np.random.Generator) -> list[int]:
    """Return `count` numbers above zero whose sum is `whole`, each way of it as likely."""
    ends = np.sort(rng.permutation(whole - 1)[: count - 1]) + 1
    return np.diff([0, *ends, whole]).tolist()


def _padded(rows: list[list[int]], value: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])
