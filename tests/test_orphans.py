"""Every number has a script, every script a number, and they say the same."""

import pkgutil

import reproduce
from reproduce import studies
from reproduce.catalogue import ORDER, STUDIES, all_claims, all_studies
from stilts_repro.claims.expected import expected_claims, load_expected
from stilts_repro.claims.interval import FEWEST_SEEDS
from stilts_repro.claims.schema import EXPECTED_RESULTS
from stilts_repro.claims.schema import STUDIES as FILES
from stilts_repro.experiments.scales import SCALES, TESTBED_MODEL, UNRELATED, UNRELATED_MODEL
from stilts_repro.models.pretrained import fingerprint


def test_scripts_and_expected_results_match_one_to_one():
    assert sorted(all_claims()) == expected_claims()


def test_every_script_is_in_the_catalogue_and_holds_the_claim_of_its_name():
    scripts = {module.name for module in pkgutil.iter_modules(reproduce.__path__)}
    assert sorted(scripts - {"__main__", "catalogue", "studies"}) == sorted(ORDER)
    assert [claim.id for claim in all_claims().values()] == list(ORDER)


def test_every_study_has_a_script_a_file_and_a_page():
    scripts = sorted(module.name for module in pkgutil.iter_modules(studies.__path__))
    pages = sorted(path.stem for path in (EXPECTED_RESULTS.parent / "docs/studies").glob("*.md"))
    assert scripts == sorted(STUDIES) == expected_claims(FILES) == pages
    assert [study.id for study in all_studies().values()] == list(STUDIES)


def test_the_testbeds_references_were_made_on_the_shipped_models():
    shipped, unrelated = (fingerprint(str(m)) for m in (TESTBED_MODEL, UNRELATED_MODEL))
    for name, claim in all_claims().items():
        reference = load_expected(name).reference
        assert not claim.conditions or "smoke" in reference, name
        models = {unrelated if c.world == UNRELATED.name else shipped for c in claim.conditions}
        for scale, made in reference.items():
            on_the_testbed = SCALES[scale].data == "testbed"
            assert on_the_testbed == (made.model == "+".join(sorted(models))), (name, scale)
            assert on_the_testbed == (made.data is None), (name, scale)
            assert all(len(run.values) >= FEWEST_SEEDS for run in made.runs.values())
