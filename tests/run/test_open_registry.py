"""The paper's grid is its own: what else can be run changes no claim and no job of one."""

from dataclasses import replace

import pytest
from rich.console import Console

from reproduce.catalogue import all_claims
from stilts_repro.cli.listing import print_claims, print_tasks
from stilts_repro.experiments.conditions import MULTITASK, Cell, after
from stilts_repro.experiments.scales import SCALES
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.paper import INTERMEDIATES, TARGETS
from stilts_repro.run.request import Request, plan_of
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import TRAINING_SETS


@pytest.fixture
def jobs(masked_lm, tmp_path):
    """Return the hashes of the jobs of all claims."""

    def found():
        inventory_of.cache_clear()
        claims = tuple(all_claims().values())
        request = Request(claims, SCALES["smoke"], "testbed", str(masked_lm), (0,), tmp_path)
        return set(plan_of(request).plan.jobs)

    return found


@pytest.fixture
def more(monkeypatch):
    """A tenth intermediate task and two targets more, one of which shares a training set."""
    siqa = replace(TRAINING_SETS["csqa"], name="siqa", title="SIQA")
    monkeypatch.setitem(TRAINING_SETS, "siqa", siqa)
    for name, train_on in (("xcopa", "siqa"), ("xnli_more", "mnli")):
        task = replace(TARGET_TASKS["xnli"], name=name, config=f"{name}-is-not-there")
        monkeypatch.setitem(TARGET_TASKS, name, replace(task, train_on=train_on))


def test_another_task_changes_no_claim(jobs, request):
    before = jobs()
    request.getfixturevalue("more")
    assert jobs() == before
    cells = {cell for claim in all_claims().values() for cell in claim.cells(TARGET_TASKS, 0)}
    assert {cell.target for cell in cells} == set(TARGETS)
    assert MULTITASK.row.tasks == INTERMEDIATES


def test_another_task_can_be_asked_for(more):
    claim = replace(
        all_claims()["mnli_gain"], conditions=(after("siqa"),), targets=("xcopa", "tatoeba")
    )
    cells = claim.cells(tuple(TARGET_TASKS), 0, {"": ("siqa",)})
    assert Cell(after("siqa"), "xcopa", 0) in cells


def test_claims_are_listed_as_ever_and_tasks_with_the_new_ones(more, capsys):
    print_claims(Console(width=200), all_claims())
    assert "siqa" not in capsys.readouterr().out
    print_tasks(Console(width=200), SCALES["smoke"])
    printed = capsys.readouterr().out
    assert "SIQA (siqa)" in printed and "(xcopa)" in printed and "none at this scale" in printed
