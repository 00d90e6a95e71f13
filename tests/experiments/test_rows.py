import numpy as np
import pytest

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.experiments.material import with_shuffled_labels
from stilts_repro.experiments.rows import Row, baseline_of, is_control
from stilts_repro.paper import INTERMEDIATES


@pytest.mark.parametrize(
    ("name", "row", "tasks"),
    [
        ("none", Row("none"), ()),
        ("none+random", Row("none", random=True), ()),
        ("mnli", Row("mnli"), ("mnli",)),
        ("mnli+mlm", Row("mnli", mlm=True), ("mnli", "mlm")),
        ("mnli+shuffled", Row("mnli", shuffled=True), ("mnli",)),
        ("mnli+translated", Row("mnli", translated=True), ("mnli",)),
        ("none+unrelated", Row("none", unrelated=True), ()),
        ("mnli+mlm+unrelated", Row("mnli", mlm=True, unrelated=True), ("mnli", "mlm")),
        ("multitask", Row("multitask"), INTERMEDIATES),
    ],
)
def test_a_name_says_what_is_trained(name, row, tasks):
    assert Row.parse(name) == row
    assert row.tasks == tasks


@pytest.mark.parametrize("name", ["glue", "mnli+nothing", "", "+mlm"])
def test_unknown_rows_are_refused(name):
    with pytest.raises(InputError, match="row "):
        Row.parse(name)


def test_a_row_needs_its_data():
    there = ("mnli", "qqp")
    assert Row.parse("mnli").trains_on(there)
    assert not Row.parse("mnli+mlm").trains_on(there)
    assert Row.parse("mnli+mlm").trains_on((*there, "mlm"))
    assert not Row.parse("squad_v2").trains_on(there)
    assert Row.parse("multitask").trains_on(there)
    assert not Row.parse("multitask").trains_on(("mnli", "mlm"))
    assert Row.parse("none+random").trains_on(())


def test_a_row_of_another_world_needs_that_world():
    assert Row.parse("none+unrelated").needs == ("unrelated",)
    assert not Row.parse("none+unrelated").trains_on(("mnli",))
    assert Row.parse("none+unrelated").trains_on(("unrelated",))
    assert not Row.parse("mnli+unrelated").trains_on(("unrelated",))
    assert Row.parse("mnli+unrelated").trains_on(("mnli", "unrelated"))


def test_controls_are_known_as_such():
    names = ("mnli", "mnli+mlm", "multitask", "none", "mnli+shuffled", "none+random")
    assert [n for n in (*names, "none+unrelated") if is_control(n)] == [
        *("mnli+shuffled", "none+random", "none+unrelated")
    ]


def test_a_row_is_held_against_the_baseline_of_its_phase_one():
    rows = ("none", "mnli", "mnli+shuffled", "multitask+mlm", "mnli+random", "mnli+mlm+unrelated")
    assert [baseline_of(row) for row in rows] == [*["none"] * 4, "none+random", "none+unrelated"]
    assert baseline_of("none+random") == "none+random"


def test_translated_rows_are_a_set_of_their_own():
    row = Row.parse("mnli+translated+mlm")
    assert row.sets == {"mnli": "mnli+translated", "mlm": "mlm"}
    assert not row.trains_on(("mnli", "mlm")) and not row.trains_on(("mnli+translated",))
    assert row.trains_on(("mnli+translated", "mlm"))
    assert Row.parse("mnli").sets == {"mnli": "mnli"}


def test_shuffled_labels_are_the_same_labels():
    features = Features.of([[0, 1]] * 90, unit={"label": [0, 1, 2] * 30})
    shuffled = with_shuffled_labels(features, np.random.default_rng(0))
    assert sorted(shuffled.unit["label"]) == sorted(features.unit["label"])
    agree = np.mean(shuffled.unit["label"] == features.unit["label"])
    assert 0.1 < agree < 0.6
    with pytest.raises(InputError, match=r"\+shuffled"):
        with_shuffled_labels(Features.of([[0]], unit={"start": [0]}), np.random.default_rng(0))
