"""What the numbers of a column of classes mean is said beside the data, and read there."""

import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from stilts_repro.data.columns import ClassName, rows_of
from stilts_repro.errors import InputError

NAMES = ["contradiction", "entailment", "neutral"]
LABEL = {"names": NAMES, "_type": "ClassLabel"}
OLD = {"feature": LABEL, "length": -1, "id": None, "_type": "Sequence"}


def table(rows, **features):
    """A table as `datasets` writes it; a keyword a feature."""
    made = pa.Table.from_pylist(rows)
    info = {"info": {"features": features}}
    return made.replace_schema_metadata({"huggingface": json.dumps(info)})


def test_a_class_comes_by_name_and_keeps_its_number():
    rows = rows_of(table([{"label": 2, "text": "a"}, {"label": 0, "text": "b"}], label=LABEL), "x")
    assert rows == [
        {"label": "neutral", "text": "a"},
        {"label": "contradiction", "text": "b"},
    ]
    label = rows[0]["label"]
    assert isinstance(label, ClassName) and NAMES[label] == label
    assert label.among == tuple(NAMES)


@pytest.mark.parametrize(
    "feature",
    [OLD, {"feature": LABEL, "_type": "List"}, {"feature": LABEL, "_type": "LargeList"}, [LABEL]],
)
def test_classes_may_lie_in_lists(feature):
    rows = [{"tags": [1, 0]}, {"tags": []}, {"tags": None}]
    assert [row["tags"] for row in rows_of(table(rows, tags=feature), "x")] == [
        ["entailment", "contradiction"],
        [],
        None,
    ]
    deep = table([{"tags": [[2], [0, 1]]}], tags={"feature": feature, "_type": "List"})
    assert rows_of(deep, "x")[0]["tags"] == [["neutral"], ["contradiction", "entailment"]]


def test_what_is_unlabelled_or_null_stays():
    rows = rows_of(table([{"label": -1}, {"label": None}, {"label": 1}], label=LABEL), "x")
    assert [row["label"] for row in rows] == [-1, None, "entailment"]
    assert type(rows[0]["label"]) is int


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"label": {"dtype": "int64", "_type": "Value"}},
        {"label": {"num_classes": 3, "_type": "ClassLabel"}},
        {"answers": {"feature": {"text": {"dtype": "string", "_type": "Value"}}, "_type": "List"}},
        {"other": LABEL},
    ],
)
def test_numbers_without_names_stay_numbers(features):
    assert rows_of(table([{"label": 2}], **features), "x") == [{"label": 2}]


def test_a_table_that_is_not_of_datasets_has_numbers_unless_told_otherwise():
    plain = pa.Table.from_pylist([{"label": 2}])
    assert rows_of(plain, "x") == [{"label": 2}]
    assert rows_of(plain, "x", {"label": tuple(NAMES)}) == [{"label": "neutral"}]
    own = table([{"label": 2}], label=LABEL)  # what the file says goes before
    assert rows_of(own, "x", {"label": ("a", "b", "c")}) == [{"label": "neutral"}]


def test_names_that_outlived_their_numbers_are_not_looked_at():
    assert rows_of(table([{"label": "neutral"}], label=LABEL), "x") == [{"label": "neutral"}]


def test_a_number_without_a_name_is_refused():
    with pytest.raises(InputError, match=r"^x: column 'label' holds class 3 of 3; mend the file"):
        rows_of(table([{"label": 3}], label=LABEL), "x")


@pytest.mark.parametrize("told", [b"{", b"[]", b'{"info": {"features": {"label": [[]]}}}'])
def test_broken_features_are_refused(told):
    plain = pa.Table.from_pylist([{"label": 2}]).replace_schema_metadata({b"huggingface": told})
    with pytest.raises(InputError, match=r"^x: what it says of its features") as caught:
        rows_of(plain, "x")
    assert "\n" not in str(caught.value)


def test_columns_that_python_has_no_values_for_are_left_out():
    strange = pa.table(
        {
            "text": ["a", "b"],
            "day": pa.array([10**7, 0], pa.date32()),
            "moment": pa.array([0, 2**62], pa.timestamp("us")),
            "zone": pa.array([0, 1], pa.timestamp("us", "Mars/Olympus")),
            "born": pa.array([date(1990, 1, 1), None]),
            "price": pa.array([Decimal("1.10"), None]),
            "blob": pa.array([b"\xff", None]),
        }
    )
    assert rows_of(strange, "x") == [
        {"text": "a", "born": date(1990, 1, 1), "price": Decimal("1.10"), "blob": b"\xff"},
        {"text": "b", "born": None, "price": None, "blob": None},
    ]


def test_a_table_without_a_column_that_python_reads_has_its_rows_all_the_same():
    rows = rows_of(pa.table({"day": pa.array([10**7, 10**7], pa.date32())}), "x")
    assert rows == [{}, {}] and len(rows.numbers) == 2
