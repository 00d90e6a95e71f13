"""Two runs beside each other: what moved, by how much, and in which phase it began.

Runs are paired seed by seed, claim by claim, cell by cell and job by job, whatever code, libraries
or machine either of them had: that is what is asked about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import content_hash, read_json

# What a job comes to, in the order in which it does; the first that moved is where it begins.
STAGES = ("token ids", "first loss", "last loss", "predictions", "score")
SET_UP = ("scale", "data", "model", "platform")
JobKey = tuple[str, str, str, int]  # kind, condition, tasks, seed


@dataclass(frozen=True)
class Moved:
    """One number of both runs, in points; `what` names it, in the order of its columns."""

    what: tuple[str, ...]
    before: float
    after: float

    @property
    def difference(self) -> float:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True)
class Finished:
    """A run's folder: the content of its claims.json, and the results of the jobs behind it."""

    folder: Path
    claims: Mapping[str, Any]
    jobs: Mapping[JobKey, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "Finished":
        """Read a run's folder; `InputError` or `MissingError` where it is not whole."""
        file, store = folder / "claims.json", Store(folder)
        if not file.is_file():
            raise MissingError(f"{file}: no such file; give the output folder of a finished run")
        claims = read_json(file)
        try:
            names = {record for claim in claims["claims"] for record in claim["records"]}
            hashes = {store.record(name)["job"] for name in names}
            results: dict[str, Any] = {}
            while hashes := hashes - results.keys() - {None}:  # and what they start from
                results |= {name: store.result(name) for name in sorted(hashes)}
                hashes = {result["job"].get("start") for result in results.values()}
            run = cls(folder, claims, {_key(r["job"]): r for r in results.values()})
            _ = [*_values(run), *_cells(run)]  # are there
            return run
        except (LookupError, TypeError, AttributeError):
            raise InputError(
                f"{folder}: not the output of this version of python -m reproduce; run it anew"
            ) from None

    def behind(self, key: JobKey) -> list[JobKey]:
        """Return the job that a job starts from, what that starts from, and so on."""
        keys = {result["job"]["hash"]: key for key, result in self.jobs.items()}
        found = []
        while start := self.jobs[key]["job"].get("start"):
            key = keys[start]
            found.append(key)
        return found

    def came_to(self, key: JobKey, stage: str) -> Any:
        """Return what the job came to at one of `STAGES`; None where that was not kept."""
        result, store = self.jobs[key], Store(self.folder)
        if stage in ("token ids", "first loss", "last loss"):
            return result.get(stage.replace(" ", "_"))
        records = [store.record(name) for name in result["records"]]
        if stage == "score":
            return {(r["task"], r["part"]): r["score"] for r in records}
        return {
            (r["task"], r["part"], code): content_hash(predicted)
            for r in records
            for code, predicted in store.predictions(r).items()
        }


def set_up(before: Finished, after: Finished) -> list[tuple[str, str, str]]:
    """Return what the runs were made with that differs: a name and either's value."""
    told = []
    for run in (before, after):
        made = {name: run.claims.get(name) for name in SET_UP} | run.claims.get("settings", {})
        job = next(iter(run.jobs.values()), None)  # all of one run compute alike
        told.append(made | (job["job"]["setting"]["environment"] if job else {}))
    return [
        (name, str(told[0].get(name, "none")), str(told[1].get(name, "none")))
        for name in dict.fromkeys([*told[0], *told[1]])
        if told[0].get(name) != told[1].get(name)
    ]


def moved_claims(before: Finished, after: Finished) -> list[Moved]:
    """Return every claim's value a seed that both runs have, the furthest moved first."""
    return _paired(dict(_values(before)), dict(_values(after)))


def moved_cells(before: Finished, after: Finished) -> list[Moved]:
    """Return every cell's score, and each of its languages', the furthest moved first."""
    return _paired(dict(_cells(before)), dict(_cells(after)))


def beginnings(before: Finished, after: Finished) -> list[tuple[JobKey, str, Any, Any]]:
    """Return each job that came to something else, its first stage that moved, and both values.

    Phase (ii) is first; a job is left out if what it starts from moved, since that is where it
    began. A stage that only one of the runs has kept is passed over.
    """
    found: list[tuple[JobKey, str, Any, Any]] = []
    moved: set[JobKey] = set()
    behind = {key: before.behind(key) for key in before.jobs if key in after.jobs}
    for key in sorted(behind, key=lambda key: (key[0] != "intermediate", len(behind[key]))):
        if not moved.isdisjoint(behind[key]):
            continue
        for stage in STAGES:
            ours, theirs = before.came_to(key, stage), after.came_to(key, stage)
            if None not in (ours, theirs) and ours != theirs:
                found.append((key, stage, *_apart(ours, theirs)))
                moved.add(key)
                break
    return found


def _apart(before: Any, after: Any) -> tuple[Any, Any]:
    """Return of two maps what is not the same in both; all else as it is."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return before, after
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _values(run: Finished) -> Iterator[tuple[tuple[str, ...], float]]:
    for claim in run.claims["claims"]:
        values = claim["observed"]["values"]
        for seed, value in zip(claim["observed"].get("seeds", count()), values, strict=False):
            yield (claim["id"], f"seed {seed}"), value


def _cells(run: Finished) -> Iterator[tuple[tuple[str, ...], float]]:
    for entry in run.claims["grid"]:
        cell = (entry["intermediate"], entry["target"], entry["part"], f"seed {entry['seed']}")
        yield (*cell, "mean"), entry["score"]
        for code, score in entry["languages"].items():
            yield (*cell, code), score


def _paired(
    before: Mapping[tuple[str, ...], float], after: Mapping[tuple[str, ...], float]
) -> list[Moved]:
    both = [Moved(what, value, after[what]) for what, value in before.items() if what in after]
    return sorted(both, key=lambda moved: -abs(moved.difference))


def _key(job: Mapping[str, Any]) -> JobKey:
    return job["kind"], job["intermediate"], "+".join(job["tasks"]), job["seed"]
