"""Jobs that train, under way: phase (ii), and what phase (iii) shares with it."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import PreTrainedTokenizerBase

from stilts_repro import stopping
from stilts_repro.evaluation.predict import broken_by_language, predict
from stilts_repro.experiments.conditions import MLM, World
from stilts_repro.experiments.jobs import IntermediateTraining, Job
from stilts_repro.experiments.material import ByLanguage, Material
from stilts_repro.experiments.records import Meter, tolerated
from stilts_repro.experiments.store import Store
from stilts_repro.machine import Machine
from stilts_repro.models import attention
from stilts_repro.models.backbone import compile_layers, draw_backbone
from stilts_repro.models.families import read_in
from stilts_repro.models.masked import load_masked_head
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.models.transfer import DEFAULT, save_intermediate, start_from
from stilts_repro.training.checkpointing import Checkpoints
from stilts_repro.training.loop import Progress, train
from stilts_repro.training.ranks import Ranks
from stilts_repro.training.state import TrainingLog


class Work:
    """A job under way: its model in memory, its data, what it has spent."""

    def __init__(self, job: Job, world: World, store: Store, machine: Machine) -> None:
        self.job = job
        self.world = world
        self.store = store
        self.machine = machine
        self.meter = Meter()
        if job.start:
            store.fetch(job.start, whole=True)
            store.check(job.start)
        self.before = store.result(job.start) if job.start else {}
        with self.meter.phase("load"):
            self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(world.model)
        self.material = Material(job, world, self.tokenizer)
        self.formats = {name: self.material.format(name) for name in job.recipes}
        with self.meter.phase("load"):
            self.model = self._model()
            read_in(self.model.backbone, world.way)
            if Ranks.here().leads or not machine.sharded:  # who leads evaluates the whole model
                self.model.to(machine.device)
        self.attention = attention.use(self.model.backbone, machine)

    def run(self, folder: Path, *, keep_models: bool) -> dict[str, Any]:
        """Do the work, leave in `folder` what is to be kept, and return what the result says."""
        raise NotImplementedError

    @property
    def pad_id(self) -> int:
        """The token that batches are padded with."""
        return int(self.tokenizer.pad_token_id)

    def tolerated(
        self, what: str, rows: ByLanguage, broken: Mapping[str, Sequence[int]]
    ) -> dict[str, int]:
        """Return how many rows a language have an output that is not finite, unless many do."""
        counts = {code: len(examples) for code, examples in rows.items()}
        return tolerated(f"{self.job.title}, {what}", broken, counts)

    def _model(self) -> MultiTaskModel:
        """Return the model that the job starts from, with heads for what it trains on."""
        job, model = self.job, self.world.model
        if job.start:
            start = str(self.store.folder(job.start))
            return start_from(start, self.formats, job.seed, job.setting.crosses)
        if job.condition.row.random:
            backbone = draw_backbone(model, job.seed)
            return MultiTaskModel.fresh(backbone, self.formats, job.seed)
        return start_from(model, self.formats, job.seed, DEFAULT, self.world.layers)


class Trainer(Work):
    """A job that trains."""

    def train(self) -> dict[str, Any]:
        """Train on all that the job trains on; return what the result says of it."""
        with self.meter.phase("tokenise"):
            tasks = self.material.training()
        Ranks.here().led(self._look)
        if self.machine.compiled:
            compile_layers(self.model.backbone)
        with self.meter.phase("train"), stopping.training():
            log: TrainingLog = train(
                self.model,
                tasks,
                self.pad_id,
                self.job.seed,
                self.job.purpose,
                self.machine,
                telling(self.job.title) if Ranks.here().leads else None,
                self._dev_score,
                self.job.sampler,
                Checkpoints(self.store.checkpoints(self.job.hash)),
            )
        self.meter.tokens += log.tokens
        self.meter.seconds["train"] += log.earlier
        self.meter.halvings += log.halvings
        return {
            "steps": log.steps,
            "tokens": log.tokens,
            "sampler": {"kind": str(self.job.sampler), "weights": log.weights},
            "best_step": log.best_step,
            "dev_scores": log.dev_scores,
            "token_ids": {name: task.features.fingerprint for name, task in tasks.items()},
            "first_loss": log.losses[0],
            "last_loss": log.last_loss(),
            "halvings": log.halvings,
        }

    def dev_metrics(self, name: str, rows: int | None = None) -> dict[str, float]:
        """Return how well the model does a task that it trains on, on its English dev rows."""
        with self.meter.phase("evaluate"):
            examples, features = self.material.dev(name, rows)
            logits = predict(self.model, name, features, self.pad_id, self.machine)
        english = {"en": examples}
        self.tolerated(f"{name} dev", english, broken_by_language(english, features, logits))
        return self.formats[name].dev_metrics(examples, features, logits)

    def _look(self) -> None:
        """Look at the model before it is trained, where that is to be known."""

    def _dev_score(self) -> float:
        """Return the mean of the tasks' scores on their first English dev rows (jiant's rule)."""
        return fmean(
            self.dev_metrics(name, recipe.dev_rows)[self.formats[name].metric]
            for name, recipe in self.job.recipes.items()
        )


class Intermediate(Trainer):
    """Phase (ii)."""

    job: IntermediateTraining

    def run(self, folder: Path, *, keep_models: bool) -> dict[str, Any]:
        """Train; keep backbone and heads."""
        result = self.train()
        result["dev"] = {task: self.dev_metrics(task) for task in self.job.tasks}
        result["data"] = {task: self._origin(task) for task in self.job.tasks}
        if self.job.continued:
            result["data"][MLM] = self.material.inventory.origin_of_texts()
        save_intermediate(self.model, folder, self.tokenizer)
        return result | {"records": []}

    def _model(self) -> MultiTaskModel:
        model = super()._model()
        if self.job.continued:
            model.heads[MLM] = load_masked_head(self.world.model, model.backbone)
        return model

    def _origin(self, task: str) -> dict[str, Any]:
        """Return where a task's rows come from, and who translated them."""
        origin = self.material.inventory.origin(task)
        if self.job.translation is not None:
            rows = self.job.recipes[task].rows
            origin["translation"] = self.material.inventory.translation_of(task, rows)
        return origin


def telling(title: str, *, every: float = 60.0) -> Progress:
    """Return a progress function that prints a line on stderr after each `every` seconds."""
    last = time.monotonic()

    def tell(step: int, steps: int) -> None:
        nonlocal last
        if time.monotonic() - last > every:
            last = time.monotonic()
            print(f"  {title}: step {step:,} of {steps:,}", file=sys.stderr, flush=True)

    return tell
