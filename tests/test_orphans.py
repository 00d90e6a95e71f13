"""Every number has a script, every script a number, and they say the same."""

from reproduce.command import ORDER, all_claims
from stilts_repro.claims.check import FEWEST_SEEDS
from stilts_repro.claims.expected import expected_claims, load_expected
from stilts_repro.experiments.rows import Row
from stilts_repro.experiments.scales import TESTBED_MODEL
from stilts_repro.experiments.unrelated import UNRELATED_MODEL
from stilts_repro.models.pretrained import fingerprint


def test_scripts_and_expected_results_match_one_to_one():
    assert sorted(all_claims()) == expected_claims()


def test_each_script_holds_the_claim_of_its_name_and_the_statement_of_its_file():
    for name, claim in all_claims().items():
        assert claim.id == name
        assert claim.statement == load_expected(name).statement


def test_the_headline_claims_come_in_the_papers_order():
    assert tuple(all_claims())[: len(ORDER)] == ORDER


def test_the_testbeds_references_were_made_on_the_shipped_models():
    shipped, unrelated = (fingerprint(str(m)) for m in (TESTBED_MODEL, UNRELATED_MODEL))
    for name, claim in all_claims().items():
        reference = load_expected(name).reference
        assert not claim.intermediates or "smoke" in reference, name
        models = {unrelated if Row.parse(r).unrelated else shipped for r in claim.intermediates}
        for scale, made in reference.items():
            assert made.model == "+".join(sorted(models)), (name, scale)
            assert len(made.values) >= FEWEST_SEEDS
