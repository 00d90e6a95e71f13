"""The one dial: `--scale`. Each scale is a model, a source of data and a recipe a training.

What a training set is trained by stands beside it, in `tasks.training_sets`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import World
from stilts_repro.jsonio import read_json
from stilts_repro.models.ways import Kind, Way
from stilts_repro.tasks.recipe import Recipe, SetUp, modest, taught
from stilts_repro.tasks.training_sets import TRAINING_SETS

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
# The studies' models: encoders and decoders of four sizes, by width and number of layers, each with
# a phase (i) of its own on the same documents in the same order.
WIDTHS = {48: 4, 64: 6, 96: 6, 192: 6}
# Beside the embeddings: a layer has twelve times the square of its width, biases and normalisation
# aside.
PARAMETERS = {width: 12 * layers * width**2 for width, layers in WIDTHS.items()}
LADDER = TESTBED_MODEL.parent / "ladder"
# By phase, model and factor, English dev after training at so many times the testbed's learning
# rates (`stilts_repro.rates`, docs/rates.md).
RATES = LADDER / "rates.json"
_TRIED = read_json(RATES)
Phase = Literal["intermediate", "target"]

_OBJECTIVES: dict[Kind, str] = {"decoder": " --causal", "encoder_decoder": " --denoising"}


def rung(kind: Kind, width: int) -> World:
    """Return the world of the testbed's model of a kind and a width."""
    name = f"{kind}-{width}"
    size = f"--size {width}{_OBJECTIVES.get(kind, '')}"
    make = f"python -m stilts_repro.pretrain --testbed {size} --half --output {LADDER / name}"
    usual = _best("target", name, 1.0)
    return World(
        name,
        str(LADDER / name),
        "testbed",
        made_by=make,
        intermediate_rate=_best("intermediate", name, usual),
        target_rate=usual,
    )


def _best(phase: Phase, model: str, otherwise: float) -> float:
    """Return the factor at which `model` does best in `phase`; `otherwise` where none was tried."""
    tried = _TRIED[phase].get(model)
    return float(max(tried, key=tried.__getitem__)) if tried else otherwise


def read_otherwise(world: World, way: Way) -> World:
    """Return the world of the same model, read in another way."""
    return replace(world, name=f"{world.name}-{way}", way=way)


MIDDLE = 96  # the width at which kinds of model are compared
_KINDS: tuple[Kind, ...] = ("encoder", "decoder")
RUNGS = (
    *(rung(kind, width) for kind in _KINDS for width in WIDTHS),
    rung("encoder_decoder", MIDDLE),
    read_otherwise(rung("encoder_decoder", MIDDLE), "encoder"),
    read_otherwise(rung("decoder", MIDDLE), "unmasked"),
    read_otherwise(rung("decoder", MIDDLE), "repeated"),
)
# Three worlds of languages that differ in morphology alone, each with other stems.
MORPHOLOGY = tuple(
    World(
        name=(name := f"morphology-{number}"),
        model=str(LADDER / name),
        data=f"testbed-{name}",
        made_by=f"python -m stilts_repro.pretrain --testbed --morphology {number} --half "
        f"--output {LADDER / name}",
    )
    for number in (1, 2, 3)
)

# The model at hand with fewer of its layers: sizes where there is one pre-trained model. It is no
# family of models, each trained to its size.
CUT = tuple(World(f"layers-{layers}", "", "", layers=layers) for layers in (4, 8))

# A public encoder of 21 million parameters beside its embeddings, in XLM-R's languages.
SMALL_ENCODER = "intfloat/multilingual-e5-small@614241f622f53c4eeff9890bdc4f31cfecc418b3"
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
    name besides the run's own. `precision` is what jobs compute in; "": the quickest there is;
    `at_once` the tokens that, on a CPU, a step's gradients are computed of at once (None: all).
    `dark` holds, by target, why no mean at this scale counts it; `claims` names the claims and
    studies that it is for (none: all).
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
    precision: Literal["", "fp32"] = ""
    at_once: int | None = None
    dark: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()


def _recipes(set_up: SetUp, phase: Literal["intermediate", "target"]) -> dict[str, Recipe]:
    """Return the recipes of all training sets that have one for `set_up` and `phase`."""
    by_set = {name: getattr(data, phase) for name, data in TRAINING_SETS.items()}
    return {name: recipes[set_up] for name, recipes in by_set.items() if set_up in recipes}


def _paper(model: str, name: str, cost: str) -> Scale:
    """Return the paper's own set-up on `model`; each recipe says how sure we are of it."""
    singly = _recipes("paper", "intermediate")
    return Scale(
        name=name,
        model=model,
        data="hub",
        seeds=1,
        evaluation_rows=None,
        intermediate=singly,
        multitask={task: replace(recipe, epochs=3) for task, recipe in singly.items()},
        continued=Recipe(
            batch_size=8,
            rows=500_000,
            share=0.25,
            provenance="batch recalled from the appendix; texts and share: ours",
        ),
        target=_recipes("paper", "target"),
        retrieval_length=256,
        cost=cost,
        worlds=CUT,
    )


def _thirds(recipes: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """Return recipes of a third of each task's rows, so that nine tasks cost what three do."""
    return {task: replace(r, rows=r.rows and r.rows // 3) for task, r in recipes.items()}


def _laptop() -> Scale:
    """Return the set-up of a small real encoder on real rows, as many as a night on a laptop has.

    Its default model has no masked-LM head; one that `stilts_repro.pretrain --start` makes has.
    """
    singly = _recipes("laptop", "intermediate")
    return Scale(
        name="laptop",
        model=SMALL_ENCODER,
        data="hub",
        seeds=1,
        evaluation_rows=300,
        intermediate=singly,
        multitask=_thirds(singly),
        continued=replace(modest(12_000, 1), share=0.25),
        target=_recipes("laptop", "target"),
        retrieval_length=128,
        cost="a night or more, 2 cores",
        # Of windows of 384 tokens a whole batch takes three times the memory, and more time
        # (docs/laptop.md). Of the testbed's short rows it is the quickest, and its references are
        # of whole steps.
        at_once=4096,
        worlds=CUT,
    )


def _testbed(name: str, *, share: float, seeds: int, evaluation_rows: int, cost: str) -> Scale:
    """Return the synthetic testbed on a CPU; `share` scales the rows that are trained on.

    It computes in fp32 anywhere: bf16 gives other values on each make of processor, and a model of
    this size gains nothing by it (docs/testbed.md).
    """

    def shared(recipe: Recipe) -> Recipe:
        return replace(recipe, rows=recipe.rows and int(recipe.rows * share))

    singly = {task: shared(r) for task, r in _recipes("testbed", "intermediate").items()}
    return Scale(
        name=name,
        model=str(TESTBED_MODEL),
        data="testbed",
        seeds=seeds,
        evaluation_rows=evaluation_rows,
        intermediate=singly,
        multitask=_thirds(singly),
        continued=replace(shared(taught(6_000)), share=0.25),
        target={task: shared(recipe) for task, recipe in _recipes("testbed", "target").items()},
        retrieval_length=128,
        cost=cost,
        worlds=(UNRELATED, *MORPHOLOGY, *RUNGS),
        precision="fp32",
    )


def _longer(scale: Scale) -> Scale:
    """Return `scale` for XNLI alone, with five times the rows, once each: six minutes of a core."""
    xnli = replace(scale.target["mnli"], rows=100_000)
    return replace(
        scale, target={**scale.target, "mnli": xnli}, claims=("xnli_no_gain", "calibration")
    )


_SCALES = (
    _testbed("smoke", share=0.06, seeds=1, evaluation_rows=24, cost="2 min, 2 cores"),
    replace(
        _testbed("testbed", share=1.0, seeds=1, evaluation_rows=100, cost="13 min a seed, 2 cores"),
        dark={
            "pawsx": "a model of this size learns its pairs by heart, or not at all, within the "
            "minutes that a training has here (docs/testbed.md)",
            "xnli": "within the minutes that a training has here English learns it, and in half of "
            "the seeds hardly another language does (docs/testbed.md)",
        },
    ),
    _longer(
        _testbed(
            "testbed-long",
            share=1.0,
            seeds=1,
            evaluation_rows=2_000,
            cost="XNLI alone, 45 min a seed",
        )
    ),
    _laptop(),
    _paper("FacebookAI/xlm-roberta-base", "base", "GPU-days, hub (not measured)"),
    _paper("FacebookAI/xlm-roberta-large", "paper", "GPU-weeks, hub (not measured)"),
)
SCALES = {scale.name: scale for scale in _SCALES}


def data_of(scale: Scale, asked: str) -> str:
    """Return what `--data` comes to at `scale`: "auto" is the scale's own."""
    return scale.data if asked == "auto" else asked


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
