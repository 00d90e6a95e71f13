"""Measured rates: what one run of `tests/benchmarks` wrote, the entries kept of it, what moved.

A benchmark says in its `extra_info` what pytest-benchmark does not know: its rate under a key that
ends with `_per_second`, the rate's `noise` (interquartile range as a share; else that of
pytest-benchmark's times), and where they apply `ratio` (how many times as fast we are as `peer`),
`ratio_iqr`, `mfu`, `peak_memory` in bytes, `model`, and `attention`, the back end that our model is
on. The machine's part says `hardware`, `data`, `precision`, `threads` and `versions`.

Entries are the files of `expected_results/throughput`: one a model, a kind of hardware and a day.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stilts_repro.claims.schema import EXPECTED_RESULTS, validate
from stilts_repro.errors import InputError, MissingError
from stilts_repro.folders import writing
from stilts_repro.jsonio import read_json, write_json

FOLDER = EXPECTED_RESULTS / "throughput"
SCHEMA = "throughput"
LEAST = 0.05  # smaller changes are not told, however quiet the machine was
RATE = "_per_second"
NO_MODEL = "no-model"  # of benchmarks that run none: featurising, mining, answers
# Where two runs differ in one of these, neither is held against the other.
CONDITIONS = ("hardware", "data", "precision", "threads")


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


@dataclass(frozen=True)
class Change:
    """What moved: `what` is the rate's unit, or the peer of a ratio; `noise` both runs' together.

    `change` and `noise` are shares of the old value.
    """

    name: str
    what: str
    old: float
    new: float
    noise: float

    @property
    def change(self) -> float:
        """How much more (or, below zero, less) the new value is."""
        return self.new / self.old - 1.0


def read_results(path: Path) -> Results:
    """Read a file that `--benchmark-json` made.

    Raises `MissingError` where there is none and `InputError` where it is not such a file, or one
    of other benchmarks than these.
    """
    if not path.is_file():
        raise MissingError(f"{path}: no such file; make it with tox -e benchmark")
    raw = read_json(path)
    try:
        machine = raw["machine_info"]
        benchmarks = map(_benchmark, raw["benchmarks"])
        return Results(
            hardware=str(machine["hardware"]),
            date=str(raw["datetime"])[:10],
            data=str(machine["data"]),
            precision=str(machine["precision"]),
            threads=int(_number("machine_info", machine, "threads")),
            versions={name: str(version) for name, version in machine["versions"].items()},
            benchmarks=tuple(benchmark for benchmark in benchmarks if benchmark is not None),
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the results of tests/benchmarks ({type(error).__name__}: {error}); "
            "make them with tox -e benchmark"
        ) from None


def _benchmark(raw: Mapping[str, Any]) -> Benchmark | None:
    """Return one benchmark; None for one without a rate, which has nothing to compare."""
    info, stats = raw["extra_info"], raw["stats"]
    unit = next((key.removesuffix(RATE) for key in info if key.endswith(RATE)), None)
    if unit is None:
        return None
    name = str(raw["name"])
    rate = _number(name, info, unit + RATE, above=True)
    if "noise" in info:
        noise = _number(name, info, "noise")
    else:
        noise = _number(name, stats, "iqr") / _number(name, stats, "median", above=True)
    ratio = None
    if info.get("ratio") is not None:
        iqr = _number(name, {"ratio_iqr": 0.0, **info}, "ratio_iqr")
        ratio = Spread(_number(name, info, "ratio", above=True), iqr)
    peer, attention = info.get("peer"), info.get("attention")
    mfu, memory = (
        None if info.get(key) is None else _number(name, info, key)
        for key in ("mfu", "peak_memory")
    )
    return Benchmark(
        name=name,
        group=str(raw["group"] or "other"),
        model=str(info.get("model", NO_MODEL)),
        unit=unit,
        rate=Spread(rate, rate * noise),
        rounds=int(_number(name, stats, "rounds")),
        peer=None if peer is None else str(peer),
        ratio=ratio,
        attention=None if attention is None else str(attention),
        mfu=mfu,
        peak_memory=None if memory is None else int(memory),
    )


def _number(name: str, raw: Mapping[str, Any], key: str, *, above: bool = False) -> float:
    """Return what `raw` has of `key`, a number from zero (or `above` it); ValueError if none."""
    value = raw[key]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value < math.inf
        or (above and not value)
    ):
        least = "above" if above else "from"
        raise ValueError(f"{name}: {key} is {value!r:.40}, not a number {least} zero")
    return float(value)


def entry(results: Results, model: str) -> dict[str, Any]:
    """Return the entry of `model` in `results`, which fits `throughput.schema.json`."""
    return {
        "model": model,
        "hardware": results.hardware,
        "date": results.date,
        "data": results.data,
        "precision": results.precision,
        "threads": results.threads,
        "versions": dict(results.versions),
        "benchmarks": {b.name: _figures(b) for b in results.benchmarks if b.model == model},
    }


def _figures(benchmark: Benchmark) -> dict[str, Any]:
    figures = asdict(benchmark)
    del figures["name"], figures["model"]
    return {name: value for name, value in figures.items() if value is not None}


def write_entries(results: Results, folder: Path = FOLDER) -> list[Path]:
    """Write an entry for each model of `results`.

    One of the same day that was made alike keeps those benchmarks that `results` lack (of a run of
    a few, as by `-k mining`); any other of the same day is replaced.

    Raises `InputError` where an entry, old or new, does not fit the schema, and what `writing` does
    where it cannot be written.
    """
    entries = {model: entry(results, model) for model in results.models}
    for model, new in entries.items():
        validate(new, SCHEMA, f"the entry of {model}")
    paths = []
    for model, new in entries.items():
        path = folder / f"{_slug(model)}_{_slug(results.hardware)}_{results.date}.json"
        with writing("--history", folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, _merged(path, new))
        paths.append(path)
    return paths


def _merged(path: Path, new: dict[str, Any]) -> dict[str, Any]:
    """Return `new` with the benchmarks that only the entry at `path` has, if it was made alike."""
    if not path.exists():
        return new
    before = _read_entry(path)
    if any(before[name] != new[name] for name in new if name != "benchmarks"):
        return new
    return new | {"benchmarks": before["benchmarks"] | new["benchmarks"]}


def newest(results: Results, model: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Return the newest entry that `results` of `model` can be held against, None if there is none.

    That is one of the same `CONDITIONS`. Raises `InputError` where a file does not fit the schema.
    """
    alike = [
        before
        for before in map(_read_entry, sorted(folder.glob("*.json")))
        if before["model"] == model
        and all(before[name] == getattr(results, name) for name in CONDITIONS)
    ]
    return max(alike, key=lambda before: str(before["date"]), default=None)


def _read_entry(path: Path) -> dict[str, Any]:
    raw = read_json(path)
    validate(raw, SCHEMA, path)
    return raw


def changes(results: Results, before: dict[str, Any]) -> list[Change]:
    """Return what moved from the entry `before`, by more than both runs' noise and `LEAST`.

    A benchmark that stands beside a peer is held by its ratio, which a busy machine does not move;
    the others by their rate.
    """
    moves = []
    for now in results.benchmarks:
        then = before["benchmarks"].get(now.name)
        if now.model != before["model"] or then is None:
            continue
        pair = _comparable(now, then)
        if pair is None:
            continue
        what, old, new = pair
        change = Change(now.name, what, old.value, new.value, old.noise + new.noise)
        if abs(change.change) > max(change.noise, LEAST):
            moves.append(change)
    return moves


def _comparable(now: Benchmark, then: dict[str, Any]) -> tuple[str, Spread, Spread] | None:
    if now.ratio is not None and now.peer is not None and then.get("peer") == now.peer:
        return f"times as fast as {now.peer}", Spread(**then["ratio"]), now.ratio
    if then["unit"] != now.unit:
        return None
    return f"{now.unit}/s", Spread(**then["rate"]), now.rate


def _slug(text: str) -> str:
    """Return `text` as part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
