"""Token sequences of one data set, held flat, and the batches made of them.

Everything a model reads is a `Features`: one array of token ids with offsets, and columns that run
along the tokens (tags, character offsets) or along the units (labels). A *unit* is what a batch may
not split: one sequence, or the C sequences of one multiple-choice question.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

TOKEN_PADDING = -100  # what cross-entropy ignores; also "no character offset here"
SEGMENT = "segment"  # token column: transformers' token_type_ids, where not all are 0


@dataclass(frozen=True)
class Features:
    """Sequences of one data set.

    ids        [tokens] int32, all sequences end to end
    offsets    [sequences + 1] int64, where each sequence starts
    group      sequences per unit: 1, or the number of choices
    token      columns along the tokens, each [tokens]
    unit       columns along the units, each [units, ...]
    truncated  how many sequences lost text to the length limit
    """

    ids: np.ndarray
    offsets: np.ndarray
    group: int = 1
    token: Mapping[str, np.ndarray] = field(default_factory=dict)
    unit: Mapping[str, np.ndarray] = field(default_factory=dict)
    truncated: int = 0

    @classmethod
    def of(
        cls,
        sequences: Sequence[Sequence[int]],
        *,
        group: int = 1,
        token: Mapping[str, Sequence[Sequence[int]] | np.ndarray] | None = None,
        unit: Mapping[str, Sequence[int]] | None = None,
        truncated: int = 0,
    ) -> "Features":
        """Lay `sequences` end to end, and token columns of their lengths that do not lie so yet."""
        lengths = np.fromiter((len(s) for s in sequences), np.int64, len(sequences))
        flat = {
            name: values
            if isinstance(values, np.ndarray)
            else np.concatenate([np.asarray(v, np.int32) for v in values])
            for name, values in (token or {}).items()
        }
        return cls(
            ids=np.concatenate([np.asarray(s, np.int32) for s in sequences]),
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
            group=group,
            token=flat,
            unit={name: np.asarray(values) for name, values in (unit or {}).items()},
            truncated=truncated,
        )

    @classmethod
    def joined(cls, parts: Sequence["Features"]) -> "Features":
        """Lay the sequences of `parts`, which have the same columns, end to end."""
        first = parts[0]
        starts = np.cumsum([0, *(part.tokens for part in parts)])
        offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            offsets=np.concatenate([[0], *offsets]),
            group=first.group,
            token={
                name: np.concatenate([part.token[name] for part in parts]) for name in first.token
            },
            unit={name: np.concatenate([part.unit[name] for part in parts]) for name in first.unit},
            truncated=sum(part.truncated for part in parts),
        )

    def __len__(self) -> int:
        """Return the number of units."""
        return (len(self.offsets) - 1) // self.group

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        return len(self.ids)

    @property
    def fingerprint(self) -> str:
        """A hash of the token ids: what a tokenizer made of the text."""
        return hashlib.sha256(self.ids.tobytes()).hexdigest()

    def unit_lengths(self) -> np.ndarray:
        """Return the longest sequence of each unit, [units]."""
        return np.diff(self.offsets).reshape(-1, self.group).max(axis=1)

    def unit_tokens(self) -> np.ndarray:
        """Return the real tokens of each unit, [units]."""
        return np.diff(self.offsets).reshape(-1, self.group).sum(axis=1)


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return `starts[i]`, `starts[i]` + 1, ... (`lengths[i]` numbers) for each i, end to end."""
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)


@dataclass(frozen=True)
class Chosen:
    """Tokens to predict: places in the batch's vectors laid end to end, and what was there; [N]."""

    places: Tensor
    gold: Tensor

    @classmethod
    def of(cls, label: Tensor) -> Self:
        """Return the tokens that have a label in the column `label`, which is on the host."""
        flat = label.flatten()
        places = (flat != TOKEN_PADDING).nonzero().squeeze(1)
        return cls(places, flat[places])


@dataclass(frozen=True)
class Batch:
    """Padded sequences: ids, mask and token columns [B, T]; unit columns [B / group, ...].

    `chosen` are the tokens to predict in masked language modelling.
    """

    units: np.ndarray
    input_ids: Tensor
    attention_mask: Tensor
    group: int
    token: Mapping[str, Tensor]
    unit: Mapping[str, Tensor]
    chosen: Chosen | None = None

    @property
    def tokens(self) -> int:
        """Real tokens in the batch; of a batch on a GPU, that waits for it."""
        return int(self.attention_mask.sum())

    def spread(self, values: Tensor) -> Tensor:
        """Return `values`, which the backbone gave one a token, as [B, T, ...]: so they lie."""
        return values

    def laid(self, column: Tensor) -> Tensor:
        """Return a token column [B, T] laid like `input_ids`."""
        return column

    def at(self, states: Tensor, places: Tensor) -> Tensor:
        """Return the states [B, H] of one token a sequence; `places` [B] count from its start."""
        return states[torch.arange(len(states), device=states.device), places]

    def to(self, device: torch.device) -> Self:
        """Return the batch on `device`, a GPU without waiting for it."""
        if device.type == "cpu":
            return self
        return replace(
            self, **{f.name: _moved(getattr(self, f.name), device) for f in fields(self)}
        )


def _moved(value: Any, device: torch.device) -> Any:
    """Return `value` with the tensors in it on `device`; from pinned memory copies do not wait."""
    if isinstance(value, Tensor):
        held = value.pin_memory() if device.type == "cuda" else value
        return held.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: _moved(column, device) for name, column in value.items()}
    if isinstance(value, Chosen):
        return Chosen(_moved(value.places, device), _moved(value.gold, device))
    return value


def collate(features: Features, units: np.ndarray, pad_id: int) -> Batch:
    """Pad the sequences of `units` to the longest of them."""
    sequences = (units[:, None] * features.group + np.arange(features.group)).reshape(-1)
    starts = features.offsets[sequences]
    lengths = features.offsets[sequences + 1] - starts
    places = np.arange(lengths.max())
    inside = places[None, :] < lengths[:, None]
    where = np.where(inside, starts[:, None] + places[None, :], 0)

    def padded(flat: np.ndarray, filler: int) -> Tensor:
        return torch.from_numpy(np.where(inside, flat[where], filler).astype(np.int64))

    return Batch(
        units=units,
        input_ids=padded(features.ids, pad_id),
        attention_mask=torch.from_numpy(inside.astype(np.int64)),
        group=features.group,
        token={
            name: padded(flat, 0 if name == SEGMENT else TOKEN_PADDING)
            for name, flat in features.token.items()
        },
        unit={name: torch.from_numpy(column[units]) for name, column in features.unit.items()},
    )
