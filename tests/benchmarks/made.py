"""Features of any format at given lengths: random ids and labels, so that only lengths matter."""

import numpy as np

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.tasks.format import Format, Limits
from tests.benchmarks import given

# By name, a training set and where its sequences are cut; windows as in question answering.
WINDOWS = Limits(384, stride=128)
LENGTHS = {
    "pairs": ("mnli", given.LIMITS),
    "windows": ("squad_v1", WINDOWS),
    "sentences": ("panx_en", given.LIMITS),
}
EVEN = 64


def lengths_like(name: str, tokens: int) -> np.ndarray:
    """Return lengths like those of `LENGTHS[name]`'s rows, or all `EVEN`; `tokens` in all."""
    if name == "even":
        return np.full(tokens // EVEN, EVEN)
    task, limits = LENGTHS[name]
    own = np.diff(given.training_features(task, 1000, limits).offsets)
    drawn = np.random.default_rng(0).choice(own, size=tokens // int(own.min()))
    return drawn[: np.searchsorted(drawn.cumsum(), tokens)]


def features_of(kind: Format, lengths: np.ndarray, vocabulary: int) -> Features:
    """Return features of `kind` with sequences of `lengths`; a last unit that is not full is cut.

    In multiple choice a unit is four sequences. Ids are above the special ones.
    """
    group = 4 if kind.name == "multiple_choice" else 1
    lengths = lengths[: len(lengths) // group * group]
    rng = np.random.default_rng(1)
    units, tokens = len(lengths) // group, int(lengths.sum())
    starts = np.cumsum(lengths) - lengths
    token, unit = {}, {}
    if kind.name == "tagging":
        token["label"] = rng.integers(kind.outputs, size=tokens)
        token["label"][starts] = TOKEN_PADDING
    elif kind.name == "span":
        unit = {"start": np.zeros(units, np.int64), "end": lengths - 1}
    elif kind.name != "retrieval":
        unit["label"] = rng.integers(group if group > 1 else kind.outputs, size=units)
    return Features(
        ids=rng.integers(5, vocabulary, size=tokens).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        group=group,
        token=token,
        unit=unit,
    )
