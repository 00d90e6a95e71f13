"""A small scale, and plans without a run: of worlds whose data nobody has surveyed."""

from dataclasses import replace

from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Setting
from stilts_repro.experiments.plan import Ground, Plan
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.survey import Survey
from stilts_repro.paper import TARGETS
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.training_sets import intermediate_tasks

SMALL = Recipe(learning_rate=1e-3, batch_size=8, epochs=1, rows=16, max_length=96, stride=48)
SETTING = Setting("smoke", "abc", "def", 4, 128, {"torch": "2.13.0"})
WORLD = World("", "/a/model", "testbed")


def small_scale(recipe=SMALL, evaluation_rows=3):
    """Return the smoke scale with one recipe for all that is trained."""
    smoke = SCALES["smoke"]
    return replace(
        smoke,
        evaluation_rows=evaluation_rows,
        intermediate=dict.fromkeys(smoke.intermediate, recipe),
        multitask=dict.fromkeys(smoke.multitask, recipe),
        continued=replace(recipe, share=0.25),
        target=dict.fromkeys(smoke.target, recipe),
    )


def ground_of(inventory, world=WORLD, sets=(), **changes):
    """Return a world that has every target, and `sets` besides the intermediate tasks."""
    survey = Survey(TARGETS, (*intermediate_tasks(), *sets))
    return Ground(world, replace(SETTING, **changes), inventory, survey)


def plan_of_cells(scale, cells, *grounds):
    """Return the plan of `cells` in the worlds of `grounds`."""
    plan = Plan(scale, {ground.world.name: ground for ground in grounds})
    plan.add(cells)
    return plan


def has_no_reference(claim):
    """Say whether a claim was not held against one; a model that can do nothing is dark besides."""
    return claim["verdict"] in ("no_reference", "not_measurable") and not claim["reference"]
