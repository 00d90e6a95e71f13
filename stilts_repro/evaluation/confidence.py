"""How sure a classifier is, beside how right: of each language, as it is and by temperature."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stilts_repro.metrics.calibration import best_temperature, calibration
from stilts_repro.tasks.format import Example, broken_units

SCALED = "scaled_"  # before the names of metrics of logits divided by a temperature

Judged = Mapping[str, tuple[np.ndarray, np.ndarray]]  # by language, logits [n, labels], labels [n]


def judged(examples: Mapping[str, Sequence[Example]], logits: np.ndarray) -> Judged:
    """Return each language's logits and labels, of all languages' `logits` in their order.

    Rows on which the output is not finite are left out: they have no confidence.
    """
    gold = np.array([example.label for own in examples.values() for example in own])
    sound = np.ones(len(gold), bool)
    sound[broken_units(logits)] = False
    ends = np.cumsum([len(own) for own in examples.values()])[:-1]
    parts = zip(*(np.split(array, ends) for array in (logits, gold, sound)), strict=True)
    return {
        code: (own[kept], labels[kept])
        for code, (own, labels, kept) in zip(examples, parts, strict=True)
    }


def keep(held: Judged, path: Path) -> None:
    """Write logits and labels to `path` (.npz), as `<language>.logits` and `<language>.labels`."""
    arrays: dict[str, Any] = {
        f"{code}.{name}": array
        for code, pair in held.items()
        for name, array in zip(("logits", "labels"), pair, strict=True)
    }
    np.savez_compressed(path, **arrays)


def kept(path: Path) -> Judged:
    """Return what `keep` wrote to `path`."""
    with np.load(path) as arrays:
        codes = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
        return {code: (arrays[f"{code}.logits"], arrays[f"{code}.labels"]) for code in codes}


def temperature_of(held: Judged) -> float | None:
    """Return the temperature that suits English best; None where there is no English."""
    return best_temperature(*held["en"]) if "en" in held and len(held["en"][1]) else None


def confidence(held: Judged, temperature: float | None) -> dict[str, dict[str, float]]:
    """Return each language's measures of `calibration`, and those at `temperature`, if any."""
    found: dict[str, dict[str, float]] = {}
    for code, (logits, gold) in held.items():
        found[code] = calibration(logits, gold) if len(gold) > 1 else {}
        if temperature is not None and len(gold) > 1:
            scaled = calibration(logits, gold, temperature)
            found[code] |= {SCALED + name: value for name, value in scaled.items()}
    return found
