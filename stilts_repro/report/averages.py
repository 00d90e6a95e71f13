"""Means over seeds: a run's scores and gains by row and column, and retrieval's by layer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from stilts_repro.experiments import conditions

PARTS = ("dev", "test")
NONE = str(conditions.NONE)
Conditions = Mapping[str, Mapping[str, Any]]  # by name: "baseline" and "control"


@dataclass(frozen=True)
class Grid:
    """The evaluations of a run under its conditions; scores and gains are in points."""

    entries: Sequence[Mapping[str, Any]]
    conditions: Conditions

    @property
    def intermediates(self) -> list[str]:
        """Rows, the baseline first, then in the order in which they were run."""
        return sorted(_in_order(e["intermediate"] for e in self.entries), key=lambda i: i != NONE)

    @property
    def trained(self) -> list[str]:
        """Rows but the baselines."""
        return [row for row in self.intermediates if row != self._baseline(row)]

    @property
    def targets(self) -> list[str]:
        """Columns, in the order in which they were run."""
        return _in_order(e["target"] for e in self.entries)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the run, sorted."""
        return sorted({e["seed"] for e in self.entries})

    def score(self, intermediate: str, target: str, part: str = "dev") -> float | None:
        """Return the mean score over seeds, or None where the cell was not run."""
        return _mean(list(self._by_seed(intermediate, target, part).values()))

    def gains(self, intermediate: str, target: str) -> list[float]:
        """Return the development gain over the row's baseline, one a seed that ran both."""
        ours = self._by_seed(intermediate, target, "dev")
        before = self._by_seed(self._baseline(intermediate), target, "dev")
        return [ours[seed] - before[seed] for seed in sorted(ours.keys() & before.keys())]

    def gain(self, intermediate: str, target: str) -> float | None:
        """Return the mean development gain over seeds, or None where a cell was not run."""
        return _mean(self.gains(intermediate, target))

    def average(self, intermediate: str) -> float | None:
        """Return the mean development score over all targets, or None where one was not run."""
        return _complete([self.score(intermediate, target) for target in self.targets])

    def average_gain(self, intermediate: str) -> float | None:
        """Return the mean development gain over all targets, or None where one was not run."""
        return _complete([self.gain(intermediate, target) for target in self.targets])

    def parts(self, target: str) -> list[str]:
        """Return which of "dev" and "test" were scored on `target`."""
        return [part for part in PARTS if self._of(target, part)]

    def languages(self, target: str, part: str) -> list[str]:
        """Return the language codes that `part` of `target` was scored in, in their order there."""
        return _in_order(code for e in self._of(target, part) for code in e["languages"])

    def language_score(
        self, intermediate: str, target: str, part: str, language: str
    ) -> float | None:
        """Return the mean over seeds of one language's score, or None where there is none."""
        return _mean(
            [
                e["languages"][language]
                for e in self._of(target, part)
                if e["intermediate"] == intermediate and language in e["languages"]
            ]
        )

    def language_gains(self, intermediate: str, target: str) -> dict[str, float]:
        """Return, by language, the mean development gain over seeds that ran both.

        English comes first, then the others, the best of the baseline before.
        """
        found: dict[str, list[float]] = {}
        base = self._baseline(intermediate)
        entries = {(e["intermediate"], e["seed"]): e["languages"] for e in self._of(target, "dev")}
        for (row, seed), languages in entries.items():
            if row == intermediate and (before := entries.get((base, seed))):
                for code, score in languages.items():
                    if code in before:
                        found.setdefault(code, []).append(score - before[code])
        order = sorted(
            found,
            key=lambda code: (code != "en", -(self.language_score(base, target, "dev", code) or 0)),
        )
        return {code: fmean(found[code]) for code in order}

    def split(self, target: str, part: str) -> str:
        """Return which rows of the data set played `part`."""
        return self._of(target, part)[0]["split"]

    def metric(self, target: str) -> str:
        """Return the metric that `target` was scored with."""
        return ", ".join(_in_order(e["metric"] for e in self.entries if e["target"] == target))

    def _baseline(self, intermediate: str) -> str:
        return str(self.conditions[intermediate]["baseline"])

    def _of(self, target: str, part: str) -> list[Mapping[str, Any]]:
        return [e for e in self.entries if e["target"] == target and e["part"] == part]

    def _by_seed(self, intermediate: str, target: str, part: str) -> dict[int, float]:
        return {
            e["seed"]: e["score"]
            for e in self._of(target, part)
            if e["intermediate"] == intermediate
        }


@dataclass(frozen=True)
class Layers:
    """One retrieval target's scores by layer, in points, averaged over seeds."""

    target: str
    method: str
    layer: int
    intermediates: list[str]
    rows: list[tuple[int, list[float | None]]]
    form: str = "{:.1f}"

    def without_controls(self, conditions: Conditions) -> "Layers":
        """Return the table without the columns of controls."""
        names = self.intermediates
        places = [place for place, name in enumerate(names) if not conditions[name]["control"]]
        return replace(
            self,
            intermediates=[names[place] for place in places],
            rows=[(layer, [scores[place] for place in places]) for layer, scores in self.rows],
        )


# What claims.json tells of vectors, by name: in words, and how a number is printed.
GEOMETRY = {
    "centred": ("score without each language's mean", "{:.1f}"),
    "cosine": ("cosine of sentences that are no pair", "{:.3f}"),
    "variance": ("variance along one direction, %", "{:.1f}"),
}


def layers(entries: Sequence[Mapping[str, Any]]) -> list[Layers]:
    """Return the layer table of each retrieval target in claims.json's "retrieval"."""
    return [
        _layers(target, [e for e in entries if e["target"] == target])
        for target in _in_order(e["target"] for e in entries)
    ]


def geometry(entries: Sequence[Mapping[str, Any]]) -> list[Layers]:
    """Return tables beside those of `layers`: what tells why sentences are found."""
    tables = []
    for name, (words, form) in GEOMETRY.items():
        told = [{**e, "layers": e["geometry"][name]} for e in entries if e["geometry"].get(name)]
        tables += [replace(table, method=words, form=form) for table in layers(told)]
    return sorted(tables, key=lambda table: table.target)


def _layers(target: str, entries: Sequence[Mapping[str, Any]]) -> Layers:
    intermediates = _in_order(e["intermediate"] for e in entries)
    depths = sorted({int(layer) for e in entries for layer in e["layers"]})

    def mean(layer: int, intermediate: str) -> float | None:
        ours = [e["layers"] for e in entries if e["intermediate"] == intermediate]
        return _mean([scores[str(layer)] for scores in ours if str(layer) in scores])

    first = entries[0]
    method = f"{first['pooling']} pooling, {first['scoring']}"
    rows = [(depth, [mean(depth, i) for i in intermediates]) for depth in depths]
    return Layers(target, method, first["layer"], intermediates, rows)


def _in_order(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _complete(values: Sequence[float | None]) -> float | None:
    """Return the mean, or None where a value is missing: it would be no row's equal."""
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None
