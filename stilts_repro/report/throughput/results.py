"""What pytest-benchmark wrote about one run of `tests/benchmarks`.

A benchmark says in its `extra_info` what pytest-benchmark does not know: its rate under a key that
ends with `_per_second`, the rate's `noise` (interquartile range as a share; else that of
pytest-benchmark's times), and where they apply `ratio` (how many times as fast we are as `peer`),
`ratio_iqr`, `mfu`, `peak_memory` in bytes, `model`, and `attention`, the back end that our model is
on. The machine's part says `hardware`, `data`, `precision`, `threads` and `versions`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json

RATE = "_per_second"
NO_MODEL = "no-model"  # of benchmarks that run none: featurising, mining, answers


@dataclass(frozen=True)
class Spread:
    """A median and the interquartile range around it."""

    value: float
    iqr: float

    @property
    def noise(self) -> float:
        """The range as a share of the median."""
        return self.iqr / self.value


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: `rate` counts `unit` (real tokens, rows, ...) a second; memory in bytes."""

    name: str
    group: str
    model: str
    unit: str
    rate: Spread
    rounds: int
    peer: str | None = None
    ratio: Spread | None = None
    attention: str | None = None
    mfu: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True)
class Results:
    """One run: where, when (ISO date), on what rows, and the benchmarks in the order they ran."""

    hardware: str
    date: str
    data: str
    precision: str
    threads: int
    versions: Mapping[str, str]
    benchmarks: tuple[Benchmark, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were run, in order; `NO_MODEL` is one."""
        return tuple(dict.fromkeys(b.model for b in self.benchmarks))


def read_results(path: Path) -> Results:
    """Read a file that `--benchmark-json` made.

    Raises `MissingError` where there is none and `InputError` where it is not such a file, or one
    of other benchmarks than these.
    """
    told = read_json(path)
    try:
        machine = told["machine_info"]
        return Results(
            hardware=str(machine["hardware"]),
            date=str(told["datetime"])[:10],
            data=str(machine["data"]),
            precision=str(machine["precision"]),
            threads=int(_number("machine_info", machine, "threads")),
            versions={name: str(version) for name, version in machine["versions"].items()},
            benchmarks=tuple(
                found for held in told["benchmarks"] if (found := _benchmark(held)) is not None
            ),
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the results of tests/benchmarks ({type(error).__name__}: {error}); "
            "make them with tox -e benchmark"
        ) from None


def _benchmark(held: Mapping[str, Any]) -> Benchmark | None:
    """Return one benchmark; None for one without a rate, which has nothing to compare."""
    told, stats = held["extra_info"], held["stats"]
    unit = next((key.removesuffix(RATE) for key in told if key.endswith(RATE)), None)
    if unit is None:
        return None
    name = str(held["name"])
    rate = _number(name, told, unit + RATE, above=True)
    if "noise" in told:
        noise = _number(name, told, "noise")
    else:
        noise = _number(name, stats, "iqr") / _number(name, stats, "median", above=True)
    ratio = None
    if told.get("ratio") is not None:
        iqr = _number(name, {"ratio_iqr": 0.0, **told}, "ratio_iqr")
        ratio = Spread(_number(name, told, "ratio", above=True), iqr)
    peer, attention = told.get("peer"), told.get("attention")
    return Benchmark(
        name=name,
        group=str(held["group"] or "other"),
        model=str(told.get("model", NO_MODEL)),
        unit=unit,
        rate=Spread(rate, rate * noise),
        rounds=int(_number(name, stats, "rounds")),
        peer=None if peer is None else str(peer),
        ratio=ratio,
        attention=None if attention is None else str(attention),
        mfu=None if told.get("mfu") is None else _number(name, told, "mfu"),
        peak_memory=(
            None if told.get("peak_memory") is None else int(_number(name, told, "peak_memory"))
        ),
    )


def _number(name: str, told: Mapping[str, Any], key: str, *, above: bool = False) -> float:
    """Return what `told` has of `key`, a number from zero (or `above` it); ValueError if none."""
    value = told[key]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value < math.inf
        or (above and not value)
    ):
        least = "above" if above else "from"
        raise ValueError(f"{name}: {key} is {value!r:.40}, not a number {least} zero")
    return float(value)
