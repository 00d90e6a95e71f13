from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError, MissingError, StiltsError
from stilts_repro.tasks.loading import (
    choose_division,
    english_rows,
    languages,
    load_dev,
    load_evaluation,
    load_training,
    load_unpaired,
)
from stilts_repro.tasks.tables import TARGET_TASKS, TRAINING_SETS, Part
from stilts_repro.testbed import TestbedSource

XTREME = "google/xtreme"


class Rows:
    """A source of the rows that a test gives it."""

    name = "rows"
    languages = None

    def __init__(self, splits):
        self.splits = splits

    def has(self, repo, config, split):
        return (config, split) in self.splits

    def declared(self, repo):
        return frozenset(self.splits)

    def revision(self, repo):
        return None

    def load(self, repo, config, split, limit=None):
        return self.splits[config, split][:limit]


def question(name, context="He lives in Rome.", text="Rome", start=12):
    return {
        "id": name,
        "question": "Where?",
        "context": context,
        "answers": {"text": [text], "answer_start": [start]},
    }


def questions(count, prefix="english", contexts=None):
    """Questions, several to a context, in an order that mixes the contexts."""
    contexts = contexts or count // 3
    return [
        question(f"{prefix}-{i}", f"In Rome, {prefix} {i % contexts}.", "Rome", 3)
        for i in range(count)
    ]


def blank(rows):
    return [{**row, "answers": {"text": [""], "answer_start": [0]}} for row in rows]


def one_line(error, *parts):
    assert "\n" not in str(error.value)
    assert all(part in str(error.value) for part in parts), str(error.value)


# Parts of a split ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(0, 5, 10), (0, 8, 9, 10), tuple(range(11))])
def test_parts_are_disjoint_and_together_whole(cuts):
    rows = questions(300)
    source = Rows({("MLQA.de.de", "validation"): rows})
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
        source = Rows({("MLQA.de.de", "validation"): rows})
        loaded = load_evaluation(source, TARGET_TASKS["mlqa"], part, "de", None)
        return {example.id for example in loaded.examples}

    assert chosen(rows[::-1]) == chosen(rows)
    assert chosen(rows[::2]) == chosen(rows) & {row["id"] for row in rows[::2]}


def test_a_limit_counts_rows_of_the_part():
    rows = questions(300)
    source = Rows({("MLQA.de.de", "validation"): rows})
    task, part = TARGET_TASKS["mlqa"], Part("validation", 5, 10)
    whole = load_evaluation(source, task, part, "de", None)
    assert load_evaluation(source, task, part, "de", 40).examples == whole.examples[:40]


def test_the_hash_follows_the_rows():
    rows = questions(30)

    def digest(rows, limit=None):
        source = Rows({("MLQA.de.de", "validation"): rows})
        return load_evaluation(source, TARGET_TASKS["mlqa"], Part("validation"), "de", limit).hash

    assert digest(rows) == digest([dict(reversed(row.items())) for row in rows])
    assert digest(rows) != digest(rows[::-1])
    assert digest(rows) != digest(rows, 29)
    assert digest(rows) != digest([{**rows[0], "question": "When?"}, *rows[1:]])


# Languages ----------------------------------------------------------------------------------------


def test_languages_of_one_file_are_told_apart():
    rows = [
        {"language": code, "sentence1": "a", "sentence2": f"{code} {i}", "gold_label": "neutral"}
        for i in range(6)
        for code in ("de", "en", "fr")
    ]
    source = Rows({("XNLI", "test"): rows})
    loaded = load_evaluation(source, TARGET_TASKS["xnli"], Part("test"), "fr", 4)
    assert [example.second for example in loaded.examples] == [f"fr {i}" for i in range(4)]
    assert load_evaluation(source, TARGET_TASKS["xnli"], Part("test"), "sw", None) is None
    assert load_evaluation(source, TARGET_TASKS["xnli"], Part("validation"), "fr", None) is None


def test_the_testbed_names_its_own_languages():
    source = TestbedSource()
    assert languages(source, TARGET_TASKS["bucc2018"]) == source.languages
    assert languages(Rows({}), TARGET_TASKS["bucc2018"]) == ("de", "fr", "ru", "zh")
    loaded = load_evaluation(source, TARGET_TASKS["tydiqa"], Part("test"), "qab", 12)
    assert {example.id.split("-")[0] for example in loaded.examples} == {"qab"}
    assert len(loaded) == 12


def test_tydiqa_trains_on_english_rows_only():
    rows = [row for name in ("finnish", "english", "korean") for row in questions(9, name)]
    source = Rows({("tydiqa", "train"): rows})
    loaded = load_training(source, TRAINING_SETS["tydiqa_en"], None)
    assert [example.id for example in loaded.examples] == [f"english-{i}" for i in range(9)]
    assert len(load_training(source, TRAINING_SETS["tydiqa_en"], 4)) == 4
    with pytest.raises(InputError, match=r"^google/xtreme tydiqa/train: no rows"):
        load_training(
            Rows({("tydiqa", "train"): questions(9, "finnish")}), TRAINING_SETS["tydiqa_en"], None
        )


def test_tydiqas_dev_set_is_english_too():
    rows = [row for name in ("finnish", "english") for row in questions(9, name)]
    loaded = load_dev(Rows({("tydiqa", "validation"): rows}), TRAINING_SETS["tydiqa_en"], None)
    assert {example.id.split("-")[0] for example in loaded.examples} == {"english"}


# Withheld labels ----------------------------------------------------------------------------------


def test_a_split_of_blank_answers_counts_as_not_there():
    rows = blank(questions(30))
    source = Rows({("MLQA.de.de", "test"): rows})
    assert load_evaluation(source, TARGET_TASKS["mlqa"], Part("test"), "de", None) is None


def test_the_first_division_with_labels_is_chosen():
    rows, task = questions(60), TARGET_TASKS["mlqa"]
    labelled = {("MLQA.de.de", "validation"): rows, ("MLQA.de.de", "test"): rows}
    withheld = {**labelled, ("MLQA.de.de", "test"): blank(rows)}
    only_dev = {("MLQA.de.de", "validation"): rows}
    first, halves = task.divisions
    assert choose_division(Rows(labelled), task) == first
    assert choose_division(Rows(withheld), task) == halves
    assert choose_division(Rows(only_dev), task) == halves
    for splits in ({}, {("MLQA.de.de", "validation"): blank(rows)}):
        with pytest.raises(MissingError) as error:
            choose_division(Rows(splits), task)
        one_line(error, "MLQA", "dev validation, test test", "dev validation[0:5]")


@pytest.mark.parametrize("spoiled", [0, 7])
def test_a_blank_answer_among_labelled_rows_is_bad_input(spoiled):
    rows = questions(12)
    rows[spoiled] = blank(rows)[spoiled]
    source = Rows(
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
    source = Rows({("MLQA.de.de", "validation"): [], ("mnli", "train"): []})
    with pytest.raises(InputError, match=r"^google/xtreme MLQA.de.de/validation: no rows"):
        load_evaluation(source, TARGET_TASKS["mlqa"], Part("validation"), "de", None)
    with pytest.raises(InputError, match=r"^nyu-mll/glue mnli/train: no rows"):
        load_training(source, TRAINING_SETS["mnli"], None)


@pytest.mark.parametrize(("name", "config"), [("xnli", "XNLI"), ("tydiqa", "tydiqa")])
def test_an_empty_split_of_all_languages_is_bad_input(name, config):
    source = Rows({(config, "validation"): []})
    with pytest.raises(InputError):
        load_evaluation(source, TARGET_TASKS[name], Part("validation"), "de", None)


def test_a_bad_row_is_named_with_its_split():
    rows = [{"premise": "a", "hypothesis": "b", "label": 0}] * 3 + [{"premise": "a"}]
    with pytest.raises(InputError) as error:
        load_training(Rows({("mnli", "train"): rows}), TRAINING_SETS["mnli"], None)
    one_line(error, "nyu-mll/glue mnli/train row 3: no column 'hypothesis'")
    assert len(load_training(Rows({("mnli", "train"): rows}), TRAINING_SETS["mnli"], 3)) == 3


def test_a_bad_row_of_a_shared_file_is_named_by_its_place_in_the_file():
    good = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    rows = [{**good, "language": code} for code in ("de", "en", "fr")] * 2
    rows[5] = {**rows[5], "gold_label": "maybe"}
    with pytest.raises(InputError, match="XNLI/test row 5: label 'maybe'"):
        load_evaluation(Rows({("XNLI", "test"): rows}), TARGET_TASKS["xnli"], Part("test"), "fr", 9)


def test_bucc_distractors_come_from_their_own_split():
    rows = [
        {"id": f"{side}-{i}", "sentence": f"{side} {i}"} for i in range(4) for side in ["zh", "en"]
    ]
    task = TARGET_TASKS["bucc2018"]
    source = Rows({("bucc18.zh", "test_unpaired"): rows})
    assert load_unpaired(source, task, Part("test"), "zh", 2) == {
        "source": (("zh-0", "zh 0"), ("zh-1", "zh 1")),
        "target": (("en-0", "en 0"), ("en-1", "en 1")),
    }
    empty = {"source": (), "target": ()}
    assert load_unpaired(source, task, Part("validation"), "zh", 2) == empty
    assert load_unpaired(source, task, Part("test", 0, 5), "zh", 2) == empty
    spoiled = Rows({("bucc18.zh", "test_unpaired"): [{"id": "zh-1"}]})
    with pytest.raises(InputError, match=r"bucc18.zh/test_unpaired row 0: no column 'sentence'"):
        load_unpaired(spoiled, task, Part("test"), "zh", None)


# What a source lacks ------------------------------------------------------------------------------


def held(*configs, absent=()):
    rows = questions(6, "a")
    source = Rows({(c, s): rows for c in configs for s in ("validation", "test")})
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
    source = Rows({("XNLI", "validation"): rows, ("XNLI", "test"): rows})
    with pytest.raises(InputError, match="XNLI: google/xtreme lacks sw, ur; add"):
        choose_division(source, TARGET_TASKS["xnli"])


def test_one_id_names_one_question():
    rows = [*questions(6), question("english-3", "In Rome, another.", "Rome", 3)]
    source = Rows({("XQuAD.de", "validation"): rows, ("XQuAD.de", "train"): rows})
    task = TARGET_TASKS["xquad"]
    with pytest.raises(InputError, match=r"XQuAD.de/validation: id 'english-3' comes twice"):
        load_evaluation(source, task, Part("validation"), "de", None)
    carved = load_evaluation(source, task, Part("train", 0, 10_000), "de", None)
    assert [example.id for example in carved.examples][-1] == "english-3#6"


def test_one_bucc_id_names_one_sentence():
    row = {"source_lang": "zh-1", "target_lang": "en-1", "target_sentence": "b"}
    rows = [{**row, "source_sentence": text} for text in ("x", "y")]
    source = Rows({("bucc18.zh", "test"): rows})
    with pytest.raises(InputError, match=r"bucc18.zh/test: id 'zh-1' comes twice"):
        load_evaluation(source, TARGET_TASKS["bucc2018"], Part("test"), "zh", None)


# Training sets of several parts -------------------------------------------------------------------


def nli(name, count, label=0):
    return [{"premise": f"{name} {i}", "hypothesis": "h", "label": label} for i in range(count)]


def test_anli_joins_its_parts_each_with_its_share():
    parts = TRAINING_SETS["anli"].parts
    source = Rows({(p.config, p.train.split): nli(p.train.split, 500) for p in parts})
    source.splits["mnli", "train"] = nli("mnli", 500)
    loaded = load_training(source, TRAINING_SETS["anli"], 100)
    counts = Counter(example.first.split()[0] for example in loaded.examples)
    # In proportion to 16,946, 45,460, 100,459, 392,702 and 549,367 rows, rounded up.
    assert counts == {"train_r1": 2, "train_r2": 5, "train_r3": 10, "mnli": 36, "train": 50}


def test_rows_without_a_majority_label_are_dropped_and_counted():
    splits = {(p.config, p.train.split): nli("a", 4) for p in TRAINING_SETS["anli"].parts}
    splits["plain_text", "train"] = [*nli("a", 2, label=-1), *nli("b", 3)]
    loaded = load_training(Rows(splits), TRAINING_SETS["anli"], None)
    assert (len(loaded), loaded.unlabelled) == (4 * 4 + 3, 2)
    with pytest.raises(InputError, match="mnli/train row 0: label -1 is none of"):
        load_training(Rows({("mnli", "train"): nli("a", 2, label=-1)}), TRAINING_SETS["mnli"], None)


def test_a_substitute_is_used_only_where_the_named_data_is_absent():
    data = TRAINING_SETS["ccg"]
    row = {"tokens": ["He", "sat"], "supertags": ["NP", r"S\\NP"]}
    there = {("questions", "train"): [row], ("questions", "test"): [row]}
    assert english_rows(Rows(there), data) == data.substitutes
    assert load_training(Rows(there), data, None).examples[0].tags == ("NP", r"S\\NP")
    both = Rows(there | {("default", "train"): [row], ("default", "validation"): [row]})
    assert english_rows(both, data) == data.parts == english_rows(Rows({}), data)


# Real rows ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mirror(real_data):
    return DirectorySource(real_data / "hub-mirror")


def test_the_mirrors_withheld_answers_are_blank_text(mirror):
    for code in ("de", "es", "vi", "zh"):
        rows = mirror.load(XTREME, f"MLQA.{code}.{code}", "test")
        assert {tuple(row["answers"]["text"]) for row in rows} == {("",)}
        assert load_evaluation(mirror, TARGET_TASKS["mlqa"], Part("test"), code, None) is None
    rows = mirror.load(XTREME, "tydiqa", "validation")
    assert {tuple(row["answers"]["text"]) for row in rows} == {("",)}


def test_the_mirrors_mlqa_is_halved(mirror):
    task = TARGET_TASKS["mlqa"]
    division = choose_division(mirror, task)
    assert (str(division.dev), str(division.test)) == ("validation[0:5]", "validation[5:10]")
    for code in task.languages:
        dev, test = (
            load_evaluation(mirror, task, part, code, None)
            for part in (division.dev, division.test)
        )
        whole = load_evaluation(mirror, task, Part("validation"), code, None)
        assert {e.id for e in dev.examples}.isdisjoint(e.id for e in test.examples)
        assert {e.context for e in dev.examples}.isdisjoint(e.context for e in test.examples)
        assert len(dev) + len(test) == len(whole)


def test_the_mirrors_tydiqa_is_carved_from_its_training_file(mirror):
    task = TARGET_TASKS["tydiqa"]
    division = choose_division(mirror, task)
    parts = [str(part) for part in (division.train, division.dev, division.test)]
    assert parts == ["train[0:8]", "train[8:9]", "train[9:10]"]
    data = TRAINING_SETS["tydiqa_en"].restricted(division.train)
    train, dev, test = (
        load_training(mirror, data, None),
        load_evaluation(mirror, task, division.dev, "en", None),
        load_evaluation(mirror, task, division.test, "en", None),
    )
    assert all(example.id.startswith("english") for example in train.examples)
    contexts = [{example.context for example in part.examples} for part in (train, dev, test)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert contexts[one].isdisjoint(contexts[other])
    english = load_training(mirror, TRAINING_SETS["tydiqa_en"], None)
    assert len(train) + len(dev) + len(test) == len(english) == 2000
    assert len(train) > 1200


@pytest.mark.parametrize(
    "name", sorted({"xnli", "pawsx", "udpos", "panx", "xquad", "bucc2018", "tatoeba"})
)
def test_every_other_task_has_a_division_in_the_mirror(mirror, name):
    task = TARGET_TASKS[name]
    division = choose_division(mirror, task)
    expected = {"xquad": 1, "tatoeba": 1, "bucc2018": 1}.get(name, 0)
    assert division == task.divisions[expected]
    for code in task.languages:
        for part in {division.dev, division.test}:
            loaded = load_evaluation(mirror, task, part, code, 30)
            assert loaded is None or len(loaded) > 20


@pytest.mark.parametrize("name", TRAINING_SETS)
def test_every_training_set_of_the_mirror_parses(mirror, name):
    assert len(load_training(mirror, TRAINING_SETS[name], None)) > 900
    if name != "tydiqa_en":  # its dev answers are withheld
        assert len(load_dev(mirror, TRAINING_SETS[name], None)) >= 250


def test_errors_of_a_directory_reach_the_user(tmp_path):
    with pytest.raises(StiltsError, match=r"mnli/train\.parquet: no such file"):
        load_training(DirectorySource(tmp_path), TRAINING_SETS["mnli"], None)


def test_a_restricted_set_is_the_same_set_with_fewer_rows():
    data = TRAINING_SETS["tydiqa_en"]
    assert data.restricted(None) is data
    share = Part("train", 0, 8)
    assert data.restricted(share) == replace(data, parts=(replace(data.parts[0], train=share),))
    rows = questions(200)
    source = Rows({("tydiqa", "train"): rows})
    kept = load_training(source, data.restricted(share), None)
    assert 100 < len(kept) < 200
