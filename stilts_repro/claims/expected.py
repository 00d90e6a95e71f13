"""What is expected of each claim: the paper's value, our reference seeds and the check."""

import math
from collections.abc import Mapping
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
class Design:
    """What a study laid down before anything was run.

    question  what it asks
    smallest  the smallest effect that would matter, in the statistic's unit; the sign is the one
              that answers yes
    languages the sets that its statistic contrasts, by name
    """

    question: str
    smallest: float
    languages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """Our own runs in one arithmetic: one raw value a seed, and what made them.

    `platform` is the kind of machine, or each seed's where they were made on several; `seconds` the
    computing time of one seed, all its jobs added up (None: not known).
    """

    values: tuple[float, ...]
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    made_with: str
    platform: str | tuple[str, ...] | None = None
    seconds: float | None = None

    @property
    def machines(self) -> dict[int, str | None]:
        """The kind of machine that made each seed's value."""
        if isinstance(self.platform, tuple):
            return dict(zip(self.seeds, self.platform, strict=True))
        return dict.fromkeys(self.seeds, self.platform)

    @property
    def by_seed(self) -> dict[int, float]:
        """The values by seed."""
        return dict(zip(self.seeds, self.values, strict=True))


@dataclass(frozen=True)
class Reference:
    """Our own runs at one scale, on one model, by arithmetic ("fp32", "bf16"); the first counts.

    `data` is a hash of rows that are not the scale's own.
    """

    model: str
    runs: Mapping[str, Made]
    data: str | None = None

    @property
    def main(self) -> Made:
        """The runs that count where nothing else is asked for."""
        return next(iter(self.runs.values()))

    @property
    def seconds(self) -> float | None:
        """The computing time of one seed, where any of the runs has it."""
        return next((made.seconds for made in self.runs.values() if made.seconds is not None), None)

    @property
    def noise(self) -> float:
        """How far rounding alone moves one seed's value: the largest root mean square measured."""
        known = self.main.by_seed
        return max(
            (
                math.sqrt(fmean((value - known[seed]) ** 2 for seed, value in common))
                for made in self.runs.values()
                if (common := [pair for pair in made.by_seed.items() if pair[0] in known])
            ),
            default=0.0,
        )


@dataclass(frozen=True)
class Check:
    """How a run is held against its expectation.

    "prediction_interval" uses `level` (0 to 1) and `floor` (the least half-width, in the claim's
    unit), and `same_seed`: by scale, how far a seed may be, in fp32, from the reference's value of
    that seed on another kind of machine or with other versions. "equals_paper" uses `tolerance`
    and, for each language where the paper's value has parts, `language_tolerance` (in the claim's
    unit).
    """

    kind: str
    reason: str
    level: float | None = None
    floor: float | None = None
    tolerance: float | None = None
    language_tolerance: float | None = None
    same_seed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """One file of `expected_results`; a claim has the paper's value, a study its design."""

    claim: str
    statement: str
    unit: str
    reference: Mapping[str, Reference]
    check: Check
    paper: PaperValue = PaperValue(None, "", "")
    design: Design | None = None


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
        reference={scale: _reference(entry) for scale, entry in raw["reference"].items()},
        check=Check(**raw["check"]),
        **({"paper": PaperValue(**raw["paper"])} if "paper" in raw else {}),
        design=Design(**raw["design"]) if "design" in raw else None,
    )


def check_raw(raw: Any, path: Path) -> None:
    """Raise `InputError` unless `raw` may stand in the file `path`: schema, name, seeds."""
    validate(raw, "expected", path)
    if raw["claim"] != path.stem:
        raise InputError(
            f"{path}: $.claim: is {raw['claim']!r}, but the file is named {path.name};"
            f" give both the same name"
        )
    if ("languages" in raw.get("paper", {})) != ("language_tolerance" in raw["check"]):
        raise InputError(
            f"{path}: $.paper.languages and $.check.language_tolerance: give both or neither"
        )
    for scale, entry in raw["reference"].items():
        for arithmetic, made in entry["runs"].items():
            seeds = len(made["seeds"])
            for key in ("values", "platform"):
                if isinstance(made.get(key), list) and len(made[key]) != seeds:
                    raise InputError(
                        f"{path}: $.reference.{scale}.runs.{arithmetic}.{key}: has "
                        f"{len(made[key])} items for {seeds} seeds; give one a seed"
                    )


def made_of(raw: Mapping[str, Any]) -> Made:
    """Return the runs that `raw` of a file describes; its lists become tuples."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Made(**values)


def _reference(entry: Mapping[str, Any]) -> Reference:
    runs = {arithmetic: made_of(raw) for arithmetic, raw in entry["runs"].items()}
    return Reference(entry["model"], runs, entry.get("data"))
