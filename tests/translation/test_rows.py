import pytest

from stilts_repro.errors import InputError
from stilts_repro.tasks.tables import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from stilts_repro.translation.rows import translatable, translate_rows
from stilts_repro.translation.source import TranslatedSource
from tests.rows import one_line, question
from tests.translation.conftest import Dictionary

# What each kind of row is made of, in upper case once translated.
NAMES = ("anli", "mnli", "qqp", "squad_v1", "squad_v2", "hellaswag", "cosmosqa", "csqa")


@pytest.fixture(autouse=True)
def _own_cache(kept):
    pass


def rows_of(name, limit=30):
    part = TRAINING_SETS[name].parts[0]
    return TestbedSource().load(part.repo, part.config, part.train.split, limit)


@pytest.mark.parametrize("name", NAMES)
def test_every_format_reads_its_rows_translated(name):
    kind, rows = TRAINING_SETS[name].format, rows_of(name)
    done = translate_rows(kind, rows, Dictionary(str.upper), "de")
    assert (done.dropped, done.numbers) == (0, tuple(range(len(rows))))
    assert all(set(new) == set(row) for new, row in zip(done.rows, rows, strict=True))
    for new, row in zip(done.rows, rows, strict=True):
        english, translated = kind.parse(row, "row"), kind.parse(new, "row")
        assert repr(translated).upper() == repr(english).upper()
        assert getattr(translated, "label", None) == getattr(english, "label", None)
        assert str(translated).count("the ") == 0
    assert rows == rows_of(name)  # the English ones are as they were


def test_the_beginning_of_an_ending_is_translated_with_it():
    row = {"ctx_a": "A man sits.", "ctx_b": "he", "ctx": "A man sits. he", "label": "1"}
    row["endings"] = ["eats.", "sleeps.", "runs.", "sings."]
    done = translate_rows(TRAINING_SETS["hellaswag"].format, [row], Dictionary(), "de")
    assert done.rows[0]["endings"][0] == "<he eats.>" and done.rows[0]["ctx_b"] == ""
    assert done.rows[0]["ctx"] == done.rows[0]["ctx_a"] == "<A man sits.>"


def test_rows_that_lose_a_text_are_dropped_and_counted():
    rows = [{"premise": p, "hypothesis": "h", "label": n} for n, p in enumerate(("a", "b", ""))]
    lost = Dictionary(lambda text: "" if text == "b" else text.upper())
    done = translate_rows(TRAINING_SETS["mnli"].format, rows, lost, "de")
    assert [row["premise"] for row in done.rows] == ["A", ""]
    assert (done.numbers, done.dropped, done.counts) == ((0, 2), 1, {"empty translation": 1})


def test_unlabelled_rows_are_left_to_who_reads_them():
    rows = [{"premise": "a", "hypothesis": "b", "label": -1}]
    done = translate_rows(TRAINING_SETS["anli"].format, rows, Dictionary(str.upper), "de")
    assert done.rows == [{"premise": "A", "hypothesis": "B", "label": -1}]


def test_choices_that_become_alike_are_counted():
    row = {"question": "q?", "answerKey": "B"}
    row["choices"] = {"label": list("ABCDE"), "text": ["sofa", "couch", "bed", "box", "hat"]}
    says = {"couch": "Sofa", "sofa": "Sofa"}
    same = Dictionary(lambda text: says.get(text, text))
    done = translate_rows(TRAINING_SETS["csqa"].format, [row], same, "de")
    assert done.counts == {"choices alike": 1} and done.dropped == 0


def test_tagged_words_cannot_be_translated():
    ccg = TRAINING_SETS["ccg"].format
    assert not translatable(ccg) and translatable(TRAINING_SETS["squad_v2"].format)
    with pytest.raises(InputError) as error:
        translate_rows(ccg, rows_of("ccg"), Dictionary(), "de", "ldc/ccgbank default/train")
    one_line(error, "ldc/ccgbank", "tag", "leave the task out")


def test_errors_name_the_row():
    with pytest.raises(InputError) as error:
        translate_rows(TRAINING_SETS["mnli"].format, [{"premise": "a"}], Dictionary(), "de")
    one_line(error, "rows row 0", "hypothesis")
    with pytest.raises(InputError, match="no such language 'xx'"):
        translate_rows(TRAINING_SETS["mnli"].format, rows_of("mnli"), Dictionary(), "xx")


def test_a_source_of_translated_rows():
    english = TestbedSource()
    source = TranslatedSource(english, Dictionary(str.upper), "de")
    rows = source.load("nyu-mll/glue", "mnli", "train", 5)
    assert [row["premise"] for row in rows] == [r["premise"].upper() for r in rows_of("mnli", 5)]
    assert source.translated("nyu-mll/glue", "mnli", "train", 5).dropped == 0
    assert source.name == "testbed, in de by dictionary"
    assert source.has("ldc/ccgbank", "default", "train")
    for repo, config in (("ldc/ccgbank", "default"), ("google/xtreme", "XNLI")):
        with pytest.raises(InputError, match=repo):
            source.load(repo, config, "validation")


def test_the_first_answers_place_moves_with_the_translation():
    rows = [question("q", "Ada met Bo. Bo lives in Rome.", "Rome", 24)]
    says = {"Rome": "Rom.", "Bo lives in Rome.": "In Rom lebt Bo.", "Ada met Bo.": "Ada traf Bo."}
    done = translate_rows(
        TRAINING_SETS["squad_v1"].format, rows, Dictionary(lambda t: says.get(t, t)), "de"
    )
    assert done.rows[0]["context"] == "Ada traf Bo. In Rom lebt Bo."
    assert done.rows[0]["answers"] == {"text": ["Rom"], "answer_start": [16]}
    assert done.counts == {"exact": 1}


def test_questions_whose_answer_is_lost_are_dropped_and_unanswerable_ones_stay():
    none = question("n", "He lives in Rome.")
    none["answers"] = {"text": [], "answer_start": []}
    rows = [question("q"), none]
    says = Dictionary(lambda text: "ewige Stadt" if text == "Rome" else "Er wohnt in Rom.")
    done = translate_rows(TRAINING_SETS["squad_v2"].format, rows, says, "de")
    assert [row["id"] for row in done.rows] == ["n"]
    assert (done.dropped, done.counts) == (1, {"answer not found": 1})
