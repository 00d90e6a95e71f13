import math

import pytest

from stilts_repro.claims.gate import dark, gate


def record(scores, floors, *, n=300, share=0.4):
    return {
        "languages": {
            code: {"score": score, "floor": floors.get(code), "n": n, "largest_share": share}
            for code, score in scores.items()
        }
    }


FLOORS = {"en": 33.4, "sw": 33.4, "th": 33.4}


def test_a_baseline_well_above_the_floor_is_measurable():
    found = gate([record({"en": 66.0, "sw": 52.0, "th": 58.0}, FLOORS)])
    assert found["measurable"] and found["seeds"] == 1
    assert found["floor"]["en"]["mean"] == pytest.approx(32.6)
    # One seed: each row as if right or wrong, sqrt(.66 x .34 / 300), 1.96 of them.
    assert found["floor"]["en"]["low"] == pytest.approx(32.6 - 1.96 * 2.735, abs=0.01)
    others = math.sqrt(52 * 48 / 300 + 58 * 42 / 300) / 2
    assert found["floor"]["others"]["low"] == pytest.approx(21.6 - 1.96 * others, abs=0.01)


def test_a_constant_is_not_measurable():
    found = gate([record(FLOORS, FLOORS, share=1.0)])
    assert not found["measurable"]
    assert "100% of" in found["reason"] and "(5 needed)" in found["reason"]


def test_predictions_that_are_nearly_all_alike_are_not_measurable_whatever_they_score():
    scores = {"en": 90.0, "sw": 90.0, "th": 90.0}
    assert gate([record(scores, FLOORS, share=0.95)])["measurable"]
    found = gate([record(scores, FLOORS, share=0.951)])
    assert not found["measurable"] and found["reason"] == "95% of th's predictions are alike"


def test_with_three_seeds_the_bound_is_over_seeds():
    records = [record({"en": 33.4 + gain}, FLOORS) for gain in (8.0, 10.0, 12.0)]
    found = gate(records)
    # Student's t with two degrees of freedom is 4.303; deviation 2 over sqrt 3.
    assert found["floor"]["en"]["low"] == pytest.approx(10 - 4.3027 * 2 / math.sqrt(3), abs=1e-3)
    assert found["measurable"]
    wider = gate([record({"en": 33.4 + gain}, FLOORS) for gain in (7.0, 10.0, 13.0)])
    assert not wider["measurable"] and wider["reason"].startswith("en +10.0 over the floor")


def test_seeds_of_what_is_not_trained_are_one():
    """Retrieval by the model as it is has one score under every seed."""
    records = [record({"sw": 3.0, "th": 3.0}, {"sw": 0.3, "th": 0.3})] * 3
    once, thrice = (gate(records[:n])["floor"]["others"]["low"] for n in (1, 3))
    assert thrice == pytest.approx(once) and not gate(records)["measurable"]


def test_others_are_asked_for_less_than_english():
    found = gate([record({"sw": 40.0, "th": 40.0}, FLOORS, n=100_000)])
    assert found["measurable"] and [*found["floor"]] == ["others"]


def test_dark_targets_are_those_that_are_known_to_be():
    gates = {"xnli": {"measurable": False}, "udpos": {"measurable": True}}
    assert dark(gates, ["udpos", "xnli", "tatoeba"]) == ["xnli"]


def test_a_baseline_that_has_nothing_to_gain_is_told():
    told = gate([record({"zh": 100.0}, {"zh": 1.0}, n=68)])
    assert told["measurable"] and told["reason"].endswith("; so near to 100 that it can only lose")
    assert "lose" not in gate([record({"zh": 97.0}, {"zh": 1.0})])["reason"]
