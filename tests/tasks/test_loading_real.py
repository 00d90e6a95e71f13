from dataclasses import replace

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import StiltsError
from stilts_repro.tasks.loading import (
    choose_division,
    load_dev,
    load_evaluation,
    load_training,
)
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Division, Part
from stilts_repro.tasks.training_sets import TRAINING_SETS
from tests.rows import Given, questions

XTREME = "google/xtreme"


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
    data = TRAINING_SETS["tydiqa_en"].restricted(division)
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
    # The best step is chosen by dev's English rows; test's are not looked at.
    assert load_dev(mirror, data, None).examples == dev.examples


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


# Of COPA the mirror has 300 rows and no dev, of SIQA and Mewsli-X none.
@pytest.mark.parametrize("name", sorted({*TRAINING_SETS} - {"siqa", "copa", "mewsli_x_pairs"}))
def test_every_training_set_of_the_mirror_parses(mirror, name):
    assert len(load_training(mirror, TRAINING_SETS[name], None)) > 900
    if name != "tydiqa_en":  # its dev answers are withheld: it is divided anew
        assert len(load_dev(mirror, TRAINING_SETS[name], None)) >= 250


def test_errors_of_a_directory_reach_the_user(tmp_path):
    with pytest.raises(StiltsError, match=r"mnli/train\.parquet: no such file"):
        load_training(DirectorySource(tmp_path), TRAINING_SETS["mnli"], None)


def test_a_restricted_set_is_the_same_set_with_fewer_rows():
    data = TRAINING_SETS["tydiqa_en"]
    assert data.restricted(Division(Part("validation"), Part("test"))) is data
    share, dev = Part("train", 0, 8), Part("train", 8, 9)
    fewer = data.restricted(Division(dev, Part("train", 9, 10), share))
    assert fewer == replace(data, parts=(replace(data.parts[0], train=share, dev=dev),))
    rows = questions(200)
    source = Given({("tydiqa", "train"): rows})
    kept = load_training(source, fewer, None)
    assert 100 < len(kept) < 200


def test_the_mirrors_xcopa_and_copa_are_read_whole(mirror):
    task = TARGET_TASKS["xcopa"]
    for code in task.languages:
        dev, test = (
            load_evaluation(mirror, task, Part(split), code, None)
            for split in ("validation", "test")
        )
        assert (len(dev), len(test)) == (50, 250)
    copa = load_training(mirror, TRAINING_SETS["copa"], None)
    assert len(copa) == 300
    asked = {example.prompt.rpartition(". ")[2].strip() for example in copa.examples}
    assert asked == {"What was the cause?", "What was the effect?"}
