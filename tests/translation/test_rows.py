import pytest

from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Text
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from stilts_repro.translation.rows import Turn, translatable, translate_rows
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
    assert (done.dropped, list(done.rows)) == (0, list(range(len(rows))))
    for number, row in enumerate(rows):
        new = done.rows[number]
        assert set(new) == set(row)
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
    assert {number: row["premise"] for number, row in done.rows.items()} == {0: "A", 2: ""}
    assert (done.dropped, done.counts) == (1, {"empty translation": 1})


def test_unlabelled_rows_are_left_to_who_reads_them():
    rows = [{"premise": "a", "hypothesis": "b", "label": -1}]
    done = translate_rows(TRAINING_SETS["anli"].format, rows, Dictionary(str.upper), "de")
    assert done.rows == {0: {"premise": "A", "hypothesis": "B", "label": -1}}


def test_choices_that_become_alike_are_counted():
    row = {"question": "q?", "answerKey": "B"}
    row["choices"] = {"label": list("ABCDE"), "text": ["sofa", "couch", "bed", "box", "hat"]}
    says = {"couch": "Sofa", "sofa": "Sofa"}
    same = Dictionary(lambda text: says.get(text, text))
    done = translate_rows(TRAINING_SETS["csqa"].format, [row], same, "de")
    assert done.counts == {"choices alike": 1} and done.dropped == 0


def test_tagged_words_cannot_be_translated():
    ccg, squad = TRAINING_SETS["ccg"].format, TRAINING_SETS["squad_v2"].format
    assert translatable(squad, "rows") is squad
    with pytest.raises(InputError) as error:
        translatable(ccg, "ldc/ccgbank default/train")
    assert str(error.value) == (
        "ldc/ccgbank default/train: rows of format tagging cannot be translated (a tag is a "
        "word's, and nothing tells which word became which); leave the task out"
    )


def test_a_format_of_ones_own_is_translated_by_its_two_methods():
    class Captions:
        name = "captions"

        def texts(self, row, where):
            return [Text(caption) for caption in row["captions"]]

        def with_texts(self, row, texts, counts):
            counts["captions"] += len(texts)
            return {**row, "captions": [text.text for text in texts]}

    rows = [{"captions": ["a", "b"], "image": 1}, {"captions": [], "image": 2}]
    kind = translatable(Captions(), "rows")
    done = translate_rows(kind, rows, Dictionary(), "de")
    assert done.rows == {0: {"captions": ["<a>", "<b>"], "image": 1}, 1: rows[1]}
    assert done.counts == {"captions": 2}


@pytest.mark.parametrize("kind", [Retrieval(mining=True), Retrieval(mining=False)])
def test_other_formats_that_cannot_be_translated_are_named(kind):
    with pytest.raises(InputError) as error:
        translatable(kind, "a/b train")
    assert str(error.value) == (
        f"a/b train: rows of format {kind.name} cannot be translated; leave the task out"
    )


def test_errors_name_the_row():
    with pytest.raises(InputError) as error:
        translate_rows(TRAINING_SETS["mnli"].format, [{"premise": "a"}], Dictionary(), "de")
    one_line(error, "rows row 0", "hypothesis")
    with pytest.raises(InputError, match="no such language 'xx'"):
        translate_rows(TRAINING_SETS["mnli"].format, rows_of("mnli"), Dictionary(), "xx")


def test_a_turn_is_some_rows_of_a_split():
    whole = Turn("nyu-mll/glue", "mnli", "train", 9)
    some = whole._replace(start=2, step=3)
    assert (str(whole), str(some)) == ("nyu-mll/glue mnli/train", "nyu-mll/glue mnli/train[2::3]")
    originals = Dictionary().originals(TestbedSource(), some, "de")
    assert originals == rows_of("mnli", 9)[2::3]


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
    assert {number: row["id"] for number, row in done.rows.items()} == {1: "n"}
    assert (done.dropped, done.counts) == (1, {"answer not found": 1})
