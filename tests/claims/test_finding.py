import numpy as np
import pytest

from stilts_repro.claims.expected import Design
from stilts_repro.claims.finding import finding

UP, DOWN = Design("Does it rise?", 2.0), Design("Does it fall?", -2.0)


@pytest.mark.parametrize(
    ("values", "up", "down"),
    [
        ([5.0, 6.0, 5.5], "supported", "contradicted"),
        ([-5.0, -6.0, -5.5], "contradicted", "supported"),
        ([0.5, 0.6, 0.55], "absent", "absent"),  # above zero, and too small to matter
        ([-0.3, 0.4, 0.1], "absent", "absent"),
        ([-9.0, 8.0, 1.0], "inconclusive", "inconclusive"),
        ([5.0, 6.0], "inconclusive", "inconclusive"),  # of two seeds nothing is known
    ],
)
def test_every_answer_can_come_out(values, up, down):
    assert finding(UP, values)["answer"] == up
    assert finding(DOWN, values)["answer"] == down


def test_what_the_gate_says_comes_before_any_value():
    found = finding(UP, [5.0, 6.0, 5.5], "pawsx is at chance")
    assert (found["answer"], found["reason"]) == ("not_measurable", "pawsx is at chance")
    assert finding(UP, [], "pawsx is at chance")["low"] is None


def test_the_interval_covers_a_planted_effect_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = [finding(UP, [*rng.normal(3.0, 1.0, 5)]) for _ in range(400)]
    covered = sum(found["low"] <= 3.0 <= found["high"] for found in held) / 4
    assert 92 <= covered <= 98


def test_an_effect_of_the_size_that_can_be_seen_is_seen_four_times_in_five():
    rng = np.random.default_rng(1)
    sizes = [finding(UP, [*rng.normal(0.0, 1.0, 5)])["seen"] for _ in range(200)]
    typical = float(np.median(sizes))
    found = [finding(UP, [*rng.normal(typical, 1.0, 5)]) for _ in range(400)]
    assert 0.6 < np.mean([one["low"] > 0 for one in found]) < 0.9
