"""The one dial: `--scale`. Each scale is a model, a source of data and a recipe a training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import World
from stilts_repro.training.optimiser import Recipe

TESTBED_MODEL = Path(__file__).parents[1] / "testbed" / "model"
UNRELATED_MODEL = Path(__file__).parents[1] / "testbed" / "unrelated"
# The testbed whose languages share nothing, with a phase (i) of its own: a control.
UNRELATED = World(
    name="unrelated",
    model=str(UNRELATED_MODEL),
    data="testbed-unrelated",
    control=True,
    made_by=f"python -m stilts_repro.pretrain --testbed --unrelated --output {UNRELATED_MODEL}",
)
# The paper's retrieval layer is the output of the 14th of XLM-R Large's 24 layers.
RETRIEVAL_DEPTH = 14 / 24


@dataclass(frozen=True)
class Scale:
    """How large everything is.

    `model` and `data` are defaults of `--model` and `--data`; `seeds` of `--seeds`.
    `evaluation_rows` caps each language's dev and test (None: all rows). `intermediate` and
    `target` hold a recipe for each training set, `multitask` one for each task of multi-task
    training; `continued` is the masked-language modelling that may be mixed in, its `rows` texts of
    all languages together; `retrieval_length` is in tokens. `worlds` are those that conditions may
    name besides the run's own.
    """

    name: str
    model: str
    data: str
    seeds: int
    evaluation_rows: int | None
    intermediate: Mapping[str, Recipe]
    multitask: Mapping[str, Recipe]
    continued: Recipe
    target: Mapping[str, Recipe]
    retrieval_length: int
    cost: str
    worlds: tuple[World, ...] = ()


def _paper(model: str, name: str, cost: str) -> Scale:
    """Return the paper's own set-up on `model`; each recipe says how sure we are of it."""

    def jiant(batch_size: int, epochs: int, max_length: int = 256) -> Recipe:
        return Recipe(
            batch_size=batch_size,
            epochs=epochs,
            max_length=max_length,
            evaluate_every=1000,
            provenance="jiant's XTREME scripts (verified)",
        )

    def recalled(batch_size: int, epochs: int, max_length: int = 256) -> Recipe:
        known = "the paper's appendix (recalled); length as in jiant's scripts"
        return Recipe(batch_size=batch_size, epochs=epochs, max_length=max_length, provenance=known)

    intermediate = {
        "anli": recalled(24, 2),
        "mnli": recalled(24, 2),
        "qqp": recalled(24, 3),
        "squad_v1": recalled(8, 3, 384),
        "squad_v2": recalled(8, 3, 384),
        "hellaswag": recalled(24, 7),
        "ccg": recalled(24, 15),
        "cosmosqa": recalled(4, 15),
        "csqa": recalled(4, 10),
    }
    return Scale(
        name=name,
        model=model,
        data="hub",
        seeds=1,
        evaluation_rows=None,
        intermediate=intermediate,
        multitask={task: replace(recipe, epochs=3) for task, recipe in intermediate.items()},
        continued=Recipe(
            batch_size=8,
            rows=500_000,
            share=0.25,
            provenance="batch recalled from the appendix; texts and share: ours",
        ),
        target={
            "mnli": jiant(32, 2),
            "pawsx_en": jiant(32, 5),
            "udpos_en": jiant(32, 10),
            "panx_en": jiant(32, 10),
            "squad_v1": jiant(16, 2, 384),
            "tydiqa_en": jiant(16, 2, 384),
        },
        retrieval_length=256,
        cost=cost,
    )


def _testbed(name: str, *, share: float, seeds: int, evaluation_rows: int, cost: str) -> Scale:
    """Return the synthetic testbed on a CPU; `share` scales the rows that are trained on."""
    base = Recipe(batch_size=16, max_length=128, stride=64, max_question=32)

    def intermediate(rows: int) -> Recipe:
        # A rate at which a task is learned and what phase (i) aligned stays aligned: 5e-4 learns
        # span extraction faster, and takes half of the retrieval away.
        return replace(base, learning_rate=1e-4, rows=int(rows * share), epochs=1)

    def target(rows: int, epochs: float = 1) -> Recipe:
        return replace(base, learning_rate=1e-3, rows=int(rows * share), epochs=epochs)

    # Each until it is learned, or for half a minute. Supertags are learned in a hundred steps; more
    # of them turn hidden states into grammar, and retrieval falls by half.
    singly = {
        "anli": intermediate(5_000),
        "mnli": intermediate(6_000),
        "qqp": intermediate(6_000),
        "squad_v1": intermediate(3_000),
        "squad_v2": intermediate(3_000),
        "hellaswag": intermediate(3_000),
        "ccg": intermediate(2_000),
        "cosmosqa": intermediate(1_500),
        "csqa": intermediate(4_000),
    }
    return Scale(
        name=name,
        model=str(TESTBED_MODEL),
        data="testbed",
        seeds=seeds,
        evaluation_rows=evaluation_rows,
        intermediate=singly,
        # A third of each task's rows, so that nine tasks cost what three do.
        multitask={
            task: replace(recipe, rows=recipe.rows and recipe.rows // 3)
            for task, recipe in singly.items()
        },
        continued=replace(base, learning_rate=1e-4, rows=int(6_000 * share), epochs=1, share=0.25),
        # As in the paper, TyDiQA and PAWS-X bring much less English data than SQuAD and MNLI do.
        target={
            "mnli": target(2_000),
            "pawsx_en": target(1_000),
            "udpos_en": target(400, 4),
            "panx_en": target(400, 3),
            "squad_v1": target(2_000),
            "tydiqa_en": target(400, 3),
        },
        retrieval_length=128,
        cost=cost,
        worlds=(UNRELATED,),
    )


_SCALES = (
    _testbed("smoke", share=0.06, seeds=1, evaluation_rows=24, cost="2 min, 2 cores"),
    _testbed("testbed", share=1.0, seeds=1, evaluation_rows=100, cost="15-20 min a seed, 2 cores"),
    _paper("FacebookAI/xlm-roberta-base", "base", "GPU-days, hub (not measured)"),
    _paper("FacebookAI/xlm-roberta-large", "paper", "GPU-weeks, hub (not measured)"),
)
SCALES = {scale.name: scale for scale in _SCALES}


def longest(scale: Scale) -> int:
    """Return the longest sequence, in tokens, that any job of `scale` may read."""
    recipes = (*scale.intermediate.values(), *scale.target.values())
    return max(scale.retrieval_length, *(recipe.max_length for recipe in recipes))


def scale_of(name: str) -> Scale:
    """Return the scale called `name`; `InputError` where there is none."""
    if name not in SCALES:
        raise InputError(f"--scale {name}: no such scale; choose one of {', '.join(SCALES)}")
    return SCALES[name]


def model_name(model: str) -> str:
    """Return what to call a model in print: a hub id, a folder's name, or the testbed's."""
    if Path(model) == TESTBED_MODEL:
        return "testbed-mlm"
    if Path(model) == UNRELATED_MODEL:
        return "testbed-unrelated-mlm"
    return Path(model).name if Path(model).is_dir() else model


def retrieval_layer(layers: int) -> int:
    """Return the hidden layer that retrieval reads: 14/24 of the depth; 0 is the embeddings."""
    return round(layers * RETRIEVAL_DEPTH)
