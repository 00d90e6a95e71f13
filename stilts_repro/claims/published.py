"""The published tables: recomputing the headline numbers, and what the tables cannot vouch for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from stilts_repro.claims.expected import load_expected
from stilts_repro.claims.schema import EXPECTED_RESULTS, validate
from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json

TABLE_2 = "table2"
XTREME_TEST = "xtreme_test"
HEADLINE_ROWS = {
    "squad_gain": "squad_v2",
    "mnli_gain": "mnli",
    "hellaswag_gain": "hellaswag",
    "multitask_gain": "multitask",
}
CHECKED = ("verified", "derived")
HALF_A_DIGIT = 0.05 + 1e-9  # numbers are printed with one decimal; the rest is binary rounding


@dataclass(frozen=True)
class Recomputed:
    """A printed number beside what its cells give, both in points; `value` is not rounded."""

    value: float
    printed: float
    agrees: bool


@dataclass(frozen=True)
class Finding:
    """A row of a published table whose printed average does not follow from its cells."""

    table: str
    row: str
    average: Recomputed
    note: str


@dataclass(frozen=True)
class Number:
    """One published number with the tag of where it is known from."""

    table: str
    row: str
    target: str
    metric: str
    value: float
    provenance: str

    @property
    def checked(self) -> bool:
        """Whether a public source vouches for the number itself."""
        return self.provenance in CHECKED


def load_table(table: str, folder: Path = EXPECTED_RESULTS) -> dict[str, Any]:
    """Return `paper/<table>.json`; raise `InputError` (one line) where it is malformed."""
    path = folder / "paper" / f"{table}.json"
    raw = read_json(path)
    validate(raw, "published", path)
    shape = {target: len(metrics) for target, metrics in raw["targets"].items()}
    for name, row in raw["rows"].items():
        _check_shape(row["cells"], shape, f"{path}: $.rows.{name}.cells")
        tags = row.get("cell_provenance", {})
        tagged = {target: shape.get(target, 0) for target in tags}
        _check_shape(tags, tagged, f"{path}: $.rows.{name}.cell_provenance")
    return raw


def mean_over_tasks(cells: Mapping[str, Sequence[float]]) -> float:
    """Return the mean of the task scores, in points; one with F1 and EM counts as their mean."""
    return fmean(fmean(numbers) for numbers in cells.values())


def headlines(folder: Path = EXPECTED_RESULTS) -> dict[str, Recomputed]:
    """Return each headline claim's number as the published cells give it.

    The printed value is the claim's paper value. Raises `InputError` where a file is malformed.
    """
    gains, test = load_table(TABLE_2, folder), load_table(XTREME_TEST, folder)
    values = {claim: _row_mean(gains, row) for claim, row in HEADLINE_ROWS.items()}
    values["xtreme_gain"] = _row_mean(test, "best") - _row_mean(test, "none")
    return {
        claim: _compare(value, load_expected(claim, folder).paper.value)
        for claim, value in values.items()
    }


def agreeing_headlines(folder: Path = EXPECTED_RESULTS) -> int:
    """Return how many headline numbers come out of the published cells, to one decimal."""
    return sum(headline.agrees for headline in headlines(folder).values())


def findings(folder: Path = EXPECTED_RESULTS) -> list[Finding]:
    """Return the rows whose printed average disagrees with the mean of their cells."""
    found = []
    for table in (TABLE_2, XTREME_TEST):
        for row in load_table(table, folder)["rows"].values():
            average = _compare(mean_over_tasks(row["cells"]), row["average"]["value"])
            if not average.agrees:
                found.append(Finding(table, row["name"], average, row.get("note", "")))
    return found


def published_details(folder: Path = EXPECTED_RESULTS) -> dict[str, Any]:
    """Return the headlines and findings as JSON, numbers in points."""
    return {
        "headlines": {
            claim: {"value": h.value, "printed": h.printed, "agrees": h.agrees}
            for claim, h in headlines(folder).items()
        },
        "findings": {
            f"{f.table}, {f.row}": {"value": f.average.value, "printed": f.average.printed}
            for f in findings(folder)
        },
    }


def numbers(table: Mapping[str, Any]) -> Iterator[Number]:
    """Yield every cell's numbers of a loaded table, with their provenance."""
    for row in table["rows"].values():
        for target, values in row["cells"].items():
            tags = row.get("cell_provenance", {}).get(target, [row["provenance"]] * len(values))
            for metric, value, tag in zip(table["targets"][target], values, tags, strict=True):
                yield Number(table["table"], row["name"], target, metric, value, tag)


def _row_mean(table: Mapping[str, Any], row: str) -> float:
    if row not in table["rows"]:
        raise InputError(f"{table['table']}: $.rows: has no row {row!r}; restore it")
    return mean_over_tasks(table["rows"][row]["cells"])


def _compare(value: float, printed: float | None) -> Recomputed:
    if printed is None:
        raise InputError("a headline claim has no paper value to compare its published cells with")
    return Recomputed(value, printed, abs(value - printed) <= HALF_A_DIGIT)


def _check_shape(cells: Mapping[str, Sequence[Any]], shape: Mapping[str, int], where: str) -> None:
    found = {target: len(entries) for target, entries in cells.items()}
    if found != dict(shape):
        raise InputError(f"{where}: has {found} numbers; correct it to {dict(shape)}")
