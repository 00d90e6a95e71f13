"""`--plan` against what the run then does."""

import pytest

from stilts_repro.claims.cost import Cost, Costs, estimate
from stilts_repro.claims.measure import measure, plan_of
from stilts_repro.experiments.store import Store
from tests.claims.test_run_options import run_request

NAMES = ("squad_gain", "mnli_gain")


@pytest.fixture(scope="module")
def planned(tiny_model, tmp_path_factory):
    """What was estimated, and then the run itself: its request and the results of its jobs."""
    request = run_request(tiny_model, tmp_path_factory.mktemp("cost") / "out", NAMES)
    before = estimate(request)
    assert not request.output.exists()
    measure(request)
    store = Store(request.output)
    return before, request, [store.result(path.name) for path in store.jobs.iterdir()], store


def test_jobs_and_tokens_are_those_that_the_run_then_has(planned):
    before, _, results, _ = planned
    trained = [result for result in results if "steps" in result]
    assert before.left == before.whole
    assert before.whole.jobs == len(results)
    assert before.whole.trainings == len(trained)
    assert before.whole.trained == sum(result["tokens"] for result in trained)


def test_retrieval_embeds_what_was_estimated(planned):
    _, request, _, store = planned
    plan, costs = plan_of(request), Costs(request.model)
    jobs = [job for job in plan.jobs.values() if job.kind == "retrieval"]
    assert len(jobs) == 3
    for job in jobs:
        last = store.record(store.result(job.hash)["records"][-1])  # it has counted all before it
        assert costs.of(job).evaluated == last["tokens"]


def test_nothing_is_left_of_a_finished_run(planned):
    before, request, _, _ = planned
    after = estimate(request)
    assert after.left == Cost()
    assert after.whole == before.whole


def test_cells_that_share_nothing_train_once_more_each(planned):
    before, _, _, _ = planned
    # Three rows by nine targets: seven of them trained for each, two of the rows before each.
    assert before.unshared.trainings == 3 * 7 + 2 * 9
    assert before.unshared.trained > before.whole.trained
    assert before.unshared.evaluated > 0


def test_rates_are_measured_where_something_is_trained(planned):
    rates = planned[0].rates
    assert rates.trained > 0 and rates.evaluated > 0
    assert rates.seconds(Cost(trained=round(rates.trained * 10))) == pytest.approx(10, rel=1e-3)
