"""Entries of `expected_results/throughput`: one a model, a kind of hardware and a day."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stilts_repro.claims.schema import EXPECTED_RESULTS, validate
from stilts_repro.folders import writing
from stilts_repro.jsonio import read_json, write_json
from stilts_repro.report.throughput.results import Benchmark, Results, Spread

FOLDER = EXPECTED_RESULTS / "throughput"
SCHEMA = "throughput"
LEAST = 0.05  # smaller changes are not told, however quiet the machine was


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
        "benchmarks": {b.name: _told(b) for b in results.benchmarks if b.model == model},
    }


def write_entries(results: Results, folder: Path = FOLDER) -> list[Path]:
    """Write an entry for each model of `results`.

    One of the same day that was made alike keeps those benchmarks that `results` lack (of a run of
    a few, as by `-k mining`); any other of the same day is replaced.

    Raises `InputError` where an entry, old or new, does not fit the schema, and what `writing` does
    where it cannot be written.
    """
    entries = {model: entry(results, model) for model in results.models}
    for model, held in entries.items():
        validate(held, SCHEMA, f"the entry of {model}")
    written = []
    for model, held in entries.items():
        path = folder / f"{_slug(model)}_{_slug(results.hardware)}_{results.date}.json"
        with writing("--history", folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, _merged(path, held))
        written.append(path)
    return written


def _merged(path: Path, held: dict[str, Any]) -> dict[str, Any]:
    """Return `held` with the benchmarks that only the entry at `path` has, if it was made alike."""
    if not path.exists():
        return held
    before = read_json(path)
    validate(before, SCHEMA, path)
    if any(before[name] != held[name] for name in held if name != "benchmarks"):
        return held
    return held | {"benchmarks": before["benchmarks"] | held["benchmarks"]}


def newest(results: Results, model: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Return the newest entry that `results` of `model` can be held against, None if there is none.

    That is one of the same hardware, rows, precision and threads. Raises `InputError` where a file
    does not fit the schema.
    """
    held = []
    for path in sorted(folder.glob("*.json")):
        found = read_json(path)
        validate(found, SCHEMA, path)
        if found["model"] == model and all(
            found[name] == getattr(results, name)
            for name in ("hardware", "data", "precision", "threads")
        ):
            held.append(found)
    return max(held, key=lambda found: str(found["date"]), default=None)


def changes(results: Results, before: dict[str, Any]) -> list[Change]:
    """Return what moved from the entry `before`, by more than both runs' noise and `LEAST`.

    A benchmark that stands beside a peer is held by its ratio, which a busy machine does not move;
    the others by their rate.
    """
    found = []
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
            found.append(change)
    return found


def _comparable(now: Benchmark, then: dict[str, Any]) -> tuple[str, Spread, Spread] | None:
    if now.ratio is not None and now.peer is not None and then.get("peer") == now.peer:
        return f"times as fast as {now.peer}", Spread(**then["ratio"]), now.ratio
    if then["unit"] != now.unit:
        return None
    return f"{now.unit}/s", Spread(**then["rate"]), now.rate


def _told(benchmark: Benchmark) -> dict[str, Any]:
    kept = asdict(benchmark)
    del kept["name"], kept["model"]
    return {name: value for name, value in kept.items() if value is not None}


def _slug(text: str) -> str:
    """Return `text` as part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
