"""A plan without a run: worlds whose data nobody has surveyed."""

from dataclasses import replace

from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.jobs import Setting
from stilts_repro.experiments.plan import Ground, Plan
from stilts_repro.experiments.survey import Survey
from stilts_repro.tasks.tables import TARGET_TASKS, intermediate_tasks

SETTING = Setting("smoke", "abc", "def", 4, 128, {"torch": "2.13.0"})
WORLD = World("", "/a/model", "testbed")


def ground_of(inventory, world=WORLD, sets=(), **changes):
    """Return a world that has every target, and `sets` besides the intermediate tasks."""
    survey = Survey(tuple(TARGET_TASKS), (*intermediate_tasks(), *sets))
    return Ground(world, replace(SETTING, **changes), inventory, survey)


def plan_of_cells(scale, cells, *grounds):
    """Return the plan of `cells` in the worlds of `grounds`."""
    plan = Plan(scale, {ground.world.name: ground for ground in grounds})
    plan.add(cells)
    return plan
