"""What a job does: train, evaluate, leave a model or records behind."""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.evaluation.predict import predict
from stilts_repro.evaluation.scoring import (
    best_threshold_metrics,
    broken_by_language,
    score_by_language,
)
from stilts_repro.experiments.broken import tolerated
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.material import Held, Material
from stilts_repro.experiments.plan import Job
from stilts_repro.experiments.records import Meter, Outcome, forget_peak, make_record
from stilts_repro.experiments.retrieving import Retriever
from stilts_repro.experiments.store import MODEL, PREDICTIONS, Store
from stilts_repro.jsonio import canonical, write_json, write_text
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import compile_layers, draw_backbone
from stilts_repro.models.checkpoints import save_target
from stilts_repro.models.masked import load_masked_head
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.models.transfer import DEFAULT, save_intermediate, start_from
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.span import Span
from stilts_repro.tasks.tables import TARGET_TASKS
from stilts_repro.training.loop import Progress, TrainingLog, train


def run_job(job: Job, store: Store, machine: Machine, *, keep_models: bool = False) -> None:
    """Do `job` and leave it finished in `store`; what it starts from must be finished there.

    With `keep_models` a target's model stays in the job's folder, in transformers' own class.
    """
    forget_peak()
    work = _Work(job, store, machine)
    with store.working(job.hash) as folder:
        result: dict[str, Any] = {"job": job.describe()}
        if job.kind == "intermediate":
            result |= work.train(job.tasks, f"intermediate/{job.name}")
            result["dev"] = {t: work.dev_metrics(t) for t in job.tasks if t != MLM}
            result["data"] = {task: work.origin(task) for task in job.tasks}
            save_intermediate(work.model, folder, work.tokenizer)
        elif job.kind == "target":
            result |= work.train((job.name,), f"target/{job.name}")
            if keep_models:
                save_target(work.model, job.name, folder / MODEL, work.tokenizer)
        records = [record for task in job.tasks for record in work.evaluate(task)]
        for record in records:
            store.add_record(record)
        for name, predictions in work.predictions.items():
            (folder / PREDICTIONS).mkdir(exist_ok=True)
            write_text(folder / PREDICTIONS / name, canonical(predictions) + "\n")
        result["records"] = [record["hash"] for record in records]
        result["seconds"] = work.meter.seconds
        write_json(folder / "result.json", result)


class _Work:
    """A job under way: its model in memory, its data, what it has spent."""

    def __init__(self, job: Job, store: Store, machine: Machine) -> None:
        self.job = job
        self.machine = machine
        self.meter = Meter()
        self.before = store.result(job.start) if job.start else {}
        with self.meter.phase("load"):
            self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(job.setting.model)
        self.material = Material(job, self.tokenizer)
        self.inventory: Inventory = self.material.inventory
        self.formats = {name: self.material.format(name) for name in self.material.sets}
        own = {name: kind for name, kind in self.formats.items() if name != MLM}
        with self.meter.phase("load"):
            start = str(store.folder(job.start)) if job.start else job.setting.model
            crosses = job.setting.crosses if job.start else DEFAULT
            if job.random and not job.start:
                backbone = draw_backbone(job.setting.model, job.seed)
                self.model = MultiTaskModel.fresh(backbone, own, job.seed)
            else:
                self.model = start_from(start, own, job.seed, crosses)
            if MLM in self.formats:
                head = load_masked_head(job.setting.model, self.model.backbone)
                self.model.heads[MLM] = head
            self.model.to(machine.device)
        self.attention = attention.use(self.model.backbone, machine)
        self.predictions: dict[str, dict[str, Any]] = {}

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id)

    def train(self, names: Sequence[str], purpose: str) -> dict[str, Any]:
        """Train on the sets `names`; return what the result file says of it."""
        with self.meter.phase("tokenise"):
            tasks = {name: self.material.training(name) for name in names}
        if self.machine.compiled:
            compile_layers(self.model.backbone)
        with self.meter.phase("train"):
            log: TrainingLog = train(
                self.model,
                tasks,
                self.pad_id,
                self.job.seed,
                purpose,
                self.machine,
                telling(self.job.title),
                partial(self._dev_score, [name for name in names if name != MLM]),
                self.job.sampler,
            )
        self.meter.tokens += log.tokens
        return {
            "steps": log.steps,
            "tokens": log.tokens,
            "sampler": {"kind": str(self.job.sampler), "weights": log.weights},
            "best_step": log.best_step,
            "dev_scores": log.dev_scores,
            "first_loss": log.losses[0],
            "last_loss": log.last_loss(),
        }

    def _dev_score(self, names: Sequence[str]) -> float:
        """Return the mean of the tasks' scores on their first English dev rows (jiant's rule)."""
        return fmean(
            self.dev_metrics(name, self.job.recipes[name].dev_rows)[self.formats[name].metric]
            for name in names
        )

    def dev_metrics(self, name: str, rows: int | None = None) -> dict[str, float]:
        """Return how well the model does a task that it trains on, on its English dev rows."""
        kind = self.formats[name]
        with self.meter.phase("evaluate"):
            examples, features = self.material.dev(name, rows)
            logits = predict(self.model, name, features, self.pad_id, self.machine)
        self._tolerated(f"{name} dev", {"en": examples}, features, logits)
        if isinstance(kind, Span) and kind.unanswerable:
            return best_threshold_metrics(examples, features, logits)
        return score_by_language(kind, name, {"en": examples}, features, logits)["en"].metrics

    def evaluate(self, task: str) -> list[dict[str, Any]]:
        """Return the records of `task`, dev and test; none for a phase-(ii) job."""
        if self.job.kind == "intermediate":
            return []
        if self.job.kind == "target":
            outcomes = self._by_part(task, partial(self._measure, task))
        else:
            held = Retriever(self.model.backbone, self.material, self.meter, self.machine)
            if TARGET_TASKS[task].mining:
                outcomes = held.mining(task)
            else:
                outcomes = self._by_part(task, partial(held.nearest, task))
        for part, outcome in outcomes.items():
            self.predictions[f"{task}.{part}.json"] = dict(outcome.predictions)
        return [
            make_record(
                self.job,
                self.inventory,
                task,
                part,
                outcome,
                self.meter,
                self.machine,
                self.attention,
                self.before,
            )
            for part, outcome in outcomes.items()
        ]

    def _by_part(self, task: str, measure: Callable[[str], Outcome]) -> dict[str, Outcome]:
        """Measure dev and test; once, where they are the same rows."""
        division = self.inventory.division(task)
        dev = measure("dev")
        return {"dev": dev, "test": dev if division.dev == division.test else measure("test")}

    def origin(self, name: str) -> dict[str, Any]:
        """Return where the rows come from that a phase-(ii) job trains on, and who translated."""
        found = self.inventory.origin(name)
        if self.material.rows_of(name) != name:
            rows = self.job.recipes[name].rows
            found["translation"] = self.inventory.translation_of(name, rows)
        return found

    def _measure(self, task: str, part: str) -> Outcome:
        kind = TARGET_TASKS[task].format
        with self.meter.phase("tokenise"):
            held, features = self.material.evaluation(task, part)
        with self.meter.phase("evaluate"):
            logits = predict(self.model, self.job.name, features, self.pad_id, self.machine)
        with self.meter.phase("score"):
            scored = score_by_language(kind, task, held, features, logits)
        return Outcome(
            kind.metric,
            {code: found.metrics for code, found in scored.items()},
            {code: found.predictions for code, found in scored.items()},
            self._tolerated(f"{task} {part}", held, features, logits),
        )

    def _tolerated(
        self, what: str, held: Held, features: Features, logits: np.ndarray
    ) -> dict[str, int]:
        """Return how many rows a language have an output that is not finite, unless many do."""
        return tolerated(
            f"{self.job.title}, {what}",
            broken_by_language(held, features, logits),
            {code: len(examples) for code, examples in held.items()},
        )


def telling(title: str, *, every: float = 60.0) -> Progress:
    """Return a progress function that prints a line on stderr after each `every` seconds."""
    last = time.monotonic()

    def tell(step: int, steps: int) -> None:
        nonlocal last
        if time.monotonic() - last > every:
            last = time.monotonic()
            print(f"  {title}: step {step:,} of {steps:,}", file=sys.stderr, flush=True)

    return tell
