"""What a user may ask of a run besides its numbers: kept models, what crosses, an XTREME entry."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reproduce.catalogue import all_claims
from stilts_repro.claims.schema import validate
from stilts_repro.cli.reproduce import export
from stilts_repro.errors import InputError
from stilts_repro.evaluation.confidence import kept
from stilts_repro.experiments.conditions import NONE, after
from stilts_repro.experiments.jobs import IntermediateTraining, TargetTraining
from stilts_repro.experiments.scales import UNRELATED
from stilts_repro.experiments.store import Store, predictions_file
from stilts_repro.metrics.calibration import calibration
from stilts_repro.models.pretrained import fingerprint
from stilts_repro.report.page import write_claims
from stilts_repro.run.execution import Progress, run_claims
from stilts_repro.run.request import Request
from stilts_repro.tasks.training_sets import NLI_LABELS
from tests.mirrors import build
from tests.planning import has_no_reference, small_scale
from tests.translation.conftest import nllb  # noqa: F401


class Finished(Progress):
    def __init__(self):
        self.jobs = []

    def finished(self, job, seconds):
        self.jobs.append(job)


def run_request(model, output, names=("squad_gain",), **options):
    claims = tuple(all_claims()[name] for name in names)
    return Request(claims, small_scale(), "testbed", str(model), (0,), output, **options)


def run(model, output, names=("squad_gain",), **options):
    return finish(run_request(model, output, names, **options))


def finish(request):
    progress = Finished()
    return request, run_claims(request, progress), progress.jobs


@pytest.fixture(scope="module")
def first(tiny_model, tmp_path_factory):
    output = tmp_path_factory.mktemp("options") / "out"
    return run(tiny_model, output)


def test_asking_for_models_does_the_target_trainings_again_and_no_other(
    first, tiny_model, tmp_path
):
    request, result, _ = first
    shutil.copytree(request.output, tmp_path / "out")
    _, again, jobs = run(tiny_model, tmp_path / "out", keep_models=True)
    assert {type(job) for job in jobs} == {TargetTraining}
    assert len(jobs) == 2 * 6
    assert again["claims"][0]["observed"] == result["claims"][0]["observed"]
    (job,) = (job for job in jobs if (job.name, job.condition) == ("mnli", NONE))
    folder = tmp_path / "out" / "jobs" / job.hash / "model"
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    assert model.config.id2label == dict(enumerate(NLI_LABELS))
    kept = json.loads((folder.parent / "predictions" / "xnli.test.json").read_text())
    assert predicted(model, folder, "qaa") == kept["qaa"]
    assert run(tiny_model, tmp_path / "out", keep_models=True)[2] == []


def test_what_is_said_of_a_classifiers_confidence_can_be_had_again_from_its_kept_logits(first):
    request, _, jobs = first
    store = Store(request.output)
    told = [r for job in jobs for r in map(store.record, store.result(job.hash)["records"])]
    xnli = [record for record in told if record["task"] == "xnli"]
    assert {record["part"] for record in xnli} == {"dev", "test"}
    for record in told:
        path = predictions_file(store.folder(record["job"]), record).with_suffix(".npz")
        assert path.is_file() == (record["task"] in ("xnli", "pawsx"))
    for record in xnli:
        held = kept(predictions_file(store.folder(record["job"]), record).with_suffix(".npz"))
        for code, (logits, labels) in held.items():
            language = record["languages"][code]
            assert len(labels) == language["n"]
            for name, value in calibration(logits, labels).items():
                assert value == pytest.approx(language["metrics"][name], abs=1e-9)


def predicted(model, folder, code):
    """Answer XNLI as anybody would who loads the directory."""
    from stilts_repro.experiments.sources import inventory_of

    tokenizer = AutoTokenizer.from_pretrained(folder)
    examples = inventory_of("testbed", 3).evaluation("xnli", "test")[code].examples
    found = []
    for example in examples:
        encoded = tokenizer(example.first, example.second, return_tensors="pt")
        with torch.no_grad():
            logits = model(encoded["input_ids"], encoded["attention_mask"]).logits
        found.append(model.config.id2label[int(logits.argmax())])
    return found


def test_what_crosses_is_part_of_a_jobs_address(first, tiny_model, tmp_path):
    _, result, _ = first
    request, other, jobs = run(tiny_model, tmp_path / "out", crosses="encoder")
    assert len(jobs) == result["jobs"]["total"]
    assert has_no_reference(other["claims"][0])
    record = json.loads(next((request.output / "records").glob("*.json")).read_text())
    assert record["crosses"] == "encoder"


def test_the_export_holds_the_run(first):
    request, result, _ = first
    export(request, result)
    chosen = json.loads((request.output / "predictions" / "chosen.json").read_text())
    assert len(chosen) == 9
    for side in ("predictions", "labels"):
        names = sorted(p.name for p in (request.output / side / "xnli").iterdir())
        assert names == [f"test-{c}.tsv" for c in ("en", *(f"qa{x}" for x in "abcdefg"))]
        assert (request.output / side / "tydiqa" / "test-qaa.json").is_file()
    export(request, result)  # an earlier export may be replaced


def test_continued_mlm_runs_where_there_is_text(masked_lm, tmp_path):
    _, result, jobs = run(masked_lm, tmp_path / "out", ("mlm_continuation",))
    (claim,) = result["claims"]
    assert has_no_reference(claim)
    phase_two = {entry["intermediate"]: entry for entry in result["intermediate"]}
    assert phase_two["mnli+mlm"]["weights"]["mlm"] == pytest.approx(0.25, abs=0.1)
    assert set(phase_two["mnli+mlm"]["dev"]) == {"mnli"}
    assert phase_two["mnli"]["weights"] == {"mnli": 1.0}
    (job,) = (job for job in jobs if job.name == "mnli+mlm")
    assert job.tasks == ("mnli",) and job.continued is not None


def test_without_text_it_is_not_run(masked_lm, tmp_path):
    data = str(build(tmp_path / "mirror"))
    request = replace(run_request(masked_lm, tmp_path / "out", ("mlm_continuation",)), data=data)
    result = run_claims(replace(request, skip_missing=True))
    (claim,) = result["claims"]
    assert (claim["verdict"], claim["observed"]["value"]) == ("not_run", None)
    assert "give --corpus DIR" in claim["without"]["mlm"]


def test_the_controls_run(masked_lm, tmp_path):
    names = ("control_shuffled", "control_random")
    _, result, jobs = run(masked_lm, tmp_path / "out", names)
    assert all(map(has_no_reference, result["claims"]))
    by_row = {str(job.condition): job for job in jobs if job.name == "squad_v1"}
    assert by_row["none+random"].start is None
    assert by_row["hellaswag+random"].start is not None
    phase_two = {job.name: job for job in jobs if isinstance(job, IntermediateTraining)}
    losses = {
        name: json.loads((tmp_path / "out" / "jobs" / job.hash / "result.json").read_text())
        for name, job in phase_two.items()
    }
    assert len({entry["first_loss"] for entry in losses.values()}) == 3


def in_a_world_on(request, model):
    """Return the request with another model in the unrelated world."""
    world = replace(UNRELATED, model=str(model))
    return replace(request, scale=replace(request.scale, worlds=(world,)))


def test_the_unrelated_control_runs_in_its_own_world(masked_lm, tiny_model, tmp_path):
    request = run_request(tiny_model, tmp_path / "out", ("control_unrelated",))
    request, result, jobs = finish(in_a_world_on(request, masked_lm))
    (claim,) = result["claims"]
    assert has_no_reference(claim) and len(claim["targets"]) == 4
    models = (masked_lm, tiny_model)
    assert claim["model"] == "+".join(sorted(fingerprint(str(m)) for m in models))
    (details,) = claim["details"]
    assert set(details) == {"with related languages", "bucc2018", "tatoeba"}
    assert details["tatoeba"]["chance"] == pytest.approx(100 / 3)
    held = [json.loads(path.read_text()) for path in (request.output / "records").iterdir()]
    worlds = {r["intermediate"]: (r["data"]["source"], r["model"]["hash"]) for r in held}
    model = fingerprint(str(masked_lm))
    assert worlds == {
        "none": ("testbed", fingerprint(str(tiny_model))),
        "hellaswag": ("testbed", fingerprint(str(tiny_model))),
        "none+unrelated": ("testbed-unrelated", model),
        "hellaswag+unrelated": ("testbed-unrelated", model),
    }
    assert {job.name for job in jobs} >= {"squad_v1", "tydiqa_en", "retrieval"}
    export(request, result)
    chosen = json.loads((request.output / "predictions" / "chosen.json").read_text())
    assert {entry["intermediate"] for entry in chosen.values()} <= {"none", "hellaswag"}


def test_without_its_model_the_unrelated_control_is_not_run_and_the_others_are(
    first, tiny_model, tmp_path
):
    _, plain, _ = first
    request = run_request(tiny_model, tmp_path / "out", ("squad_gain", "control_unrelated"))
    _, result, _ = finish(in_a_world_on(request, tmp_path / "nowhere"))
    squad, control = result["claims"]
    assert squad["observed"] == plain["claims"][0]["observed"]
    assert (control["verdict"], control["observed"]["value"]) == ("not_run", None)
    assert "pretrain --testbed --unrelated" in control["reason"]
    assert control["without"] == {}  # it lacks a model, not a task
    write_claims(tmp_path, result)


def phase_two(result, row):
    (entry,) = (entry for entry in result["intermediate"] if entry["intermediate"] == row)
    return entry


def test_translated_rows_are_mixed_in_and_told(tiny_model, tmp_path):
    output = tmp_path / "out"
    _, result, _ = run(tiny_model, output, ("translated_data",), translator="testbed:0.2")
    write_claims(output, result)
    validate(json.loads((output / "claims.json").read_text()), "claims", "claims.json")
    (claim,) = result["claims"]
    assert has_no_reference(claim)
    mixed, plain = phase_two(result, "mnli+translated"), phase_two(result, "mnli")
    assert mixed["steps"] == plain["steps"] and mixed["weights"] == plain["weights"]
    assert "translation" not in plain["data"]["mnli"]
    told = mixed["data"]["mnli"]["translation"]
    assert told["translator"] == "testbed, error rate 0.2"
    assert {code: held["rows"] for code, held in told["languages"].items()} == dict.fromkeys(
        ("qaa", "qac", "qag"), 4
    )
    records = [json.loads(path.read_text()) for path in (output / "records").iterdir()]
    for record in records:
        validate(record, "record", record["hash"])
        if record["intermediate"] == "mnli+translated":
            assert record["translation"] == {"mnli": told}
        assert ("translation" in record) == record["intermediate"].endswith("+translated")
    quality = claim["details"][0]["BLEU and chrF"]["squad_v2"]["qag"]
    assert 30 < quality["BLEU"] < 90 and 50 < quality["chrF"] < 95


def on_folder(model, tmp_path, **options):
    """Run what the folder has data for: MNLI, with translations and without."""
    request = run_request(model, tmp_path / "out", ("translated_data",), **options)
    (claim,) = request.claims
    conditions = (after("mnli"), after("mnli", translated=True))
    claim = replace(claim, conditions=conditions, value=lambda *_: 0.0, details=None)
    return run_claims(replace(request, claims=(claim,), data=str(build(tmp_path / "mirror"))))


def test_without_a_translator_it_is_not_run(tiny_model, tmp_path):
    (claim,) = on_folder(tiny_model, tmp_path)["claims"]
    assert (claim["verdict"], claim["observed"]["value"]) == ("not_run", None)
    assert "mnli+translated" in claim["reason"]
    assert "give --translator: testbed:ERROR_RATE" in claim["without"]["mnli+translated"]


def test_a_model_translates_once_for_all_processes(
    tiny_model,
    nllb,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    result = on_folder(tiny_model, tmp_path, translator=str(nllb))
    told = phase_two(result, "mnli+translated")["data"]["mnli"]["translation"]
    assert told["translator"] == "nllb, greedy"
    assert set(told["languages"]) == {"de", "ru", "sw"}
    for held in told["languages"].values():
        assert held["rows"] + held["dropped"] == 3
        assert held["quality"] is None and "no rows in this language" in held["reason"]
    kept = list((tmp_path / "cache" / "translations").glob("*/*.jsonl"))
    assert len(kept) == 3  # a file for each process that translates into a language


def test_the_testbeds_translator_is_refused_elsewhere(tiny_model, tmp_path):
    with pytest.raises(
        InputError, match=r"--translator testbed:0\.1: --data .* is not the testbed"
    ):
        on_folder(tiny_model, tmp_path, translator="testbed:0.1")
