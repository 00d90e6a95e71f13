"""A whole run on a folder laid out like the hub that has two languages of most tasks."""

import pytest

from reproduce.catalogue import all_claims
from stilts_repro.report.page import write_claims
from stilts_repro.report.table import markdown
from stilts_repro.run.execution import run_claims
from stilts_repro.run.request import Request
from tests.mirrors import build
from tests.planning import has_no_reference, small_scale


@pytest.fixture(scope="module")
def result(tiny_model, tmp_path_factory):
    root = tmp_path_factory.mktemp("directory")
    claims = tuple(all_claims()[name] for name in ("squad_gain", "ccg_gain", "xtreme_gain"))
    data = str(build(root / "mirror"))
    request = Request(
        claims, small_scale(), data, str(tiny_model), (0,), root / "out", skip_missing=True
    )
    found = run_claims(request)
    write_claims(request.output, found)  # checks it against its schema
    return found


def test_what_is_there_is_measured_and_never_passes(result):
    squad, ccg, xtreme = result["claims"]
    assert has_no_reference(squad) and len(squad["targets"]) == 9
    assert (ccg["verdict"], ccg["observed"]["value"]) == ("not_run", None)
    assert "ldc/ccgbank" in ccg["without"]["ccg"]
    assert has_no_reference(xtreme)
    assert set(xtreme["details"][0]["chosen"].values()) <= {"squad_v1", "squad_v2", "mnli"} | {
        "multitask"
    }


def test_means_over_some_languages_say_so(result):
    absent = result["languages"]["mlqa"]["test"]["absent"]
    assert absent == ["ar", "es", "hi", "vi", "zh"]
    text = markdown(result)
    assert "mlqa, 2 of 7 languages; no rows to score in ar, es, hi, vi, zh" in text
    assert "xnli" not in result["languages"] or not result["languages"]["xnli"]["dev"]["absent"]
    assert "ccg\\_gain: not\\_run" in text or "ccg_gain: not_run" in text


def test_one_set_that_plays_both_parts_is_scored_once(result):
    parts = {e["part"]: e for e in result["grid"] if e["target"] == "tatoeba"}
    assert parts["dev"]["split"] == parts["test"]["split"] == "validation"
    assert parts["dev"]["languages"] == parts["test"]["languages"]
    assert "tatoeba: dev and test are the same rows" in markdown(result)
