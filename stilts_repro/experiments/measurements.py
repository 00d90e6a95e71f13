"""Jobs that measure targets, under way: phase (iii), or a model as it is."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError
from stilts_repro.evaluation.confidence import Judged, confidence, judged, keep, temperature_of
from stilts_repro.evaluation.predict import broken_by_language, predict, score_by_language
from stilts_repro.experiments.records import (
    Outcome,
    circumstances,
    make_record,
    phase_two,
    translations,
)
from stilts_repro.experiments.retrieving import Retriever
from stilts_repro.experiments.store import MODEL, PREDICTIONS, predictions_file
from stilts_repro.experiments.trainings import Trainer, Work
from stilts_repro.jsonio import canonical, write_text
from stilts_repro.models.checkpoints import save_target
from stilts_repro.tasks.targets import TARGET_TASKS


class Evaluation(Work):
    """A job that measures targets."""

    def evaluate(self, folder: Path) -> dict[str, Any]:
        """Measure every target, dev and test; keep records, predictions, a classifier's logits."""
        records, inventory = [], self.material.inventory
        for task in self.job.tasks:
            for part, outcome in self.outcomes(task).items():
                record = make_record(self.job, self.world, inventory, task, part, outcome)
                record |= {"phase_two": phase_two(self.before), **translations(self.before)}
                records.append(
                    (record | circumstances(self.meter, self.machine, self.attention), outcome)
                )
        (folder / PREDICTIONS).mkdir()
        for record, outcome in records:
            self.store.add_record(folder, record)
            path = predictions_file(folder, record)
            write_text(path, canonical(outcome.predictions) + "\n")
            if outcome.judged:
                keep(outcome.judged, path.with_suffix(".npz"))
        return {"records": [record["hash"] for record, _ in records]}

    def outcomes(self, task: str) -> dict[str, Outcome]:
        """Measure dev and test of a target."""
        raise NotImplementedError

    def by_part(self, task: str, measure: Callable[[str], Outcome]) -> dict[str, Outcome]:
        """Measure dev and test; once, where they are the same rows."""
        division = self.material.inventory.division(task)
        dev = measure("dev")
        return {"dev": dev, "test": dev if division.dev == division.test else measure("test")}


class Target(Trainer, Evaluation):
    """Phase (iii).

    untrained     by target and language, the score before training, where that is the floor
    temperatures  by target, what English dev's logits are to be divided by, of classifiers
    """

    untrained: Mapping[str, dict[str, float | None]] = {}

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.temperatures: dict[str, float | None] = {}

    def run(self, folder: Path, *, keep_models: bool) -> dict[str, Any]:
        """Train on English, evaluate in all languages."""
        result = self.train()
        if keep_models:
            if self.world.way:
                raise InputError(
                    f"--keep-models: no class of transformers reads as +{self.world.name} does"
                )
            save_target(self.model, self.job.name, folder / MODEL, self.tokenizer)
        return result | self.evaluate(folder)

    def outcomes(self, task: str) -> dict[str, Outcome]:
        """Measure dev and test of a target."""
        return self.by_part(task, partial(self._measure, task))

    def _look(self) -> None:
        self.untrained = {task: self._untrained_scores(task) for task in self.job.tasks}

    def _measure(self, task: str, part: str) -> Outcome:
        kind = TARGET_TASKS[task].format
        with self.meter.phase("tokenise"):
            rows, features = self.material.evaluation(task, part)
        with self.meter.phase("evaluate"):
            logits = predict(self.model, self.job.name, features, self.pad_id, self.machine)
        with self.meter.phase("score"):
            in_order = self.material.in_order(task, rows)
            scored = score_by_language(kind, rows, features, logits, in_order)
            floor = {code: kind.floor(own, code) for code, own in rows.items()}
            held = judged(rows, logits) if kind.labels_rows else {}
            for code, sureness in self._sureness(task, part, held).items():
                scored[code].metrics.update(sureness)
        broken = broken_by_language(rows, features, logits)
        return Outcome(
            kind.metric,
            {code: language.metrics for code, language in scored.items()},
            {code: language.predictions for code, language in scored.items()},
            self.tolerated(f"{task} {part}", rows, broken),
            floor | (self.untrained.get(task, {}) if part == "dev" else {}),
            judged=held,
        )

    def _sureness(self, task: str, part: str, held: Judged) -> dict[str, dict[str, float]]:
        """Return how sure a classifier is, by language; dev, whose English tunes, is first."""
        if part == "dev":
            self.temperatures[task] = temperature_of(held)
        return confidence(held, self.temperatures[task])

    def _untrained_scores(self, task: str) -> dict[str, float | None]:
        """Return, by language, what the model as it is scores on dev: nothing was learned yet.

        Of a baseline alone, and where nothing simpler says what takes no learning; {} elsewhere.
        """
        if self.job.start:
            return {}
        kind = TARGET_TASKS[task].format
        code, rows = next(iter(self.material.inventory.evaluation(task, "dev").items()))
        if kind.floor(rows.examples, code) is not None:
            return {}
        untrained = self._measure(task, "dev")
        return {code: metrics[kind.metric] for code, metrics in untrained.metrics.items()}


class Retrieving(Evaluation):
    """Targets that nothing is trained for."""

    def run(self, folder: Path, *, keep_models: bool) -> dict[str, Any]:
        """Evaluate the model as it is."""
        return self.evaluate(folder)

    def outcomes(self, task: str) -> dict[str, Outcome]:
        """Measure dev and test of a target."""
        retriever = Retriever(self.model.backbone, self.material, self.meter, self.machine)
        if TARGET_TASKS[task].mining:
            return retriever.mining(task)
        return self.by_part(task, partial(retriever.nearest, task))
