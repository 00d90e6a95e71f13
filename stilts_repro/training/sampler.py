"""Which task the next optimiser step is drawn from (multi-task phase (ii))."""

from collections.abc import Iterator, Mapping

import numpy as np


def proportional_weights(
    sizes: Mapping[str, int], cap: int | None = None, temperature: float = 1.0
) -> dict[str, float]:
    """Return each task's share: min(size, cap) ** (1 / temperature), normalised (T5, jiant)."""
    raw = {
        name: (size if cap is None else min(size, cap)) ** (1.0 / temperature)
        for name, size in sizes.items()
    }
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def draw_tasks(weights: Mapping[str, float], rng: np.random.Generator) -> Iterator[str]:
    """Yield task names for ever, one a step."""
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    while True:
        yield names[rng.choice(len(names), p=shares)]
