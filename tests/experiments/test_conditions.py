import numpy as np
import pytest

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import MULTITASK, NONE, Row, after
from stilts_repro.experiments.material import with_shuffled_labels
from stilts_repro.paper import INTERMEDIATES


@pytest.mark.parametrize(
    ("condition", "name", "baseline"),
    [
        (NONE, "none", "none"),
        (after(random=True), "none+random", "none+random"),
        (after("mnli"), "mnli", "none"),
        (after("mnli", mlm=True), "mnli+mlm", "none"),
        (after("mnli", shuffled=True), "mnli+shuffled", "none"),
        (after("hellaswag", shuffled=True, then="mnli"), "hellaswag+shuffled>mnli", "none"),
        (after("mnli", divided=4, shuffled=True), "mnli/4+shuffled", "none"),
        (after("mnli", divided=4, repeated=True), "mnli/4+repeated", "none"),
        (after("mnli", translated=True, mlm=True), "mnli+mlm+translated", "none"),
        (after("mnli", random=True), "mnli+random", "none+random"),
        (after(world="unrelated"), "none+unrelated", "none+unrelated"),
        (after("mnli", mlm=True, world="unrelated"), "mnli+mlm+unrelated", "none+unrelated"),
        (after("mnli", world="small"), "mnli+small", "none+small"),
        (MULTITASK, "multitask", "none"),
        (after("mnli", "qqp"), "mnli&qqp", "none"),
    ],
)
def test_a_condition_is_printed_and_held_against_the_baseline_of_its_phase_one(
    condition, name, baseline
):
    assert str(condition) == name
    assert str(condition.baseline) == baseline


def test_a_row_needs_its_data():
    there = ("mnli", "qqp")
    assert Row(("mnli",)).possible(there)
    assert not Row(("mnli",), mlm=True).possible(there)
    assert Row(("mnli",), mlm=True).possible((*there, "mlm"))
    assert not Row(("squad_v2",)).possible(there)
    assert Row(INTERMEDIATES).possible(there)
    assert not Row(INTERMEDIATES).possible(("mnli", "mlm"))
    assert Row(random=True).possible(())
    assert not Row(("mnli",), then="qqp").possible(("mnli",))
    assert Row(("mnli",), then="qqp").possible(("mnli", "qqp"))


def test_controls_are_known_as_such():
    rows = (Row(), Row(("mnli",)), Row(("mnli",), mlm=True), Row(INTERMEDIATES))
    assert not any(row.control for row in rows)
    assert Row(("mnli",), shuffled=True).control and Row(random=True).control


def test_translated_rows_are_a_set_of_their_own():
    row = Row(("mnli",), mlm=True, translated=True)
    assert row.sets == {"mnli": "mnli+translated"}
    assert row.needs == ("mnli+translated", "mlm")
    assert not row.possible(("mnli", "mlm")) and not row.possible(("mnli+translated",))
    assert row.possible(("mnli+translated", "mlm"))
    assert Row(("mnli",)).sets == {"mnli": "mnli"}


def test_shuffled_labels_are_the_same_labels():
    features = Features.of([[0, 1]] * 90, unit={"label": [0, 1, 2] * 30})
    shuffled = with_shuffled_labels(features, np.random.default_rng(0))
    assert sorted(shuffled.unit["label"]) == sorted(features.unit["label"])
    agree = np.mean(shuffled.unit["label"] == features.unit["label"])
    assert 0.1 < agree < 0.6
    with pytest.raises(InputError, match=r"\+shuffled"):
        with_shuffled_labels(Features.of([[0]], unit={"start": [0]}), np.random.default_rng(0))
