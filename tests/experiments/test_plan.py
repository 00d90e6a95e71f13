from dataclasses import replace

import numpy as np
import pytest

from reproduce.catalogue import all_claims
from stilts_repro.errors import InputError
from stilts_repro.experiments import material
from stilts_repro.experiments.conditions import MULTITASK, NONE, Cell, World, after
from stilts_repro.experiments.jobs import (
    IntermediateTraining,
    RetrievalEvaluation,
    TargetTraining,
)
from stilts_repro.experiments.material import Material
from stilts_repro.experiments.scales import SCALES, UNRELATED, retrieval_layer
from stilts_repro.experiments.sources import TESTBED_TRANSLATOR, inventory_of
from stilts_repro.models.pretrained import load_tokenizer
from stilts_repro.paper import INTERMEDIATES, TARGETS
from stilts_repro.tasks.targets import TARGET_TASKS
from tests.planning import WORLD, ground_of, plan_of_cells

SCALE = SCALES["smoke"]


def make_plan(cells, scale=SCALE, world=WORLD, **changes):
    ground = ground_of(inventory_of("testbed", 4), world, ("mlm",), **changes)
    return plan_of_cells(scale, cells, ground)


def cells(claim, seed=0):
    return all_claims()[claim].cells(TARGETS, seed)


def phase_two(plan):
    return [job for job in plan.jobs.values() if isinstance(job, IntermediateTraining)]


def test_targets_that_train_on_one_set_share_one_training():
    plan = make_plan([Cell(NONE, "xquad", 0), Cell(NONE, "mlqa", 0)])
    assert len(plan.jobs) == 1
    (job,) = plan.jobs.values()
    assert job.tasks == ("xquad", "mlqa")


def test_a_row_of_the_grid_is_one_phase_two_training_six_targets_and_one_retrieval():
    plan = make_plan([Cell(after("mnli"), target, 0) for target in TARGETS])
    kinds = [type(job) for job in plan.jobs.values()]
    assert [
        kinds.count(kind) for kind in (IntermediateTraining, TargetTraining, RetrievalEvaluation)
    ] == [1, 6, 1]


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


def test_phase_two_comes_first_for_most_jobs_of_a_claim_wait_for_it():
    kinds = [type(job) for job in make_plan(cells("squad_gain")).jobs.values()]
    assert kinds.count(IntermediateTraining) == 1 and kinds[0] is IntermediateTraining


def test_multitask_trains_on_all_intermediate_tasks():
    (job,) = phase_two(make_plan([Cell(MULTITASK, "xnli", 0)]))
    assert job.tasks == INTERMEDIATES == tuple(job.recipes)


def test_a_world_has_learning_rates_of_its_own_in_each_phase():
    asked = [
        Cell(after("squad_v2", then="mnli"), "xnli", 0),
        Cell(after("mnli"), "udpos", 0),
        Cell(after("mnli"), "tatoeba", 0),
    ]

    def rates(**changes):
        jobs = make_plan(asked, world=replace(WORLD, **changes)).jobs.values()
        told = {kind: [] for kind in (IntermediateTraining, TargetTraining, RetrievalEvaluation)}
        for job in jobs:
            told[type(job)] += [recipe.learning_rate for recipe in job.recipes.values()]
        return told[IntermediateTraining], told[TargetTraining]

    two, (xnli, pos) = rates()
    assert len(two) == 3
    assert rates(intermediate_rate=2.0) == ([2 * rate for rate in two], [2 * xnli, pos])
    assert rates(target_rate=4.0) == (two, [xnli, 4 * pos])


def test_a_targets_address_moves_with_the_dev_rows_that_choose_its_best_step():
    recipe = SCALE.target["tydiqa_en"]
    for every, held in ((None, {"tydiqa", "train/tydiqa_en"}), (100, {"dev/tydiqa_en"})):
        target = {**SCALE.target, "tydiqa_en": replace(recipe, evaluate_every=every)}
        plan = make_plan([Cell(NONE, "tydiqa", 0)], replace(SCALE, target=target))
        (job,) = plan.jobs.values()
        assert held <= {*job.data}
        assert ("dev/tydiqa_en" in job.data) == bool(every)
    inventory = inventory_of("testbed", 4)
    assert job.data["dev/tydiqa_en"] == inventory.dev("tydiqa_en").hash


def test_masked_lm_is_mixed_into_a_training_and_no_task_of_it():
    plan = make_plan([Cell(after("mnli", mlm=mlm), "xnli", 0) for mlm in (False, True)])
    plain, mixed = phase_two(plan)
    assert plain.tasks == mixed.tasks == ("mnli",)
    assert (plain.continued, mixed.continued) == (None, SCALE.continued)
    assert set(mixed.data) - set(plain.data) == {"mlm"}


def changed(recipe_set: str) -> dict:
    return {recipe_set: replace(SCALE.target[recipe_set], learning_rate=1e-4)}


@pytest.mark.parametrize(
    ("scale", "world", "changes", "moved"),
    [
        (SCALE, WORLD, {"environment": {"torch": "2.14.0"}}, True),
        (SCALE, WORLD, {"model_hash": "abd"}, True),
        (SCALE, World("", "/another/place", "testbed"), {}, False),
        (replace(SCALE, target={**SCALE.target, **changed("mnli")}), WORLD, {}, True),
        (replace(SCALE, target={**SCALE.target, **changed("squad_v1")}), WORLD, {}, False),
    ],
)
def test_a_jobs_address_moves_with_what_its_number_depends_on_and_nothing_else(
    scale, world, changes, moved
):
    cell = Cell(NONE, "xnli", 0)
    before = make_plan([cell]).job_of(cell).hash
    assert (make_plan([cell], scale, world, **changes).job_of(cell).hash != before) is moved


def test_the_seed_and_the_start_are_part_of_the_address():
    different = [Cell(NONE, "xnli", 0), Cell(NONE, "xnli", 1), Cell(after("mnli"), "xnli", 0)]
    plan = make_plan(different)
    assert len({plan.job_of(cell).hash for cell in different}) == 3


def test_a_row_stands_on_the_model_and_the_data_of_its_world():
    related = ground_of(inventory_of("testbed", 4))
    apart = ground_of(inventory_of(UNRELATED.data, 4), UNRELATED, model_hash="other")
    unrelated = (after(world=UNRELATED.name), after("mnli", world=UNRELATED.name))
    asked = [Cell(condition, "xquad", 0) for condition in (NONE, *unrelated)]
    plan = plan_of_cells(SCALE, asked, related, apart)
    plain, baseline, row = (plan.job_of(cell) for cell in asked)
    for job in (baseline, row, plan.jobs[row.start]):
        assert plan.worlds[job.condition.world] == UNRELATED
        assert job.setting == apart.setting
    assert plain.setting == related.setting
    assert baseline.data["xquad"] == row.data["xquad"] != plain.data["xquad"]
    assert baseline.data["train/squad_v1"] == plain.data["train/squad_v1"]  # English is the same
    assert plain.hash == make_plan(asked[:1]).job_of(asked[0]).hash


def test_one_claim_runs_on_several_models():
    """A study of model sizes names a world for each."""
    names = ("small", "large")
    grounds = [
        ground_of(inventory_of("testbed", 4), World(name, f"/{name}", "testbed"), model_hash=name)
        for name in names
    ]
    asked = [Cell(after("mnli", world=name), "xnli", 0) for name in names]
    plan = plan_of_cells(SCALE, asked, *grounds)
    jobs = [plan.job_of(cell) for cell in asked]
    assert [job.setting.model_hash for job in jobs] == list(names)
    assert len(plan.jobs) == 4  # two phases of two models
    assert [str(job.condition) for job in jobs] == ["mnli+small", "mnli+large"]


def test_a_world_that_the_plan_lacks_is_named():
    with pytest.raises(InputError, match=r"\+unrelated: this plan has no such world"):
        make_plan([Cell(after(world="unrelated"), "xquad", 0)])


def test_every_scale_has_a_recipe_for_every_training():
    for scale in SCALES.values():
        assert set(scale.intermediate) >= set(INTERMEDIATES)
        assert set(scale.target) >= {TARGET_TASKS[t].train_on for t in TARGETS} - {None}


def test_the_retrieval_layer_is_the_papers_at_its_depth():
    assert [retrieval_layer(layers) for layers in (24, 12, 6)] == [14, 7, 4]


def test_who_translates_is_part_of_a_translated_rows_address_and_of_no_other():
    def jobs(condition, spec):
        ground = ground_of(inventory_of("testbed", 4, None, spec), sets=("mnli+translated",))
        return plan_of_cells(SCALE, [Cell(condition, "xnli", 0)], ground).jobs

    plain, mixed = after("mnli"), after("mnli", translated=True)
    assert set(jobs(mixed, None)) == set(jobs(mixed, TESTBED_TRANSLATOR))
    assert set(jobs(mixed, None)).isdisjoint(jobs(mixed, "testbed:0.5"))
    assert set(jobs(plain, None)) == set(jobs(plain, "testbed:0.5"))
    job = next(iter(jobs(mixed, None).values()))
    assert job.tasks == ("mnli",)
    assert set(job.translation) == {"qaa", "qac", "qag"}
    assert "error rate 0.33" in job.translation["qaa"]


def test_fewer_rows_are_among_more_and_others_with_each_seed(tiny_model, monkeypatch):
    inventory = inventory_of("testbed", 4)
    monkeypatch.setattr(material, "inventory_in", lambda *_: inventory)
    tokenizer = load_tokenizer(str(tiny_model))

    def read(seed, **changes):
        plan = make_plan([Cell(after("mnli", **changes), "xnli", seed)])
        (job,) = phase_two(plan)
        task = Material(job, WORLD, tokenizer).task("mnli")
        features = task.features
        rows = {ids.tobytes() for ids in np.split(features.ids, features.offsets[1:-1])}
        return rows, len(features) * task.recipe.epochs

    (quarter, steps), (half, _), (whole, all_steps) = (read(0, divided=n) for n in (4, 2, 1))
    assert quarter < half < whole
    assert steps == all_steps / 4
    assert read(0, divided=4, repeated=True) == (quarter, all_steps)
    assert read(1, divided=4)[0] != quarter


def test_a_task_after_another_starts_from_it_and_reads_what_it_would_read_alone():
    direct, then = after("mnli"), after("hellaswag", shuffled=True, then="mnli")
    plan = make_plan([Cell(direct, "tatoeba", 0), Cell(then, "tatoeba", 0)])
    alone, first, second = phase_two(plan)
    assert (first.condition, first.tasks) == (after("hellaswag", shuffled=True), ("hellaswag",))
    assert (second.start, second.tasks) == (first.hash, ("mnli",))
    assert second.recipes == alone.recipes
    assert second.purpose == alone.purpose  # the same batches in the same order
    assert plan.job_of(Cell(then, "tatoeba", 0)).start == second.hash
