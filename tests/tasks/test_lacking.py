from collections import Counter

import pytest

from stilts_repro.errors import InputError
from stilts_repro.tasks.loading import (
    choose_division,
    english_rows,
    load_evaluation,
    load_training,
)
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Part
from stilts_repro.tasks.training_sets import TRAINING_SETS
from tests.rows import Given, one_line, question, questions

XTREME = "google/xtreme"


def held(*configs, absent=()):
    rows = questions(6, "a")
    source = Given({(c, s): rows for c in configs for s in ("validation", "test")})
    for split in absent:
        del source.splits[split]
    return source


def test_a_split_that_the_readme_lists_must_be_there():
    source = held("MLQA.de.de", "MLQA.en.en", absent=[("MLQA.de.de", "test")])
    source.declared = lambda repo: frozenset({("MLQA.de.de", "test"), ("MLQA.en.en", "test")})
    with pytest.raises(InputError) as error:
        choose_division(source, TARGET_TASKS["mlqa"])
    one_line(error, "MLQA: google/xtreme lacks MLQA.de.de/test; add", "--skip-missing")


def test_without_a_readme_all_languages_are_due():
    source = held("MLQA.de.de", "MLQA.en.en")
    assert choose_division(source, TARGET_TASKS["mlqa"]) == TARGET_TASKS["mlqa"].divisions[0]
    source.declared = lambda repo: None
    with pytest.raises(InputError) as error:
        choose_division(source, TARGET_TASKS["mlqa"])
    one_line(error, "lacks MLQA.ar.ar, MLQA.es.es, MLQA.hi.hi and 2 more", "README.md")


def test_a_file_of_all_languages_must_hold_them():
    row = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    codes = TARGET_TASKS["xnli"].languages
    rows = [{**row, "language": code} for code in codes if code not in ("sw", "ur")]
    source = Given({("XNLI", "validation"): rows, ("XNLI", "test"): rows})
    with pytest.raises(InputError, match="XNLI: google/xtreme lacks sw, ur; add"):
        choose_division(source, TARGET_TASKS["xnli"])


def test_one_id_names_one_question():
    rows = [*questions(6), question("english-3", "In Rome, another.", "Rome", 3)]
    source = Given({("XQuAD.de", "validation"): rows, ("XQuAD.de", "train"): rows})
    task = TARGET_TASKS["xquad"]
    with pytest.raises(InputError, match=r"XQuAD.de/validation: id 'english-3' comes twice"):
        load_evaluation(source, task, Part("validation"), "de", None)
    carved = load_evaluation(source, task, Part("train", 0, 10_000), "de", None)
    assert [example.id for example in carved.examples][-1] == "english-3#6"


def test_one_bucc_id_names_one_sentence():
    row = {"source_lang": "zh-1", "target_lang": "en-1", "target_sentence": "b"}
    rows = [{**row, "source_sentence": text} for text in ("x", "y")]
    source = Given({("bucc18.zh", "test"): rows})
    with pytest.raises(InputError, match=r"bucc18.zh/test: id 'zh-1' comes twice"):
        load_evaluation(source, TARGET_TASKS["bucc2018"], Part("test"), "zh", None)


# Training sets of several parts -------------------------------------------------------------------


def nli(name, count, label=0):
    return [{"premise": f"{name} {i}", "hypothesis": "h", "label": label} for i in range(count)]


def test_anli_joins_its_parts_each_with_its_share():
    parts = TRAINING_SETS["anli"].parts
    source = Given({(p.config, p.train.split): nli(p.train.split, 500) for p in parts})
    source.splits["mnli", "train"] = nli("mnli", 500)
    loaded = load_training(source, TRAINING_SETS["anli"], 100)
    counts = Counter(example.first.split()[0] for example in loaded.examples)
    # In proportion to 16,946, 45,460, 100,459, 392,702 and 549,367 rows, rounded up.
    assert counts == {"train_r1": 2, "train_r2": 5, "train_r3": 10, "mnli": 36, "train": 50}


def test_rows_without_a_majority_label_are_dropped_and_counted():
    splits = {(p.config, p.train.split): nli("a", 4) for p in TRAINING_SETS["anli"].parts}
    splits["plain_text", "train"] = [*nli("a", 2, label=-1), *nli("b", 3)]
    loaded = load_training(Given(splits), TRAINING_SETS["anli"], None)
    assert (len(loaded), loaded.unlabelled) == (4 * 4 + 3, 2)
    with pytest.raises(InputError, match="mnli/train row 0: label -1 is none of"):
        load_training(
            Given({("mnli", "train"): nli("a", 2, label=-1)}), TRAINING_SETS["mnli"], None
        )


def test_a_substitute_is_used_only_where_the_named_data_is_absent():
    data = TRAINING_SETS["ccg"]
    row = {"tokens": ["He", "sat"], "supertags": ["NP", r"S\\NP"]}
    there = {("questions", "train"): [row], ("questions", "test"): [row]}
    assert english_rows(Given(there), data) == data.substitutes
    assert load_training(Given(there), data, None).examples[0].tags == ("NP", r"S\\NP")
    both = Given(there | {("default", "train"): [row], ("default", "validation"): [row]})
    assert english_rows(both, data) == data.parts == english_rows(Given({}), data)
