"""What is expected of each claim: the paper's value, our reference seeds and the check."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from stilts_repro.claims.schema import EXPECTED_RESULTS, validate
from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json


@dataclass(frozen=True)
class PaperValue:
    """What the paper reports, in the claim's unit; None where it makes a statement only.

    With `no_gain` the statement is that the value is not above zero. `languages` holds the value's
    parts by language code, where it is their mean.
    """

    value: float | None
    source: str
    provenance: str
    languages: Mapping[str, float] = field(default_factory=dict)
    no_gain: bool = False


@dataclass(frozen=True)
class Reference:
    """Our own runs at one scale: one raw value a seed, and what made them.

    `data` is a hash of rows that are not the scale's own. `seconds` is the computing time
    of one seed, all its jobs added up; `platform` the kind of machine, on which equal seeds must
    give equal values (None: not known). `noise` holds the first seeds' values where the same
    machine computes otherwise ("bf16", "2 threads").
    """

    values: tuple[float, ...]
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    model: str
    seconds: float
    made_with: str
    platform: str | None = None
    data: str | None = None
    noise: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def value_of(self, seed: int) -> float | None:
        """Return the value of one seed, None where it was not run."""
        return self.values[self.seeds.index(seed)] if seed in self.seeds else None

    @property
    def platform_noise(self) -> float:
        """How far rounding alone moves one seed's value: the largest root mean square measured."""
        return max(
            (
                math.sqrt(fmean((a - b) ** 2 for a, b in zip(values, self.values, strict=False)))
                for values in self.noise.values()
            ),
            default=0.0,
        )


@dataclass(frozen=True)
class Check:
    """How a run is held against its expectation.

    "prediction_interval" uses `level` (0 to 1) and `floor` (the least half-width, in the claim's
    unit); "equals_paper" uses `tolerance` and, for each language where the paper's value has
    parts, `language_tolerance` (in the claim's unit).
    """

    kind: str
    reason: str
    level: float | None = None
    floor: float | None = None
    tolerance: float | None = None
    language_tolerance: float | None = None


@dataclass(frozen=True)
class Expected:
    """One file of `expected_results`."""

    claim: str
    statement: str
    unit: str
    paper: PaperValue
    reference: Mapping[str, Reference]
    check: Check


def expected_claims(folder: Path = EXPECTED_RESULTS) -> list[str]:
    """Return the ids of the claims that have a file in `folder`, sorted."""
    return sorted(path.stem for path in folder.glob("*.json"))


def load_expected(claim: str, folder: Path = EXPECTED_RESULTS) -> Expected:
    """Return what is expected of `claim`.

    Raises `MissingError` where there is no such file and `InputError` (one line) where it breaks
    the schema, names another claim, or has not one value a seed.
    """
    path = folder / f"{claim}.json"
    raw = read_json(path)
    check_raw(raw, path)
    return Expected(
        claim=raw["claim"],
        statement=raw["statement"],
        unit=raw["unit"],
        paper=PaperValue(**raw["paper"]),
        reference={scale: _reference(entry) for scale, entry in raw["reference"].items()},
        check=Check(**raw["check"]),
    )


def check_raw(raw: Any, path: Path) -> None:
    """Raise `InputError` unless `raw` may stand in the file `path`: schema, name, seeds."""
    validate(raw, "expected", path)
    if raw["claim"] != path.stem:
        raise InputError(
            f"{path}: $.claim: is {raw['claim']!r}, but the file is named {path.name};"
            f" give both the same name"
        )
    if ("languages" in raw["paper"]) != ("language_tolerance" in raw["check"]):
        raise InputError(
            f"{path}: $.paper.languages and $.check.language_tolerance: give both or neither"
        )
    for scale, entry in raw["reference"].items():
        if len(entry["values"]) != len(entry["seeds"]):
            raise InputError(
                f"{path}: $.reference.{scale}: has {len(entry['values'])} values and"
                f" {len(entry['seeds'])} seeds; give one value a seed"
            )


def _reference(entry: Mapping[str, Any]) -> Reference:
    return Reference(
        values=tuple(entry["values"]),
        seeds=tuple(entry["seeds"]),
        versions=entry["versions"],
        model=entry["model"],
        seconds=entry["seconds"],
        made_with=entry["made_with"],
        platform=entry.get("platform"),
        data=entry.get("data"),
        noise=entry.get("noise", {}),
    )
