"""A finished run: its records seen as scores and verdicts."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Any

from stilts_repro.claims.check import Run, check
from stilts_repro.claims.expected import Design, Expected
from stilts_repro.claims.finding import finding
from stilts_repro.claims.gate import dark
from stilts_repro.errors import InputError
from stilts_repro.experiments import environment
from stilts_repro.experiments.conditions import MAIN, NONE
from stilts_repro.experiments.sources import TESTBED_TRANSLATOR
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import content_hash
from stilts_repro.models.pretrained import fingerprint, pinned_model
from stilts_repro.models.transfer import DEFAULT
from stilts_repro.run.baselines import Gate, gates_by_world, worst_of
from stilts_repro.run.grid import Claim, Record, Scores
from stilts_repro.run.origins import models_behind, platform_of
from stilts_repro.run.request import Planned, Request
from stilts_repro.run.tables import intermediate
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.training.sampler import PROPORTIONAL

SHARE = "largest_share"  # of the predictions, that are all the same


@dataclass(frozen=True)
class _Told:
    """What a claim's functions say of each seed's scores; nothing where it was not measured."""

    values: Sequence[float] = ()
    details: Sequence[Mapping[str, Any]] = ()
    languages: Sequence[Mapping[str, float]] = ()


class Results:
    """The records of finished jobs, seen as scores and claims.

    They are those of `jobs`, by hash, or all of the plan's but for `failures`, which says by hash
    why a job failed.
    """

    def __init__(
        self,
        request: Request,
        planned: Planned,
        store: Store,
        jobs: Container[str] | None = None,
        failures: Mapping[str, str] | None = None,
    ) -> None:
        self.request = request
        self.planned = planned
        self.plan = planned.plan
        self.failures = failures or {}
        there = [job for job in self.plan.jobs if job not in self.failures]
        held = [job for job in there if jobs is None or job in jobs]
        self.results = {job: store.result(job) for job in held}
        self.records = [
            store.record(record) for result in self.results.values() for record in result["records"]
        ]

    def scores(self, seed: int) -> Scores:
        """Return all scores of one seed."""
        records = [record for record in self.records if record["seed"] == seed]
        trained = [entry for entry in intermediate(self.results.values()) if entry["seed"] == seed]
        return Scores(
            values={_cell(record): record["score"] for record in records},
            languages={
                _cell(record): {code: v["score"] for code, v in record["languages"].items()}
                for record in records
            },
            tasks=self.planned.survey.sets,
            counts={
                _cell(record): {code: v["n"] for code, v in record["languages"].items()}
                for record in records
            },
            translations={r["intermediate"]: r.get("translation", {}) for r in records},
            own={
                entry["intermediate"]: {
                    task: metrics[TRAINING_SETS[task].format.metric]
                    for task, metrics in entry["dev"].items()
                }
                for entry in trained
            },
            losses={entry["intermediate"]: entry["last_loss"] for entry in trained},
            metrics={
                _cell(record): {
                    code: v["metrics"] | {SHARE: 100 * v[SHARE]}
                    for code, v in record["languages"].items()
                }
                for record in records
            },
            layers=self.planned.layers,
            dark=frozenset(place for place, g in self._by_world.items() if not g["measurable"]),
        )

    @cached_property
    def gates(self) -> dict[str, dict[str, Any]]:
        """By target, whether its baseline says that it is measurable.

        That is the main world's; where nothing is asked of it, that of each world that its claims
        cannot do without. A control's world is there to show nothing.
        """
        controls = {world.name for world in self.request.scale.worlds if world.control}
        running = self.request.running
        asked = {c.world for claim in running for c in claim.essential or (NONE,)} - controls
        found: dict[str, dict[str, Gate]] = {}
        for (world, target), seen in self._by_world.items():
            if world in asked:
                found.setdefault(target, {})[world] = seen
        return {t: held[MAIN] if MAIN in held else worst_of(held) for t, held in found.items()}

    @cached_property
    def _by_world(self) -> dict[tuple[str, str], Gate]:
        return gates_by_world(self.records, self.plan.grounds)

    def claim(self, claim: Claim, expected: Expected) -> dict[str, Any]:
        """Return the claim's entry in claims.json."""
        targets = claim.of(self.planned.survey.targets)
        jobs = self._jobs(claim)
        records = [record for record in self.records if record["job"] in jobs]
        unseen = dark(self.gates, targets)
        blind = "; ".join(
            f"{t}: {self.gates[t]['reason']}" for t in unseen if len(unseen) == len(targets)
        )
        # The paper's means are over all of its targets; a study's own, over what can be seen.
        counted = targets
        if expected.design and not blind:
            counted = tuple(t for t in targets if t not in unseen)
        model = models_behind(claim, records)
        obstacle = self._not_run(claim) or self._failure(jobs)
        if expected.design and blind:  # no more of it than its baseline need be there
            obstacle = obstacle or blind
        told = _Told()
        if obstacle is None:
            try:
                told = self._told(claim, counted)
                obstacle = self._not_comparable(claim, expected, records, model)
            except InputError as error:  # there is too little of what it compares
                obstacle = str(error)
        values = told.values
        run = Run(
            values=values,
            seeds=self.request.seeds if len(values) == len(self.request.seeds) else (),
            arithmetic=self.request.machine.arithmetic,
            platform=platform_of(records),
            versions=environment.versions(),
            languages=told.languages,
        )
        result = check(expected, run, self.request.scale.name, obstacle=obstacle)
        if blind and (values or expected.design):
            result = result.unseen(unseen)
        return {
            "id": claim.id,
            "statement": expected.statement,
            "unit": expected.unit,
            "paper": expected.paper.value,
            "observed": {
                "value": fmean(values) if values else None,
                "values": list(values),
                "seeds": list(run.seeds),
            },
            "details": list(told.details),
            "targets": list(counted),
            "not_measurable": unseen if values else [],
            "left_out": {} if claim.is_arithmetic else self._left_out(claim),
            "without": self._without(claim),
            "model": model,
            "data": self._data(claim),
            "records": [record["hash"] for record in records],
            "seconds": round(sum(self._seconds(job) for job in jobs if job in self.results), 1),
            **result.as_json(),
            **_finding(expected.design, values, blind, _few(claim, records)),
        }

    def _told(self, claim: Claim, targets: tuple[str, ...]) -> "_Told":
        """Return what each seed's scores come to; `InputError` where they are too few for it."""
        # Arithmetic on published numbers has no seed.
        seeds = self.request.seeds if claim.runs(self.request.scale) else ()
        scores = [self.scores(seed) for seed in seeds] or [Scores({})]
        return _Told(
            values=[claim.value(held, targets) for held in scores],
            details=[claim.details(held, targets) for held in scores if claim.details],
            languages=[claim.by_language(held) for held in scores if claim.by_language],
        )

    def _not_run(self, claim: Claim) -> str | None:
        """Return why the claim was not measured, or None."""
        if claim.is_arithmetic:
            return None
        if not claim.runs(self.request.scale):
            return f"it needs --scale {' or '.join(claim.run_at())}"
        if claim.lacks(self.planned.sets):
            no_world = self.planned.no_world
            lost = (no_world[c.world] for c in claim.essential if c.world in no_world)
            return next(lost, f"without {', '.join(self._without(claim))}")
        if not claim.of(self.planned.survey.targets):
            return f"without {', '.join(self._left_out(claim))}"
        return None

    def _failure(self, jobs: Iterable[str]) -> str | None:
        """Return why one of `jobs` failed, if any did, and how many more there are."""
        failed = [job for job in self.plan.jobs if job in jobs and job in self.failures]
        if not failed:
            return None
        more = f" (and {len(failed) - 1} more)" if failed[1:] else ""
        return f"{self.plan.jobs[failed[0]].title}: {self.failures[failed[0]]}{more}"

    def _not_comparable(
        self,
        claim: Claim,
        expected: Expected,
        records: Sequence[Mapping[str, Any]],
        model: str,
    ) -> str | None:
        """Return why the values cannot be held against what is expected, or None."""
        if claim.is_arithmetic:
            return None
        if self._left_out(claim) or claim.misses(self._without(claim)):
            return "some of its tasks were left out"
        scale = self.request.scale
        reference = expected.reference.get(scale.name)
        usual = reference.model if reference else fingerprint(pinned_model(scale.model))
        if reference and reference.data:
            other = reference.data != self._data(claim)
        else:
            other = not self._own_data
        if (
            other
            or model != usual
            or (self.request.crosses, self.request.sampler) != (DEFAULT, PROPORTIONAL)
        ):
            return "this run's data, model, --crosses or --sampler is not the reference's"
        rows = [condition.row for condition in claim.conditions]
        if any(row.translated for row in rows) and self.request.translator not in (
            None,
            TESTBED_TRANSLATOR,
        ):
            return "this run's --translator is not the reference's"
        if any(row.mlm for row in rows) and self.request.corpus is not None:
            return "this run's --corpus is not the reference's text"
        return claim.obstacle(records) if claim.obstacle else None

    @property
    def _own_data(self) -> bool:
        """Whether the rows are the scale's own; those that a folder adds to the hub's are, too."""
        return self.request.data.partition("+")[0] == self.request.scale.data

    def _data(self, claim: Claim) -> str:
        """Return a hash of all rows that the value of `claim` is of."""
        jobs = self._jobs(replace(claim, conditions=claim.essential))
        return content_hash(sorted({pair for j in jobs for pair in self.plan.jobs[j].data.items()}))

    def _left_out(self, claim: Claim) -> dict[str, str]:
        """Return the claim's targets that were left out, with the reason of each."""
        left_out = self.planned.survey.left_out
        return {target: left_out[target] for target in claim.of(tuple(left_out))}

    def _without(self, claim: Claim) -> dict[str, str]:
        """Return what is not there for the claim's rows to train on, with the reason of each."""
        needs = {need for condition in claim.conditions for need in condition.row.needs}
        grounds = self.plan.grounds.values()
        without = {name: why for ground in grounds for name, why in ground.survey.without.items()}
        return {name: why for name, why in without.items() if name in needs}

    def _jobs(self, claim: Claim) -> set[str]:
        """Return the hashes of all jobs that the claim rests on."""
        if not claim.runs(self.request.scale):
            return set()
        return self.planned.jobs(claim, self.request.seeds)

    def _seconds(self, job: str) -> float:
        return float(sum(self.results[job]["seconds"].values()))


def _finding(
    design: Design | None, values: Sequence[float], blind: str, few: str
) -> dict[str, Any]:
    if design is None or not (values or blind):
        return {}
    found = finding(design, values, blind or None)
    return {"finding": found | {"reason": found["reason"] + few}}


def _few(claim: Claim, records: Iterable[Record]) -> str:
    """Say where languages have fewer rows than the claim looks at, as in "; only 501 ..."."""
    fewest = min((v["n"] for r in records for v in r["languages"].values()), default=0)
    if fewest >= claim.evaluation_rows:
        return ""
    return f"; only {fewest:,} rows in some language, where {claim.evaluation_rows:,} are wanted"


def _cell(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return record["intermediate"], record["task"], record["part"]
