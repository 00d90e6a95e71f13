"""Studies: what they contrast, what they find, and that nothing is run where nothing is seen."""

import json
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from reproduce.catalogue import all_claims, all_studies
from stilts_repro.claims.expected import Design, load_expected
from stilts_repro.claims.finding import finding
from stilts_repro.claims.schema import validate
from stilts_repro.cli.reproduce import store_reference
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MAIN, NONE
from stilts_repro.experiments.scales import PARAMETERS, SCALES
from stilts_repro.experiments.survey import Asked
from stilts_repro.report.page import write_claims
from stilts_repro.run import baselines
from stilts_repro.run.execution import Progress
from stilts_repro.run.grid import Scores
from stilts_repro.run.origins import models_behind
from stilts_repro.run.request import Request
from stilts_repro.run.studies import (
    STUDIES,
    contrast,
    contrast_at_equal,
    design_of,
    errors_left_out,
    run_study,
    slope_per_doubling,
)
from tests.planning import SMALL, small_scale

DESIGN = Design("?", 2.0, {"rich": ("tr", "ru", "fi"), "poor": ("vi", "zh")})


def test_a_contrast_is_of_the_languages_that_are_there():
    assert contrast({"tr": 4.0, "ru": 2.0, "vi": 1.0, "en": 99.0}, DESIGN, "rich", "poor") == 2.0
    with pytest.raises(InputError, match=r"no rows in any of the poor languages \(vi, zh\)"):
        contrast({"tr": 4.0}, DESIGN, "rich", "poor")


def test_what_accuracy_alone_brings_is_no_contrast_at_equal_accuracy():
    accuracy = {"tr": 40.0, "ru": 45.0, "fi": 50.0, "vi": 48.0, "zh": 60.0}
    sureness = {code: 70 - value for code, value in accuracy.items()}
    assert contrast(sureness, DESIGN, "rich", "poor") == pytest.approx(9.0)
    at_equal = contrast_at_equal(sureness, accuracy, DESIGN, "rich", "poor")
    assert at_equal == pytest.approx(0.0, abs=1e-9)
    for code in DESIGN.languages["rich"]:
        sureness[code] += 3
    at_equal = contrast_at_equal(sureness, accuracy, DESIGN, "rich", "poor")
    assert at_equal == pytest.approx(3.0)
    few = {"tr": 1.0, "ru": 2.0, "vi": 3.0}
    alike = {"tr": 40.0, "ru": 40.0, "vi": 60.0, "zh": 60.0}  # which of the two it is, none can say
    for values in (few, alike):
        assert contrast_at_equal(values, values, DESIGN, "rich", "poor") is None


def test_a_slope_is_the_rise_with_each_doubling():
    assert slope_per_doubling({1 / 4: 10.0, 1 / 2: 13.0, 1.0: 16.0}) == pytest.approx(3.0)
    with pytest.raises(InputError, match="2 sizes; a slope needs three"):
        slope_per_doubling({1.0: 1.0, 2.0: 2.0})


def test_the_form_that_made_the_values_tells_a_size_that_was_left_out_best():
    sizes = (1e5, 3e5, 1e6, 3e6)
    made = {
        "constant": lambda n: 5.0,
        "linear in the logarithm": lambda n: 2 * np.log2(n),
        "saturating": lambda n: 9 - 900 * n**-0.5,
    }
    for name, form in made.items():
        errors = errors_left_out({n: float(form(n)) for n in sizes})
        assert errors[name] < 1e-6
        # What is constant is a case of the others.
        assert name == "constant" or min(v for n, v in errors.items() if n != name) > 0.1


# By language, a type-token ratio that is known; their deviation is one.
RATIOS = {code: 20 + n * 0.4**0.5 for code, n in zip("abcd", (-2, -1, 1, 2), strict=True)}


def made_up(study, rng, effect):
    """Return one seed's scores in which a study's statistic is `effect`, but for noise."""
    design = design_of(study.id)
    conditions = dict.fromkeys(c for one in study.conditions for c in (one.baseline, one))
    codes = ("en", *(code for held in design.languages.values() for code in held), "fi")
    codes = (*RATIOS,) if study.id == "morphology" else codes
    metrics, languages, values = {}, {}, {}
    for condition in (NONE, *conditions):
        for target in study.targets:
            rows = {code: row(study.id, design, condition, code, rng, effect) for code in codes}
            for part in ("dev", "test"):
                cell = (str(condition), target, part)
                metrics[cell] = rows
                languages[cell] = {code: held["accuracy"] for code, held in rows.items()}
                values[cell] = fmean(languages[cell].values())
    tasks = {task for c in study.conditions for task in c.row.sets}
    return Scores(values, languages, tuple(tasks), metrics=metrics)


def row(name, design, condition, code, rng, effect):
    """Return made-up metrics of one language."""
    level, phase_two = 10 + rng.normal(0, 1), bool(condition.row.tasks)
    match name:
        case "data_size":
            level -= effect * np.log2(condition.row.divided)
        case "alignment":
            level += effect * bool(condition.row.then)
        case "morphology" if condition.row.then:
            level += effect * (RATIOS.get(code, 20) - 20)
        case "commonsense" | "xtreme_r":
            level += effect * phase_two
        case "architecture":
            level += effect * (phase_two and condition.world.startswith("encoder-"))
        case "scaling" if phase_two:
            level += effect * np.log2(PARAMETERS[int(condition.world.split("-")[1])] / 1e5)
        case "calibration":
            level += effect * (code in design.languages["rich"])
    names = ("macro_f1", "f1_of_1", "largest_share", "f1", "mutual", "centred")
    sureness = ("overconfidence", "debiased_error", "nll", "brier")
    scaled = [f"scaled_{name}" for name in sureness]
    accuracy = 50 + rng.normal(0, 5) if name == "calibration" else level
    ratio = {"type_token_ratio_to_english": RATIOS[code]} if code in RATIOS else {}
    return dict.fromkeys([*names, *sureness, *scaled], level) | {"accuracy": accuracy} | ratio


@pytest.mark.parametrize("name", all_studies())
def test_a_planted_effect_is_in_the_interval_as_often_as_it_says(name):
    study, rng = all_studies()[name], np.random.default_rng(7)
    held = []
    for _ in range(100):
        seeds = [made_up(study, rng, effect=5.0) for _ in range(5)]
        values = [study.value(scores, study.targets) for scores in seeds]
        held.append(finding(design_of(name), values))
        study.details(seeds[0], study.targets)
    assert 90 <= sum(found["low"] <= 5.0 <= found["high"] for found in held) <= 98
    assert {found["answer"] for found in held} == {"supported"}


@pytest.mark.parametrize("name", all_studies())
def test_the_file_of_a_study_fits_and_is_in_the_written_layout(name):
    path = STUDIES / f"{name}.json"
    assert load_expected(name, STUDIES).design is not None
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == json.dumps(raw, indent=2, ensure_ascii=False) + "\n"


def test_a_target_that_a_scale_leaves_dark_is_in_no_mean_but_in_a_study_of_its_own():
    testbed = SCALES["testbed"]
    assert "xnli" in testbed.dark and "xnli" in all_studies()["architecture"].targets
    assert "xnli" not in all_studies()["architecture"].at(testbed).targets
    assert all_studies()["calibration"].at(testbed).targets == ("xnli",)


def test_decoders_rise_is_told_where_three_of_their_sizes_were_there():
    study, rng = all_studies()["scaling"], np.random.default_rng(7)
    whole = made_up(study, rng, effect=5.0)
    for gone, kinds in (((192,), ["encoder", "decoder"]), ((64, 192), ["encoder"])):
        names = {f"decoder-{width}" for width in gone}
        there = {k: v for k, v in whole.metrics.items() if not names & {k[0].partition("+")[2]}}
        told = study.details(replace(whole, metrics=there), study.targets)
        assert [*told["rise per doubling"]] == kinds
        assert len(told["gain by parameters"]["decoder"]) == 4 - len(gone)
    assert told["rise per doubling"]["encoder"] == pytest.approx(5.0, abs=1.0)


def test_a_reference_holds_whatever_other_sizes_are_there():
    """Models that are made by a command are on one machine and not on another."""
    records = [
        {"intermediate": name, "model": {"hash": name.partition("+")[2] or "main"}}
        for name in ("none", "mnli", "none+encoder-48", "none+decoder-48", "mnli+encoder-192")
    ]
    wanted = {"calibration": "main", "scaling": "encoder-192+encoder-48"}
    for name, behind in wanted.items():
        assert models_behind(all_studies()[name], records) == behind


def test_scaling_is_told_on_the_targets_that_there_are():
    study, rng = all_studies()["scaling"], np.random.default_rng(7)
    whole = made_up(study, rng, effect=5.0)
    there = {key: held for key, held in whole.metrics.items() if key[1] == "tydiqa"}
    one = replace(whole, metrics=there)
    assert study.value(one, ("tydiqa",)) == pytest.approx(5.0, abs=1.5)
    assert study.details(one, ("tydiqa",))["rise per doubling"]["encoder"] == study.value(
        one, ("tydiqa",)
    )


@pytest.mark.parametrize("name", ["scaling", "architecture", "data_size"])
def test_targets_in_english_alone_are_one_line(name):
    study = all_studies()[name]
    whole = made_up(study, np.random.default_rng(7), effect=5.0)
    english = replace(
        whole,
        languages={cell: {"en": held["en"]} for cell, held in whole.languages.items()},
        metrics={cell: {"en": held["en"]} for cell, held in whole.metrics.items()},
    )
    with pytest.raises(InputError, match=": rows in English alone, and it is asked of others"):
        study.value(english, study.targets)


def test_all_layers_are_as_many_as_the_model_has():
    study, rng = all_studies()["calibration"], np.random.default_rng(7)
    study = replace(study, conditions=study.elsewhere)
    for layers in (12, 24):
        told = study.details(replace(made_up(study, rng, 5.0), layers=layers), study.targets)
        assert [*told["overconfidence by layers kept"]] == [4.0, 8.0, layers]


class Titles(Progress):
    def __init__(self):
        self.titles = []

    def finished(self, job, seconds):
        self.titles.append(job.title)


@pytest.mark.parametrize("level", [5.0, -500.0], ids=["dark", "seen"])
def test_nothing_is_run_where_the_baseline_says_that_nothing_is_seen(
    tiny_model, tmp_path, monkeypatch, level
):
    """The gate's margins are moved: no model that is trained in a test learns XNLI."""
    monkeypatch.setattr("stilts_repro.claims.gate.ENGLISH", level)
    monkeypatch.setattr("stilts_repro.claims.gate.OTHERS", level)
    monkeypatch.setattr("stilts_repro.claims.gate.LARGEST_SHARE", 2.0 if level < 0 else 0.95)
    study = all_studies()["calibration"]
    one_model = tuple(c for c in study.conditions if c.world == MAIN)
    study = replace(study, conditions=one_model, seeds=1)
    request = Request(
        claims=(study,),
        scale=small_scale(replace(SMALL, rows=8), evaluation_rows=6),
        data="testbed",
        model=str(tiny_model),
        seeds=(0, 1, 2),
        output=tmp_path,
    )
    progress = Titles()
    result = run_study(request, progress)
    write_claims(tmp_path, result)
    validate(json.loads((tmp_path / "claims.json").read_text()), "claims", "claims.json")
    (entry,) = result["claims"]
    if level > 0:
        assert sorted(progress.titles) == [f"none -> mnli (seed {seed})" for seed in range(3)]
        assert (entry["verdict"], entry["observed"]["values"]) == ("not_measurable", [])
        assert entry["finding"]["answer"] == "not_measurable"
        assert entry["finding"]["reason"].startswith("xnli: ")
    else:
        assert len(progress.titles) == 3 + 3 * 6
        assert len(entry["observed"]["values"]) == 3
        assert entry["finding"]["low"] < entry["finding"]["high"]
        assert set(entry["details"][0]["nll"]) == {"none", "squad_v2", "hellaswag", "mnli"}


@pytest.mark.parametrize("level", [500.0, -500.0], ids=["dark", "seen"])
def test_the_gate_asks_the_worlds_of_a_study(tiny_model, tmp_path, monkeypatch, level):
    monkeypatch.setattr("stilts_repro.claims.gate.OTHERS", level)
    study = all_studies()["morphology"]
    one = replace(study, conditions=study.conditions[:1], value=lambda *_: 0.0, details=None)
    scale = small_scale(replace(SMALL, rows=8), evaluation_rows=40)
    request = Request((one,), scale, "testbed", str(tiny_model), (0,), tmp_path)
    progress = Titles()
    result = run_study(request, progress)
    world = study.conditions[0].world
    assert result["gates"]["tatoeba"]["reason"].startswith(f"{world}: ")
    assert result["gates"]["tatoeba"]["measurable"] == (level < 0)
    baseline, *rest = progress.titles
    assert baseline == f"none+{world} -> retrieval (seed 0)"
    assert len(rest) == (0 if level > 0 else 2)


def test_a_target_is_measurable_where_every_world_that_is_needed_sees_it():
    gates = {
        f"encoder-{width}": {"measurable": told == "seen", "reason": f"it is {told}"}
        for width, told in ((48, "dark"), (192, "seen"))
    }
    told = baselines.worst_of(gates)
    assert told == {"measurable": False, "reason": "encoder-48: it is dark"}
    assert baselines.worst_of({"encoder-192": gates["encoder-192"]})["measurable"]


def test_a_model_that_is_not_there_is_told_before_anything_is_run(tiny_model, tmp_path):
    scale = small_scale(replace(SMALL, rows=8), evaluation_rows=6)
    gone = tuple(replace(world, model=str(tmp_path / world.name)) for world in scale.worlds)
    request = Request(
        claims=(all_studies()["architecture"],),
        scale=replace(scale, dark={"pawsx": "so"}, worlds=gone),
        data="testbed",
        model=str(tiny_model),
        seeds=(0,),
        output=tmp_path,
    )
    progress = Titles()
    result = run_study(request, progress)
    assert result["dark"] == {}  # which is about means over the paper's nine
    (entry,) = result["claims"]
    assert not progress.titles and entry["verdict"] == "not_run" and "finding" not in entry
    assert entry["reason"].startswith("+encoder-96: its model is not there; make it with python -m")


def test_a_model_that_need_not_be_there_is_not_what_a_study_lacks(tiny_model, tmp_path):
    """Of the decoders one is shipped; the statistic is of encoders."""
    study = all_studies()["scaling"]
    asked = Asked(intermediate=("mnli",))
    request = Request(
        (study,), small_scale(), "testbed", str(tiny_model), (0,), tmp_path, asked=asked
    )
    (entry,) = run_study(request, Titles())["claims"]
    assert (entry["verdict"], entry["reason"]) == ("not_run", "without squad_v2")


def test_a_reference_names_the_command_that_made_it(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        "stilts_repro.cli.reproduce.write_reference", lambda *given: made.append(given[3].made_with)
    )
    study, claim, usual = all_studies()["alignment"], all_claims()["mnli_gain"], small_scale().model
    (tmp_path / "e5").mkdir()
    others = (str(tmp_path / "e5"), "hub")
    for asked, world in ((study, (usual, "testbed")), (claim, (usual, "testbed")), (claim, others)):
        model, data = world
        request = Request((asked,), small_scale(), data, model, (0, 1), tmp_path)
        entry = {"id": asked.id, "observed": {"values": [1.0, 2.0]}, "targets": ["tatoeba"]}
        entry |= {"left_out": {}, "without": {}, "seconds": 2.0, "model": "m", "data": "d"}
        store_reference(
            request, {"platform": "p", "versions": {}, "data": "testbed", "claims": [entry]}
        )
    wanted = ["study alignment --scale smoke --seeds 2", "mnli_gain --scale smoke --seeds 2"]
    wanted.append(f"{wanted[1]} --model e5 --data hub")
    for command, told in zip(made, wanted, strict=True):
        assert command.endswith(f"python -m reproduce {told}")
