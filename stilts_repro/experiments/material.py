"""What a job reads: its rows as features, made once by the cache whoever asks for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.cache import featurise
from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MLM, Row, World
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.jobs import IntermediateTraining, Job
from stilts_repro.experiments.sources import inventory_in
from stilts_repro.models.masked import Masking
from stilts_repro.seeds import numpy_rng
from stilts_repro.tasks.format import Format, Limits
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.retrieval import Pool, Retrieval
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.training.loop import TrainingTask

ByLanguage = Mapping[str, Sequence[Any]]  # examples


@dataclass(frozen=True)
class Material:
    """The rows of a job under its recipes, as its model's tokenizer cuts them."""

    job: Job
    world: World
    tokenizer: PreTrainedTokenizerBase

    @cached_property
    def inventory(self) -> Inventory:
        """The data sets of the job's world."""
        return inventory_in(self.world, self.job.setting.evaluation_rows)

    def format(self, name: str) -> Format:
        """Return the format of training set `name`."""
        return self.inventory.format(name, self.job.recipes[name].rows)

    def training(self) -> dict[str, TrainingTask]:
        """Return the features of all that the job trains on, with its recipes."""
        tasks = {name: self.task(name) for name in self.job.recipes}
        if isinstance(self.job, IntermediateTraining) and (recipe := self.job.continued):
            texts = self.inventory.continued(recipe.rows).examples
            features = self._plain(texts, limits_of(recipe))
            tasks[MLM] = TrainingTask(features, recipe, Masking.of(self.tokenizer))
        return tasks

    def task(self, name: str) -> TrainingTask:
        """Return the features of training set `name`; the job's row may change phase (ii)'s."""
        recipe, row = self.job.recipes[name], Row()
        if isinstance(self.job, IntermediateTraining) and not self.job.condition.row.then:
            row = self.job.condition.row
        examples = self.inventory.rows(name, recipe.rows, row.translated).examples
        if row.divided > 1:
            if len(examples) < row.divided:
                raise InputError(
                    f"{self.job.title}: {len(examples)} rows of {name} cannot be divided by "
                    f"{row.divided}; give more"
                )
            order = numpy_rng(self.job.seed, "subset", name).permutation(len(examples))
            examples = tuple(examples[place] for place in order[: len(examples) // row.divided])
        features = featurise(self.format(name), examples, self.tokenizer, limits_of(recipe))
        if row.shuffled:
            features = with_shuffled_labels(features, numpy_rng(self.job.seed, "shuffle", name))
        return TrainingTask(features, recipe)

    def dev(self, name: str, rows: int | None = None) -> tuple[Sequence[Any], Features]:
        """Return the first `rows` English dev rows of training set `name`, and their features."""
        examples = self.inventory.dev(name).examples[:rows]
        limits = limits_of(self.job.recipes[name])
        return examples, featurise(self.format(name), examples, self.tokenizer, limits)

    def evaluation(self, task: str, part: str) -> tuple[ByLanguage, Features]:
        """Return a target's rows by language, and the features of all of them, one stream.

        What answers are looked for among, where that is rows of its own, comes after them.
        """
        rows = {
            code: examples.examples
            for code, examples in self.inventory.evaluation(task, part).items()
        }
        everything = self.in_order(task, rows)
        limits = limits_of(self.job.recipes[self.job.name])
        return rows, featurise(TARGET_TASKS[task].format, everything, self.tokenizer, limits)

    def in_order(self, task: str, rows: ByLanguage) -> list[Any]:
        """Return the examples of `evaluation`, in the order of its features."""
        candidates = self.inventory.candidates(task)
        own = [example for examples in rows.values() for example in examples]
        return own + list(candidates.examples if candidates else ())

    def pools(self, task: str, part: str) -> dict[str, Pool]:
        """Return what to mine, by language."""
        pools = {}
        for code, pairs in self.inventory.evaluation(task, part).items():
            unpaired = self.inventory.unpaired(task, part, code)
            pools[code] = Pool.of(pairs.examples, unpaired["source"], unpaired["target"])
        return pools

    def sentences(self, texts: Sequence[str]) -> Features:
        """Return the features of sentences to embed."""
        return self._plain(texts, Limits(self.job.setting.retrieval_length))

    def _plain(self, texts: Sequence[str], limits: Limits) -> Features:
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
