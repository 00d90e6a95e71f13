"""The examples of several languages, featurised as one, scored each language alone."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice

import numpy as np

from stilts_repro.data.features import Features
from stilts_repro.tasks.format import Example, Format, Scored, broken_units


def score_by_language(
    kind: Format,
    examples: Mapping[str, Sequence[Example]],
    features: Features,
    logits: np.ndarray,
) -> dict[str, Scored]:
    """Return the scores of each language's examples, from the logits of all of them."""
    everything = list(chain.from_iterable(examples.values()))
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
    ends = np.cumsum([len(own) for own in examples.values()])[:-1]
    starts = [0, *ends.tolist()]
    parts = np.split(broken, np.searchsorted(broken, ends))
    return {
        code: (places - start).tolist()
        for code, start, places in zip(examples, starts, parts, strict=True)
    }
