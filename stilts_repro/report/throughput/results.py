"""What pytest-benchmark wrote about one run of `tests/benchmarks`.

A benchmark says in its `extra_info` what pytest-benchmark does not know: its rate under a key that
ends with `_per_second`, the rate's `noise` (interquartile range as a share; else that of
pytest-benchmark's times), and where they apply `ratio` (how many times as fast we are as `peer`),
`ratio_iqr`, `mfu`, `peak_memory` in bytes, `model`, and `attention`, the back end that our model is
on. The machine's part says `hardware`, `data`, `precision`, `threads` and `versions`.
"""

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
            threads=int(machine["threads"]),
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
    rate = float(told[unit + RATE])
    if not rate > 0:
        raise ValueError(f"{held['name']}: {rate} {unit} a second")
    noise = float(told.get("noise", float(stats["iqr"]) / float(stats["median"])))
    ratio = told.get("ratio")
    memory = told.get("peak_memory")
    return Benchmark(
        name=str(held["name"]),
        group=str(held["group"] or "other"),
        model=str(told.get("model", NO_MODEL)),
        unit=unit,
        rate=Spread(rate, rate * noise),
        rounds=int(stats["rounds"]),
        peer=told.get("peer"),
        ratio=None if ratio is None else Spread(float(ratio), float(told.get("ratio_iqr", 0.0))),
        attention=told.get("attention"),
        mfu=told.get("mfu"),
        peak_memory=None if memory is None else int(memory),
    )
