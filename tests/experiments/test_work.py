"""A job's model is compiled where it is trained, and only if that is asked for."""

from dataclasses import replace

import pytest

from stilts_repro.experiments import material, trainings, work
from stilts_repro.experiments.conditions import NONE, Cell
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.store import Store
from stilts_repro.machine import Machine
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.training.optimiser import Recipe
from tests.planning import WORLD, ground_of, plan_of_cells

ROWS = 8
RECIPE = Recipe(learning_rate=1e-3, batch_size=4, epochs=1, rows=ROWS, max_length=64, stride=16)
TASKS = ("xnli", "tatoeba")  # trained for, and not


@pytest.mark.parametrize(("compiled", "count"), [(True, 1), (False, 0)])
def test_the_models_of_trainings_alone_are_compiled(
    tiny_model, tmp_path, monkeypatch, compiled, count
):
    inventory = Inventory(TestbedSource(), ROWS)
    scale = replace(SCALES["smoke"], target={"mnli": RECIPE})
    ground = ground_of(inventory, replace(WORLD, model=str(tiny_model)), evaluation_rows=ROWS)
    plan = plan_of_cells(scale, [Cell(NONE, target, 0) for target in TASKS], ground)
    store = Store(tmp_path)
    store.prepare()
    seen = []
    monkeypatch.setattr(trainings, "compile_layers", seen.append)
    monkeypatch.setattr(material, "inventory_in", lambda *_: inventory)
    for job in plan.jobs.values():
        work.run_job(job, ground.world, store, Machine(compiled=compiled))
    assert len(plan.jobs) == len(TASKS)
    assert len(seen) == count
