from typing import get_args

import pytest

from stilts_repro.data.source import DirectorySource
from stilts_repro.errors import InputError
from stilts_repro.paper import INTERMEDIATES, TARGETS
from stilts_repro.tasks.languages import LANGUAGES, Language, codes
from stilts_repro.tasks.recipe import SetUp
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import TRAINING_SETS, intermediate_tasks
from stilts_repro.testbed import TestbedSource
from tests.rows import one_line

# What XTREME's evaluate.py averages over.
COUNTS = {
    "xnli": 15,
    "pawsx": 7,
    "udpos": 33,
    "panx": 40,
    "xquad": 11,
    "mlqa": 7,
    "tydiqa": 9,
    "bucc2018": 4,
    "tatoeba": 36,
}
# What XTREME-R has besides.
MORE = {"xcopa": 11, "udpos_r": 38, "panx_r": 48, "xquad_r": 12, "tatoeba_r": 41}
# The mirror holds slices: these languages of a task are not in it (its README).
ABSENT = {"udpos": "kk th tl yo", "bucc2018": "de fr ru"}
PANX_PRESENT = "de en es nl ru"
TATOEBA_ABSENT = "af bn eu fa jv ka kk ml mr ta te tl"


def config_of(task, code):
    language = LANGUAGES[code]
    return task.config.format(code=language.code, name=language.name, iso3=language.iso3)


def test_every_task_has_xtremes_languages():
    assert {name: len(TARGET_TASKS[name].languages) for name in COUNTS} == COUNTS
    for task in TARGET_TASKS.values():
        assert list(task.languages) == sorted(set(task.languages))
    assert len({code for name in COUNTS for code in TARGET_TASKS[name].languages}) == 40


def test_xtreme_r_has_its_languages():
    assert {name: len(TARGET_TASKS[name].languages) for name in MORE} == MORE
    assert len(LANGUAGES) == 50
    assert {c for task in TARGET_TASKS.values() for c in task.languages} == set(LANGUAGES)


def test_languages_have_three_distinct_names():
    for part in ("code", "name", "iso3"):
        names = [getattr(language, part) for language in LANGUAGES.values()]
        assert len(set(names)) == len(names)
    names = [LANGUAGES[code].name.lower() for code in TARGET_TASKS["tydiqa"].languages]
    # TyDi QA's rows are told apart by the language name that their id begins with.
    assert not [(a, b) for a in names for b in names if a != b and a.startswith(b)]


def test_a_language_that_the_table_lacks_is_named_with_where_to_add_it(monkeypatch):
    with pytest.raises(InputError) as error:
        codes("et xh id")
    one_line(error, "language 'xh' of 'et xh id'", "English name", "tasks/languages.py")
    monkeypatch.setitem(LANGUAGES, "xh", Language("xh", "Xhosa", "xho"))
    assert codes("et xh id") == ("et", "xh", "id")
    assert codes("et id", "xh en") == ("en", "et", "id", "xh")


def test_every_task_trains_on_a_set_of_its_own_format():
    for task in TARGET_TASKS.values():
        if task.train_on is not None:
            trained = TRAINING_SETS[task.train_on].format
            assert (trained.name, trained.outputs) == (task.format.name, task.format.outputs)
            assert getattr(trained, "labels", None) == getattr(task.format, "labels", None)
            assert not task.mining
    assert {name for name in TARGETS if TARGET_TASKS[name].train_on is None} == {
        "bucc2018",
        "tatoeba",
    }


def test_the_papers_tasks_are_there_in_its_order_whatever_else_is():
    assert tuple(name for name in intermediate_tasks() if name in INTERMEDIATES) == INTERMEDIATES
    assert tuple(name for name in TARGET_TASKS if name in TARGETS) == TARGETS


@pytest.mark.parametrize("set_up", get_args(SetUp))
def test_every_training_of_the_paper_has_a_recipe_in_every_set_up(set_up):
    assert all(set_up in TRAINING_SETS[name].intermediate for name in INTERMEDIATES)
    train_on = {TARGET_TASKS[name].train_on for name in TARGETS} - {None}
    assert all(set_up in TRAINING_SETS[name].target for name in train_on)


@pytest.mark.parametrize("name", COUNTS)
def test_every_config_resolves_in_the_mirror(real_data, name):
    source, task = DirectorySource(real_data / "hub-mirror"), TARGET_TASKS[name]
    found = {
        code
        for code in task.languages
        if source.has(task.repo, config_of(task, code), "validation")
        or source.has(task.repo, config_of(task, code), "test")
    }
    absent = set(ABSENT.get(name, "").split())
    if name == "panx":
        absent = set(task.languages) - set(PANX_PRESENT.split())
    if name == "tatoeba":
        absent = set(TATOEBA_ABSENT.split())
    assert found == set(task.languages) - absent
    # And the other way round: no config of this task in the mirror is left out by the table.
    prefix = task.config.split(".")[0]
    mirror = real_data / "hub-mirror" / task.repo
    there = {path.name for path in mirror.iterdir() if path.name.split(".")[0] == prefix}
    if name == "mlqa":  # the table takes questions in the context's own language, as XTREME does
        there = {config for config in there if len(set(config.split(".")[1:])) == 1}
    assert there == {config_of(task, code) for code in found}


def test_every_config_resolves_in_the_testbed():
    source = TestbedSource()
    for task in (TARGET_TASKS[name] for name in TARGETS):
        part = task.divisions[0].test.split
        for code in source.languages:
            config = task.config.format(code=code, name=code.capitalize(), iso3=code)
            if code == "en":
                config = config_of(task, "en")
            expected = task.train_on is not None or (
                code != "en" and not (task.name == "bucc2018" and code in ("qae", "qaf", "qag"))
            )
            assert source.has(task.repo, config, part) == expected, (task.name, code)
    for data in TRAINING_SETS.values():
        for part in data.parts if "testbed" in {**data.intermediate, **data.target} else ():
            assert source.has(part.repo, part.config, part.train.split), (data.name, part)
            assert source.has(part.repo, part.config, part.dev.split), (data.name, part)
