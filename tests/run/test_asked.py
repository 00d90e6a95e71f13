"""A run limited to some tasks: what is left out is not read, and said wherever it matters."""

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.errors import InputError
from stilts_repro.experiments.sources import inventory_of
from stilts_repro.experiments.survey import Asked
from stilts_repro.report.page import write_claims
from stilts_repro.report.table import markdown
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request, plan_of
from tests.mirrors import build
from tests.planning import small_scale

CLAIMS = ("tydiqa_gain", "squad_gain", "retrieval_gain", "ccg_gain", "xnli_no_gain")


@pytest.fixture(scope="module")
def request_(tiny_model, tmp_path_factory):
    root = tmp_path_factory.mktemp("asked")
    inventory_of.cache_clear()
    return Request(
        tuple(all_claims()[name] for name in CLAIMS),
        small_scale(),
        str(build(root / "mirror")),  # CCG's rows are not there, and are not asked for
        str(tiny_model),
        (0,),
        root / "out",
        asked=Asked(("squad_v2", "mnli"), ("tydiqa", "tatoeba")),
    )


def test_only_what_is_asked_for_is_planned(request_):
    planned = plan_of(request_)
    assert planned.survey.targets == ("tydiqa", "tatoeba")
    assert set(planned.survey.sets) == {"squad_v2", "mnli"}
    cells = {(str(cell.condition), cell.target) for cell in planned.plan.cells}
    assert cells == {
        (condition, target)
        for condition in ("none", "squad_v2", "mnli", "multitask")
        for target in ("tydiqa", "tatoeba")
        if (condition, target) != ("multitask", "tatoeba")  # for TyDiQA's details alone
    }


def test_the_report_says_what_was_not_asked_for(request_):
    found = run_claims(request_)
    write_claims(request_.output, found)
    claims = {claim["id"]: claim for claim in found["claims"]}
    assert claims["tydiqa_gain"]["verdict"] == "not_measurable"  # so little is learned here
    assert set(claims["tydiqa_gain"]["details"][0]["gain after"]) == {
        "squad_v2",
        "mnli",
        "multitask",
    }
    assert claims["squad_gain"]["targets"] == ["tydiqa", "tatoeba"]
    assert set(claims["retrieval_gain"]["details"][0]["tatoeba"]) == {"squad_v2", "mnli"}
    assert (claims["ccg_gain"]["verdict"], claims["ccg_gain"]["reason"]) == (
        "not_run",
        "without ccg",
    )
    assert claims["xnli_no_gain"]["verdict"] == "not_run"
    text = markdown(found)
    assert "not one of --intermediate squad\\_v2,mnli" in text.replace("squad_v2", "squad\\_v2")
    assert "mean over 2 of 9 targets" in text


@pytest.mark.parametrize("option", ["intermediate", "targets"])
def test_a_task_that_is_not_known_is_named(option):
    with pytest.raises(InputError, match=f"--{option} nothing: no such task; choose among"):
        Asked(**{option: ("nothing",)})
