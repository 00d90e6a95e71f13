"""What decides a row's hash and its part; parts and languages that lack."""

import hashlib
from datetime import date, datetime
from decimal import Decimal

import pytest

from stilts_repro.errors import InputError
from stilts_repro.jsonio import canonical
from stilts_repro.tasks.loading import choose_division, load_evaluation, load_training
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part
from stilts_repro.tasks.training_sets import TRAINING_SETS
from tests.rows import Given, one_line, question, questions

UNREAD = {
    "seen": datetime(2020, 1, 1),
    "day": date(2020, 1, 1),
    "blob": b"\xff\x00",
    "price": Decimal("1.1"),
    "none": float("nan"),
    "deep": [{"when": date(2020, 1, 1)}],
    "half": "\ud83d",
    "context ": {1, 2},
}
BUCC = TARGET_TASKS["bucc2018"]
WHOLE = Part("validation")


def translations(count):
    return [
        {
            "source_sentence": f"Satz {place}",
            "target_sentence": f"sentence {place}",
            "source_lang": f"de-{place}",
            "target_lang": f"en-{place}",
        }
        for place in range(count)
    ]


def more(rows):
    return [{**UNREAD, **row, "number": place} for place, row in enumerate(rows)]


def evaluated(name, config, rows, part=WHOLE):
    source = Given({(config, part.split): rows})
    return load_evaluation(source, TARGET_TASKS[name], part, "de", None)


@pytest.mark.parametrize("part", [WHOLE, Part("validation", 0, 5)])
def test_a_column_that_nothing_reads_changes_nothing(part):
    for name, config, rows in (
        ("mlqa", "MLQA.de.de", questions(60)),
        ("bucc2018", "bucc18.de", translations(60)),
    ):
        assert evaluated(name, config, more(rows), part) == evaluated(name, config, rows, part)
    rows = [{"premise": "a", "hypothesis": f"b {i}", "label": i % 3} for i in range(9)]
    loads = (
        load_training(Given({("mnli", "train"): held}), TRAINING_SETS["mnli"], None)
        for held in (rows, more(rows))
    )
    assert next(loads) == next(loads)


def test_bucc_is_divided_by_a_hash_of_the_hubs_own_four_columns():
    rows = translations(200)
    for low, high in ((0, 5), (5, 10)):
        due = [
            row["source_lang"]
            for row in rows
            if low <= hashlib.sha256(canonical(row).encode()).digest()[0] % 10 < high
        ]
        got = evaluated("bucc2018", "bucc18.de", rows, Part("validation", low, high))
        assert [example.source_id for example in got.examples] == due


@pytest.mark.parametrize(("name", "config"), [("mlqa", "MLQA.de.de"), ("bucc2018", "bucc18.de")])
def test_a_split_that_is_too_small_to_divide_is_named(name, config):
    rows = [question("a"), question("b")] if name == "mlqa" else translations(1)
    with pytest.raises(InputError) as error:
        choose_division(Given({(config, "validation"): rows}), TARGET_TASKS[name])
    one_line(
        error,
        f"google/xtreme {config}/validation: too small to divide",
        f"none of its {len(rows)} German rows is in validation[",
        "give more rows, or each part as a split of its own",
    )


def test_bucc_must_have_both_parts_in_some_language():
    rows = translations(3)
    source = Given({("bucc18.de", "validation"): rows, ("bucc18.fr", "test"): rows})
    with pytest.raises(InputError) as error:
        choose_division(source, BUCC)
    one_line(error, "BUCC: no language of google/xtreme has both validation (it is in de) and test")
    source.splits["bucc18.fr", "validation"] = rows
    assert choose_division(source, BUCC) == BUCC.divisions[0]


def test_a_configuration_whose_splits_are_left_open_must_be_there():
    rows, task = questions(6), TARGET_TASKS["mlqa"]
    source = Given({("MLQA.de.de", "validation"): rows, ("MLQA.de.de", "test"): rows})
    source.declared = lambda repo: {("MLQA.de.de", ""), ("2018", ""), ("no", "train")}
    assert choose_division(source, task) == task.divisions[0]
    source.declared = lambda repo: {("MLQA.de.de", ""), ("MLQA.en.en", "")}
    with pytest.raises(InputError, match=r"google/xtreme lacks MLQA\.en\.en; add"):
        choose_division(source, task)


@pytest.mark.parametrize("column", ["premise", "label"])
def test_half_a_character_is_refused_where_it_is_read(column):
    row = {"premise": "a", "hypothesis": "b", "label": 0} | {column: "so \ud83d"}
    with pytest.raises(InputError) as error:
        load_training(Given({("mnli", "train"): [row]}), TRAINING_SETS["mnli"], None)
    one_line(error, "mnli/train row 0: column", repr(column), r"half a character, '\ud83d'; mend")
    with pytest.raises(InputError, match=r"row 0: column 'tokens' holds half a character"):
        TRAINING_SETS["panx_en"].format.parse(
            {"tokens": ["ok", "\udc00"], "ner_tags": [0, 0]}, "row 0"
        )
