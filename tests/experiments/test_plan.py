from dataclasses import replace

import pytest

from reproduce.command import all_claims
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.plan import Cell, Plan, Setting
from stilts_repro.experiments.scales import SCALES, UNRELATED_DATA, retrieval_layer
from stilts_repro.experiments.sources import TESTBED_TRANSLATOR, inventory_of
from stilts_repro.experiments.unrelated import unrelated_setting
from stilts_repro.models.pretrained import fingerprint
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.tasks.tables import TARGET_TASKS

SCALE = SCALES["smoke"]
SETTING = Setting("smoke", "/a/model", "abc", "def", "testbed", 4, 128, {"torch": "2.13.0"})


def make_plan(cells, scale=SCALE, setting=SETTING):
    plan = Plan(scale, setting, inventory_of("testbed", 4))
    plan.add(cells)
    return plan


def cells(claim, seed=0):
    return all_claims()[claim].cells(tuple(TARGET_TASKS), seed)


def test_targets_that_train_on_one_set_share_one_training():
    plan = make_plan([Cell("none", "xquad", 0), Cell("none", "mlqa", 0)])
    assert len(plan.jobs) == 1
    (job,) = plan.jobs.values()
    assert job.tasks == ("xquad", "mlqa")


def test_a_row_of_the_grid_is_one_phase_two_training_six_targets_and_one_retrieval():
    plan = make_plan([Cell("mnli", target, 0) for target in TARGET_TASKS])
    kinds = [job.kind for job in plan.jobs.values()]
    assert (kinds.count("intermediate"), kinds.count("target"), kinds.count("retrieval")) == (
        1,
        6,
        1,
    )


def test_all_claims_share_the_baseline():
    alone = {name: make_plan(cells(name)).jobs for name in ("squad_gain", "mnli_gain")}
    both = make_plan([*cells("squad_gain"), *cells("mnli_gain")]).jobs
    assert set(both) == set(alone["squad_gain"]) | set(alone["mnli_gain"])
    assert len(both) == 2 * len(alone["mnli_gain"]) - 7  # six target trainings and retrieval


def test_every_job_comes_after_what_it_starts_from():
    seen = set()
    for job in make_plan(cells("xtreme_gain")).jobs.values():
        assert job.start is None or job.start in seen
        seen.add(job.hash)


def test_multitask_trains_on_all_intermediate_tasks():
    plan = make_plan([Cell("multitask", "xnli", 0)])
    (job,) = (job for job in plan.jobs.values() if job.kind == "intermediate")
    assert job.tasks == INTERMEDIATES


def changed(recipe_set: str) -> dict:
    return {recipe_set: replace(SCALE.target[recipe_set], learning_rate=1e-4)}


@pytest.mark.parametrize(
    ("scale", "setting", "moved"),
    [
        (SCALE, replace(SETTING, environment={"torch": "2.14.0"}), True),
        (SCALE, replace(SETTING, model_hash="abd"), True),
        (SCALE, replace(SETTING, model="/another/place"), False),
        (replace(SCALE, target={**SCALE.target, **changed("mnli")}), SETTING, True),
        (replace(SCALE, target={**SCALE.target, **changed("squad_v1")}), SETTING, False),
    ],
)
def test_a_jobs_address_moves_with_what_its_number_depends_on_and_nothing_else(
    scale, setting, moved
):
    cell = Cell("none", "xnli", 0)
    before = make_plan([cell]).job_of(cell).hash
    assert (make_plan([cell], scale, setting).job_of(cell).hash != before) is moved


def test_the_seed_and_the_start_are_part_of_the_address():
    found = [Cell("none", "xnli", 0), Cell("none", "xnli", 1), Cell("mnli", "xnli", 0)]
    plan = make_plan(found)
    assert len({plan.job_of(cell).hash for cell in found}) == 3


@pytest.fixture
def unrelated(tiny_model, monkeypatch):
    monkeypatch.setattr("stilts_repro.experiments.unrelated.UNRELATED_MODEL", tiny_model)
    setting = unrelated_setting(replace(SETTING, translator=TESTBED_TRANSLATOR), 128)
    return setting, inventory_of(UNRELATED_DATA, 4)


def test_an_unrelated_row_has_the_data_and_model_of_its_world(unrelated, tiny_model):
    plan = Plan(SCALE, SETTING, inventory_of("testbed", 4), unrelated=unrelated)
    cells = [Cell(row, "xquad", 0) for row in ("none", "none+unrelated", "mnli+unrelated")]
    plan.add(cells)
    plain, baseline, row = (plan.job_of(cell) for cell in cells)
    for job in (baseline, row, plan.jobs[row.start]):
        assert (job.setting.data, job.setting.model) == (UNRELATED_DATA, str(tiny_model))
        assert job.setting.model_hash == fingerprint(str(tiny_model))
        assert job.setting.translator is None
    assert plain.setting == SETTING
    assert baseline.data["xquad"] == row.data["xquad"] != plain.data["xquad"]
    assert baseline.data["train/squad_v1"] == plain.data["train/squad_v1"]  # English is the same
    assert plain.hash == make_plan(cells[:1]).job_of(cells[0]).hash


def test_the_unrelated_worlds_model_is_part_of_its_jobs_addresses(unrelated):
    setting, inventory = unrelated
    cell = Cell("none+unrelated", "xquad", 0)
    hashes = set()
    for model_hash in ("one", "other"):
        world = replace(setting, model_hash=model_hash), inventory
        plan = Plan(SCALE, SETTING, inventory_of("testbed", 4), unrelated=world)
        plan.add([cell])
        hashes.add(plan.job_of(cell).hash)
    assert len(hashes) == 2


def test_there_is_no_unrelated_world_without_its_model_or_off_the_testbed(tmp_path, monkeypatch):
    monkeypatch.setattr("stilts_repro.experiments.unrelated.UNRELATED_MODEL", tmp_path / "no")
    with pytest.raises(MissingError, match=r"pretrain --testbed --unrelated") as missing:
        unrelated_setting(SETTING, 128)
    assert "\n" not in str(missing.value)
    with pytest.raises(InputError, match="only the testbed"):
        unrelated_setting(replace(SETTING, data="hub"), 128)
    with pytest.raises(InputError, match="unrelated"):
        make_plan([Cell("none+unrelated", "xquad", 0)])


def test_every_scale_has_a_recipe_for_every_training():
    for scale in SCALES.values():
        assert set(scale.intermediate) == set(INTERMEDIATES)
        assert set(scale.target) == {t.train_on for t in TARGET_TASKS.values()} - {None}


def test_the_retrieval_layer_is_the_papers_at_its_depth():
    assert [retrieval_layer(layers) for layers in (24, 12, 6)] == [14, 7, 4]


def test_who_translates_is_part_of_a_translated_rows_address_and_of_no_other():
    def jobs(row, spec, data="testbed"):
        inventory = inventory_of(data, 4, None, spec)
        inventory.intermediates = (row,)
        plan = Plan(SCALE, replace(SETTING, translator=spec), inventory)
        plan.add([Cell(row, "xnli", 0)])
        return plan.jobs

    assert set(jobs("mnli+translated", None)) == set(jobs("mnli+translated", TESTBED_TRANSLATOR))
    assert set(jobs("mnli+translated", None)).isdisjoint(jobs("mnli+translated", "testbed:0.5"))
    assert set(jobs("mnli", None)) == set(jobs("mnli", "testbed:0.5"))
    (job,) = (j for j in jobs("mnli+translated", None).values() if j.kind == "intermediate")
    assert job.tasks == ("mnli",)
    assert set(job.translation) == {"qaa", "qac", "qag"}
    assert "error rate 0.33" in job.translation["qaa"]
