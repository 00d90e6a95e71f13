from itertools import pairwise

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError, MissingError
from stilts_repro.tasks.loading import (
    choose_division,
    languages,
    load_dev,
    load_evaluation,
    load_training,
    load_unpaired,
)
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from tests.mirrors import write
from tests.rows import Given, blank, one_line, questions

XTREME = "google/xtreme"


# Parts of a split ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(0, 5, 10), (0, 8, 9, 10), tuple(range(11))])
def test_parts_are_disjoint_and_together_whole(cuts):
    rows = questions(300)
    source = Given({("MLQA.de.de", "validation"): rows})
    parts = [Part("validation", low, high) for low, high in pairwise(cuts)]
    loaded = [load_evaluation(source, TARGET_TASKS["mlqa"], part, "de", None) for part in parts]
    ids = [[example.id for example in part.examples] for part in loaded]
    assert sorted(name for part in ids for name in part) == sorted(row["id"] for row in rows)
    contexts = [{example.context for example in part.examples} for part in loaded]
    assert sum(map(len, contexts)) == len({row["context"] for row in rows})
    order = [row["id"] for row in rows]
    assert all(part == sorted(part, key=order.index) for part in ids)


def test_a_part_does_not_depend_on_the_other_rows_or_their_order():
    rows, part = questions(300), Part("validation", 0, 5)

    def chosen(rows):
        source = Given({("MLQA.de.de", "validation"): rows})
        loaded = load_evaluation(source, TARGET_TASKS["mlqa"], part, "de", None)
        return {example.id for example in loaded.examples}

    assert chosen(rows[::-1]) == chosen(rows)
    assert chosen(rows[::2]) == chosen(rows) & {row["id"] for row in rows[::2]}


def test_a_limit_counts_rows_of_the_part():
    rows = questions(300)
    source = Given({("MLQA.de.de", "validation"): rows})
    task, part = TARGET_TASKS["mlqa"], Part("validation", 5, 10)
    whole = load_evaluation(source, task, part, "de", None)
    half = len(whole) // 2
    assert (
        load_evaluation(source, task, part, "de", half).examples == whole.examples[: half * 2 : 2]
    )


def test_a_row_is_named_by_its_number_in_the_file(tmp_path):
    rows = questions(30)
    rows[20] |= {"context": None}
    write(tmp_path, XTREME, "MLQA.de.de", "validation", rows)
    with pytest.raises(InputError, match=r"MLQA\.de\.de/validation row 20 "):
        load_evaluation(
            DirectorySource(tmp_path), TARGET_TASKS["mlqa"], Part("validation"), "de", 3
        )


def test_the_hash_follows_the_rows():
    rows = questions(30)

    def digest(rows, limit=None):
        source = Given({("MLQA.de.de", "validation"): rows})
        return load_evaluation(source, TARGET_TASKS["mlqa"], Part("validation"), "de", limit).hash

    assert digest(rows) == digest([dict(reversed(row.items())) for row in rows])
    assert digest(rows) != digest(rows[::-1])
    assert digest(rows) != digest(rows, 29)
    assert digest(rows) != digest([{**rows[0], "question": "When?"}, *rows[1:]])


# Languages ----------------------------------------------------------------------------------------


def test_languages_of_one_file_are_told_apart():
    rows = [
        {"language": code, "sentence1": "a", "sentence2": f"{code} {i}", "gold_label": "neutral"}
        for code in ("de", "en", "fr")  # not in turn: all is to be read
        for i in range(6)
    ]
    source = Given({("XNLI", "test"): rows})
    loaded = load_evaluation(source, TARGET_TASKS["xnli"], Part("test"), "fr", 4)
    assert [example.second for example in loaded.examples] == ["fr 0", "fr 1", "fr 3", "fr 4"]
    assert load_evaluation(source, TARGET_TASKS["xnli"], Part("test"), "sw", None) is None
    assert load_evaluation(source, TARGET_TASKS["xnli"], Part("validation"), "fr", None) is None


class Counting(TestbedSource):
    """The testbed, and how many rows were asked of it."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def load(self, repo, config, split, limit=None):
        rows = super().load(repo, config, split, limit)
        self.asked.append(len(rows))
        return rows


@pytest.mark.parametrize(("name", "rows"), [("xnli", 2_000), ("tydiqa", 500)])
def test_of_a_file_whose_languages_come_in_turn_no_more_is_read_than_is_wanted(name, rows):
    source, task, part = Counting(), TARGET_TASKS[name], Part("validation")
    for code in languages(source, task):
        few, all_ = (load_evaluation(source, task, part, code, limit) for limit in (5, None))
        assert len(few) == 5 and few.examples == all_.examples[:5]
    assert source.asked == [5 * 8, rows * 8]


def test_of_tydiqas_training_file_no_more_is_read_than_is_wanted():
    source, data = Counting(), TRAINING_SETS["tydiqa_en"]
    few, all_ = (load_training(source, data, limit) for limit in (5, None))
    assert len(few) == 5 and few.examples == all_.examples[:5]
    assert source.asked == [5 * 8, 400 * 8]


def test_the_testbed_names_its_own_languages():
    source = TestbedSource()
    assert languages(source, TARGET_TASKS["bucc2018"]) == source.languages
    assert languages(Given({}), TARGET_TASKS["bucc2018"]) == ("de", "fr", "ru", "zh")
    loaded = load_evaluation(source, TARGET_TASKS["tydiqa"], Part("test"), "qab", 12)
    assert {example.id.split("-")[0] for example in loaded.examples} == {"qab"}
    assert len(loaded) == 12


def test_tydiqa_trains_on_english_rows_only():
    rows = [row for name in ("finnish", "english", "korean") for row in questions(9, name)]
    source = Given({("tydiqa", "train"): rows})
    loaded = load_training(source, TRAINING_SETS["tydiqa_en"], None)
    assert [example.id for example in loaded.examples] == [f"english-{i}" for i in range(9)]
    assert len(load_training(source, TRAINING_SETS["tydiqa_en"], 4)) == 4
    with pytest.raises(InputError, match=r"^google/xtreme tydiqa/train: no rows"):
        load_training(
            Given({("tydiqa", "train"): questions(9, "finnish")}), TRAINING_SETS["tydiqa_en"], None
        )


def test_tydiqas_dev_set_is_english_too():
    rows = [row for name in ("finnish", "english") for row in questions(9, name)]
    loaded = load_dev(Given({("tydiqa", "validation"): rows}), TRAINING_SETS["tydiqa_en"], None)
    assert {example.id.split("-")[0] for example in loaded.examples} == {"english"}


# Withheld labels ----------------------------------------------------------------------------------


def test_a_split_of_blank_answers_counts_as_not_there():
    rows = blank(questions(30))
    source = Given({("MLQA.de.de", "test"): rows})
    assert load_evaluation(source, TARGET_TASKS["mlqa"], Part("test"), "de", None) is None


def test_the_first_division_with_labels_is_chosen():
    rows, task = questions(60), TARGET_TASKS["mlqa"]
    labelled = {("MLQA.de.de", "validation"): rows, ("MLQA.de.de", "test"): rows}
    withheld = {**labelled, ("MLQA.de.de", "test"): blank(rows)}
    only_dev = {("MLQA.de.de", "validation"): rows}
    first, halves = task.divisions
    assert choose_division(Given(labelled), task) == first
    assert choose_division(Given(withheld), task) == halves
    assert choose_division(Given(only_dev), task) == halves
    for splits in ({}, {("MLQA.de.de", "validation"): blank(rows)}):
        with pytest.raises(MissingError) as error:
            choose_division(Given(splits), task)
        one_line(error, "MLQA", "dev validation, test test", "dev validation[0:5]")


@pytest.mark.parametrize("spoiled", [0, 7])
def test_a_blank_answer_among_labelled_rows_is_bad_input(spoiled):
    rows = questions(12)
    rows[spoiled] = blank(rows)[spoiled]
    source = Given(
        {
            ("MLQA.de.de", "validation"): rows,
            ("plain_text", "train"): rows,
            ("plain_text", "validation"): rows,
        }
    )
    loads = [
        lambda: load_evaluation(source, TARGET_TASKS["mlqa"], Part("validation"), "de", None),
        lambda: load_training(source, TRAINING_SETS["squad_v1"], None),
        lambda: load_dev(source, TRAINING_SETS["squad_v1"], None),
    ]
    for load in loads:
        with pytest.raises(InputError) as error:
            load()
        one_line(error, f"(id english-{spoiled})", "empty text")


# Splits that cannot be used -----------------------------------------------------------------------


def test_an_empty_split_is_bad_input():
    source = Given({("MLQA.de.de", "validation"): [], ("mnli", "train"): []})
    with pytest.raises(InputError, match=r"^google/xtreme MLQA.de.de/validation: no rows"):
        load_evaluation(source, TARGET_TASKS["mlqa"], Part("validation"), "de", None)
    with pytest.raises(InputError, match=r"^nyu-mll/glue mnli/train: no rows"):
        load_training(source, TRAINING_SETS["mnli"], None)


@pytest.mark.parametrize(("name", "config"), [("xnli", "XNLI"), ("tydiqa", "tydiqa")])
def test_an_empty_split_of_all_languages_is_bad_input(name, config):
    source = Given({(config, "validation"): []})
    with pytest.raises(InputError):
        load_evaluation(source, TARGET_TASKS[name], Part("validation"), "de", None)


def test_a_bad_row_is_named_with_its_split():
    rows = [{"premise": "a", "hypothesis": "b", "label": 0}] * 3 + [{"premise": "a"}]
    with pytest.raises(InputError) as error:
        load_training(Given({("mnli", "train"): rows}), TRAINING_SETS["mnli"], None)
    one_line(error, "nyu-mll/glue mnli/train row 3: no column 'hypothesis'")
    assert len(load_training(Given({("mnli", "train"): rows}), TRAINING_SETS["mnli"], 3)) == 3


def test_a_bad_row_of_a_shared_file_is_named_by_its_place_in_the_file():
    good = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    rows = [{**good, "language": code} for code in ("de", "en", "fr")] * 2
    rows[5] = {**rows[5], "gold_label": "maybe"}
    with pytest.raises(InputError, match="XNLI/test row 5: label 'maybe'"):
        load_evaluation(
            Given({("XNLI", "test"): rows}), TARGET_TASKS["xnli"], Part("test"), "fr", 9
        )


def test_bucc_distractors_come_from_their_own_split():
    rows = [
        {"id": f"{side}-{i}", "sentence": f"{side} {i}"} for i in range(4) for side in ["zh", "en"]
    ]
    task = TARGET_TASKS["bucc2018"]
    source = Given({("bucc18.zh", "test_unpaired"): rows})
    assert load_unpaired(source, task, Part("test"), "zh", 2) == {
        "source": (("zh-0", "zh 0"), ("zh-1", "zh 1")),
        "target": (("en-0", "en 0"), ("en-1", "en 1")),
    }
    empty = {"source": (), "target": ()}
    assert load_unpaired(source, task, Part("validation"), "zh", 2) == empty
    assert load_unpaired(source, task, Part("test", 0, 5), "zh", 2) == empty
    spoiled = Given({("bucc18.zh", "test_unpaired"): [{"id": "zh-1"}]})
    with pytest.raises(InputError, match=r"bucc18.zh/test_unpaired row 0: no column 'sentence'"):
        load_unpaired(spoiled, task, Part("test"), "zh", None)
