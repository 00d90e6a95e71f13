"""Which task the next optimiser step is drawn from (multi-task phase (ii))."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from stilts_repro.errors import InputError


@dataclass(frozen=True)
class Sampler:
    """Shares of the steps: a task's own steps, of at most `cap` rows, to the power 1 / temperature.

    Proportional: no cap, temperature 1. So is jiant's default, but that weighs tasks by examples
    where this weighs them by steps; with equal batch sizes and epochs the shares are the same.
    Uniform: no temperature, that is an infinite one. Cap and temperature together are T5's rule;
    which the paper used is not known.
    """

    cap: int | None = None
    temperature: float | None = 1.0

    def __str__(self) -> str:
        """Return the sampler as `parse` reads it."""
        if self.temperature is None:
            return "uniform"
        parts = [f"capped:{self.cap}"] if self.cap is not None else []
        parts += [f"temperature:{self.temperature:g}"] if self.temperature != 1.0 else []
        return ",".join(parts) or "proportional"

    @classmethod
    def parse(cls, text: str) -> "Sampler":
        """Read `proportional`, `uniform`, `capped:ROWS`, `temperature:T` or `capped:...,temp...`.

        Raises `InputError` on anything else.
        """
        if text in ("proportional", "uniform"):
            return cls(temperature=None if text == "uniform" else 1.0)
        parts = dict(part.partition(":")[::2] for part in text.split(","))
        try:
            cap = int(parts.pop("capped")) if "capped" in parts else None
            temperature = float(parts.pop("temperature", 1.0))
        except ValueError:
            parts, cap, temperature = {"": ""}, None, 1.0
        if parts or (cap is not None and cap < 1) or not 0 < temperature < math.inf:
            raise InputError(
                f"--sampler {text}: give proportional, uniform, capped:ROWS, temperature:T, or the "
                "last two with a comma between"
            )
        return cls(cap, temperature)

    def weights(self, steps: Mapping[str, int]) -> dict[str, float]:
        """Return each task's share, from the steps that its recipe comes to under the cap."""
        power = 0.0 if self.temperature is None else 1.0 / self.temperature
        most = max(steps.values()) if power > 1.0 else 1  # high powers are beyond all floats
        raw = {name: (count / most) ** power for name, count in steps.items()}
        total = sum(raw.values())
        return {name: value / total for name, value in raw.items()}


PROPORTIONAL = Sampler()


def draw_tasks(weights: Mapping[str, float], rng: np.random.Generator) -> Iterator[str]:
    """Yield task names for ever, one a step."""
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    while True:
        yield names[rng.choice(len(names), p=shares)]
