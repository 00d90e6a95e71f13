"""What a job reads: its rows as features, made once by the cache whoever asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.cache import featurise
from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.evaluation.retrieve import Pool
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.plan import Job
from stilts_repro.experiments.rows import Row
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.models.masked import Masking
from stilts_repro.seeds import numpy_rng
from stilts_repro.tasks.format import Format, Limits
from stilts_repro.tasks.masked import MLM
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.tables import TARGET_TASKS
from stilts_repro.training.loop import TrainingTask
from stilts_repro.training.optimiser import Recipe

Held = Mapping[str, Sequence[Any]]  # examples by language


@dataclass(frozen=True)
class Material:
    """The rows of a job under its recipes, as its model's tokenizer cuts them."""

    job: Job
    tokenizer: PreTrainedTokenizerBase

    @property
    def inventory(self) -> Inventory:
        """The data sets of the job's source."""
        setting = self.job.setting
        return inventory_of(
            setting.data, setting.evaluation_rows, setting.corpus, setting.translator
        )

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of what the job trains on."""
        return {
            "intermediate": self.job.tasks,
            "target": (self.job.name,),
            "retrieval": (),
        }[self.job.kind]

    def format(self, name: str) -> Format:
        """Return the format of training set `name`."""
        return self.inventory.format(name, self.job.recipes[name].rows)

    def rows_of(self, name: str) -> str:
        """Return what the inventory calls the rows that task `name` trains on."""
        parsed = Row.parse(self.job.intermediate)
        return parsed.sets[name] if self.job.kind == "intermediate" else name

    def training(self, name: str) -> TrainingTask:
        """Return the features of training set `name`, with its recipe."""
        recipe = self.job.recipes[name]
        examples = self.inventory.training(self.rows_of(name), recipe.rows).examples
        features = featurise(self.format(name), examples, self.tokenizer, limits_of(recipe))
        if self.job.shuffled and name != MLM:
            features = with_shuffled_labels(features, numpy_rng(self.job.seed, "shuffle", name))
        masking = Masking.of(self.tokenizer) if name == MLM else None
        return TrainingTask(features, recipe, masking)

    def dev(self, name: str, rows: int | None = None) -> tuple[Sequence[Any], Features]:
        """Return the first `rows` English dev rows of training set `name`, and their features."""
        examples = self.inventory.dev(name).examples[:rows]
        limits = limits_of(self.job.recipes[name])
        return examples, featurise(self.format(name), examples, self.tokenizer, limits)

    def evaluation(self, task: str, part: str) -> tuple[Held, Features]:
        """Return a target's rows by language, and the features of all of them, one stream."""
        held = {
            code: found.examples for code, found in self.inventory.evaluation(task, part).items()
        }
        everything = [example for examples in held.values() for example in examples]
        limits = limits_of(self.job.recipes[self.job.name])
        return held, featurise(TARGET_TASKS[task].format, everything, self.tokenizer, limits)

    def pools(self, task: str, part: str) -> dict[str, Pool]:
        """Return what to mine, by language."""
        found = {}
        for code, held in self.inventory.evaluation(task, part).items():
            unpaired = self.inventory.unpaired(task, part, code)
            found[code] = Pool.of(held.examples, unpaired["source"], unpaired["target"])
        return found

    def sentences(self, texts: Sequence[str]) -> Features:
        """Return the features of sentences to embed."""
        limits = Limits(self.job.setting.retrieval_length)
        return featurise(Retrieval(mining=False), texts, self.tokenizer, limits)


def with_shuffled_labels(features: Features, rng: np.random.Generator) -> Features:
    """Return `features` with the labels of their units permuted: a task with nothing to learn.

    Raises `InputError` for tagging and span extraction, whose labels are places in their texts.
    """
    if "label" not in features.unit:
        raise InputError(
            "+shuffled: only classification and multiple choice have labels to permute"
        )
    labels = rng.permutation(features.unit["label"])
    return replace(features, unit={**features.unit, "label": labels})


def limits_of(recipe: Recipe) -> Limits:
    """Return the lengths that `recipe` sets."""
    return Limits(recipe.max_length, recipe.max_question, recipe.stride)
