"""Which sequences are read together: batches for evaluation, training and pre-training."""

from collections.abc import Iterator, Sequence

import numpy as np

from stilts_repro.data.features import Features, ranges


def evaluation_batches(
    features: Features, budget: int, *, padded: bool = True
) -> Iterator[np.ndarray]:
    """Yield units, longest first, in batches of at most `budget` tokens (or of one unit).

    Tokens are counted with padding, or without where batches will be packed. Sorting by length
    wastes almost nothing on padding and cannot change a result: each sequence is scored alone.
    """
    lengths = features.unit_lengths()
    order = np.argsort(-lengths, kind="stable")
    if not padded:
        yield from np.split(order, filled(features.unit_tokens()[order], budget)[1:])
        return
    start = 0
    while start < len(order):
        size = max(1, int(budget // (lengths[order[start]] * features.group)))
        yield order[start : start + size]
        start += size


def filled(counts: np.ndarray, budget: int) -> list[int]:
    """Return where to cut so that each part's `counts` sum to at most `budget`: parts' starts.

    What is above the budget by itself is a part by itself.
    """
    starts, held = [0], 0
    for place, count in enumerate(counts.tolist()):
        if held and held + count > budget:
            starts.append(place)
            held = 0
        held += count
    return starts


def training_batches(
    features: Features, batch_size: int, rng: np.random.Generator, *, window: int = 32
) -> Iterator[np.ndarray]:
    """Yield batches of `batch_size` units for ever, epoch after epoch.

    An epoch is a shuffle, cut into windows of `window` batches; inside a window units are sorted by
    length so that a batch pads little, and the batches are shuffled again. Every unit comes once an
    epoch; a short last batch is kept.
    """
    lengths = features.unit_lengths()
    while True:
        shuffled = rng.permutation(len(features))
        for start in range(0, len(shuffled), window * batch_size):
            chunk = shuffled[start : start + window * batch_size]
            chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
            batches = [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
            for index in rng.permutation(len(batches)):
                yield batches[index]


def token_batches(
    features: Features, budget: int, rng: np.random.Generator, *, window: int
) -> Iterator[np.ndarray]:
    """Yield batches of about `budget` tokens for ever, epoch after epoch (pre-training).

    As `training_batches`, but windows are of `window` units, and a batch is full when its padded
    size reaches the budget.
    """
    lengths = features.unit_lengths()
    while True:
        shuffled = rng.permutation(len(features))
        for start in range(0, len(shuffled), window):
            yield from window_batches(shuffled[start : start + window], lengths, budget, rng)


def window_batches(
    units: np.ndarray, lengths: np.ndarray, budget: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Cut `units`, longest first, into batches of at most `budget` padded tokens; shuffle these."""
    units = units[np.argsort(-lengths[units], kind="stable")]
    cuts, at = [], 0
    while at < len(units):
        cuts.append(at)
        at += max(1, int(budget // lengths[units[at]]))
    batches = np.split(units, cuts[1:])
    return [batches[index] for index in rng.permutation(len(batches))]


def blocks(
    parts: Sequence[Features], size: int, start_id: int, rng: np.random.Generator
) -> Features:
    """Lay each part's sequences end to end, in random order, and cut them into blocks of `size`.

    Parts (languages) do not mix. Every sequence begins with `start_id`, which only a block's own
    beginning keeps; what is left at a part's end is dropped. XLM-R reads its text so.
    """
    cut = []
    for part in parts:
        lengths = np.diff(part.offsets) - 1
        order = rng.permutation(len(part))
        stream = part.ids[ranges(part.offsets[order] + 1, lengths[order])]
        rows = stream[: len(stream) // (size - 1) * (size - 1)].reshape(-1, size - 1)
        cut.append(np.insert(rows, 0, start_id, axis=1))
    ids = np.concatenate(cut)
    return Features(ids=ids.reshape(-1), offsets=np.arange(len(ids) + 1) * size)
