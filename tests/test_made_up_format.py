"""A format is one module and a task one entry: made up here, they run through everything.

Two sentences are rated by how alike they are: a number, unlike what any format of the package has,
with a loss, a metric and predictions of its own.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import correlation, fmean
from typing import ClassVar

import numpy as np
import pytest
import torch
from rich.console import Console
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from stilts_repro.cli.listing import print_tasks
from stilts_repro.data.features import collate
from stilts_repro.data.source import CachedSource
from stilts_repro.experiments import material, work
from stilts_repro.experiments.conditions import NONE, Cell, Row, World, after
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.jobs import IntermediateTraining, TargetTraining
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.store import MODEL, Store
from stilts_repro.experiments.survey import survey
from stilts_repro.machine import Machine
from stilts_repro.report.xtreme import choose_entries, export_xtreme
from stilts_repro.tasks.format import Format, Limits, Scored, broken_units
from stilts_repro.tasks.heads import PooledHead
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.taking import take
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Rows, TargetTask, TrainingSet
from stilts_repro.tasks.tokens import pair_features
from stilts_repro.tasks.training_sets import TRAINING_SETS
from tests.planning import ground_of, plan_of_cells
from tests.rows import Given
from tests.xtreme_files import read_lines

# The format ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rated:
    first: str
    second: str
    rating: float


class RatingHead(PooledHead):
    def loss(self, logits, batch, over=None):
        errors = (logits.squeeze(1) - batch.unit["label"].float()) ** 2
        return errors.mean() if over is None else errors.sum() / max(1, over)


@dataclass(frozen=True)
class Similarity(Format):
    name = "similarity"
    head = RatingHead
    classes = "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING"
    metric: ClassVar = "pearson"
    columns: ClassVar = ("one", "other", "rating")
    logit_names: ClassVar = ("rating",)
    suffix = "txt"
    highest: float | None = None

    def parse(self, row, where):
        first, second = (take(row, column, str, where) for column in ("one", "other"))
        return Rated(first, second, take(row, "rating", float, where))

    def featurise(self, examples, tokenizer, limits):
        pairs = [(e.first, e.second) for e in examples]
        return pair_features(pairs, [e.rating for e in examples], tokenizer, limits)

    def fitted(self, examples: Callable[[], Sequence[Rated]]):
        return replace(self, highest=max(e.rating for e in examples()))

    def predict(self, examples, features, logits):
        ratings = logits[:, 0].copy()
        ratings[broken_units(logits)] = 0
        return ratings.tolist()

    def gold(self, examples):
        return [e.rating for e in examples]

    def score(self, examples, predictions, language):
        metrics = {"pearson": 100 * correlation(self.gold(examples), predictions)}
        return Scored(metrics, list(predictions))

    def dev_metrics(self, examples, features, logits):
        return super().dev_metrics(examples, features, logits) | {"highest": self.highest}

    def floor(self, examples, language):
        return 0.0  # always the same rating goes with nothing

    def prediction_file(self, examples, predictions):
        return super().prediction_file(examples, [f"{value:.6f}" for value in predictions])


# A training set, a target, and their rows ---------------------------------------------------------

WORDS = ("he", "she", "sees", "the", "town", "man")
RECIPE = Recipe(learning_rate=1e-3, batch_size=8, epochs=3, rows=48, max_length=32)
RATED = TrainingSet(
    "rated",
    "Rated pairs",
    Similarity(),
    (Rows("made/up", "rated.en"),),
    intermediate={"testbed": RECIPE},
    target={"testbed": RECIPE},
)
RATED_TARGET = TargetTask(
    "x_rated",
    "X-Rated pairs",
    Similarity(),
    "rated.{code}",
    ("de", "en"),
    "rated",
    repo="made/up",
)


def rows(first, count):
    """Pairs of three words, rated the higher the more of them are the same."""
    sentences = list(product(WORDS, repeat=3))
    pairs = [
        (sentences[n % len(sentences)], sentences[7 * n % len(sentences)])
        for n in range(first, first + count)
    ]
    return [
        {
            "one": " ".join(one),
            "other": " ".join(other),
            "rating": 4.0 + sum(a == b for a, b in zip(one, other, strict=True)),
        }
        for one, other in pairs
    ]


SOURCE = Given(
    {
        (f"rated.{code}", split): rows(first + place, 12 if split != "train" else 60)
        for place, code in enumerate(("en", "de"))
        for split, first in (("train", 1), ("validation", 70), ("test", 90))
    }
)


@pytest.fixture(scope="module")
def registered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TRAINING_SETS, "rated", RATED)
        patch.setitem(TARGET_TASKS, "x_rated", RATED_TARGET)
        yield


@pytest.fixture(scope="module")
def run(registered, tiny_model, tmp_path_factory):
    """The baseline, and training on the task first: store, jobs, records, inventory."""
    recipes = {"rated": RECIPE}
    scale = replace(SCALES["smoke"], intermediate=recipes, target=recipes)
    inventory = Inventory(CachedSource(SOURCE), None)
    rows = {Row(), Row(("rated",))}
    findings = survey(inventory, rows, {"x_rated"}, scale, skip_missing=False)
    assert (findings.targets, findings.sets) == (("x_rated",), ("rated",))
    world = World("", str(tiny_model), "made up")
    ground = ground_of(inventory, world, evaluation_rows=None, retrieval_length=32)
    ground = replace(ground, survey=findings)
    cells = [Cell(condition, "x_rated", 0) for condition in (NONE, after("rated"))]
    plan = plan_of_cells(scale, cells, ground)
    store = Store(tmp_path_factory.mktemp("run"))
    store.prepare()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material, "inventory_in", lambda *_: inventory)
        for job in plan.jobs.values():
            work.run_job(job, world, store, Machine(), keep_models=True)
    records = [json.loads(path.read_text()) for path in store.records.glob("*.json")]
    return store, plan.jobs, records, inventory


def predictions_of(store, record):
    path = store.folder(record["job"]) / f"predictions/x_rated.{record['part']}.json"
    return json.loads(path.read_text())


def test_both_are_listed(registered, capsys):
    print_tasks(Console(width=200), SCALES["smoke"])
    listed = capsys.readouterr().out
    assert "Rated pairs (rated)" in listed and "X-Rated pairs (x_rated)" in listed
    assert listed.count("pearson") == 2 and "one, other, rating" in listed


def test_both_phases_train_on_it(run):
    store, jobs, _, _ = run
    assert [type(job) for job in jobs.values()] == [
        IntermediateTraining,
        TargetTraining,
        TargetTraining,
    ]
    for job in jobs.values():
        result = store.result(job.hash)
        assert result["steps"] == 18
        assert result["last_loss"] < result["first_loss"]
    (phase_two,) = (j for j in jobs.values() if isinstance(j, IntermediateTraining))
    dev = store.result(phase_two.hash)["dev"]["rated"]
    assert dev.keys() == {"pearson", "highest"} and dev["highest"] == 7.0  # `fitted` knew it


def test_it_is_scored_as_its_metric_says(run):
    store, _, records, inventory = run
    assert len(records) == 4
    for record in records:
        examples = inventory.evaluation("x_rated", record["part"])
        scores = {
            code: 100 * correlation([e.rating for e in examples[code].examples], ratings)
            for code, ratings in predictions_of(store, record).items()
        }
        assert record["metric"] == "pearson" and record["languages"].keys() == {"de", "en"}
        assert record["score"] == pytest.approx(fmean(scores.values()))


def test_it_is_exported(run, tmp_path):
    store, _, records, inventory = run
    plain = {"baseline": "none", "world": "", "control": False}
    result = {
        "claims": [{"records": [record["hash"] for record in records]}],
        "conditions": {"none": plain, "rated": plain},
    }
    entries = choose_entries(result, 0, store)
    export_xtreme(tmp_path, entries, inventory)
    assert entries["x_rated"].record["intermediate"] == "rated"
    for code, score in entries["x_rated"].record["languages"].items():
        labels, predictions = (
            [float(line) for line in read_lines(tmp_path / side / f"x_rated/test-{code}.txt")]
            for side in ("labels", "predictions")
        )
        assert 100 * correlation(labels, predictions) == pytest.approx(score["score"], abs=1e-2)


@torch.no_grad()
def test_it_is_saved_as_a_class_of_transformers(run):
    store, _, records, inventory = run
    for record in (r for r in records if r["part"] == "test"):
        folder = store.folder(record["job"]) / MODEL
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        assert model.config.id2label == {0: "rating"}
        for code, ratings in predictions_of(store, record).items():
            examples = inventory.evaluation("x_rated", "test")[code].examples
            features = Similarity().featurise(examples, tokenizer, Limits(RECIPE.max_length))
            batch = collate(features, np.arange(len(features)), tokenizer.pad_token_id)
            theirs = model(batch.input_ids, batch.attention_mask).logits[:, 0]
            assert theirs.tolist() == pytest.approx(ratings, abs=1e-4)
