from itertools import pairwise

import pytest

from stilts_repro.errors import InputError, MissingError
from stilts_repro.paper import INTERMEDIATES
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.configs import PARALLEL
from stilts_repro.translation.mixed import quality
from stilts_repro.translation.rows import Turn, translate_rows
from stilts_repro.translation.testbed import TestbedTranslator

PARTS = [
    (TRAINING_SETS[name], part)
    for name in INTERMEDIATES
    if name != "ccg"
    for part in TRAINING_SETS[name].parts
]
LABELS = ("label", "answerKey", "id", "uid", "idx", "ind")


@pytest.fixture(scope="module")
def source():
    return TestbedSource()


def load(rate, data, part, target="qab", limit=40, seed=0):
    translator = TestbedTranslator(rate, seed)
    turn = Turn(part.repo, part.config, part.train.split, limit)
    rows = translator.originals(TestbedSource(), turn, target)
    return translate_rows(data.format, rows, translator, target)


def texts(data, row):
    return [text.text for text in data.format.texts(row, "row")]


@pytest.mark.parametrize(("data", "part"), PARTS, ids=str)
def test_parallel_rows_say_the_same_in_every_language(source, data, part):
    where = part.repo, part.config, part.train.split, 30
    english = source.load(*where)
    assert source.load_in("en", *where) == english
    for code in source.languages[1:]:
        rows = source.load_in(code, *where)
        for row, original in zip(rows, english, strict=True):
            assert set(row) == set(original)
            assert [row.get(c) for c in LABELS] == [original.get(c) for c in LABELS]
            if row.get("label") != -1:
                data.format.parse(row, code)
            said, was = texts(data, row), texts(data, original)
            assert len(said) == len(was) and set(said[:1]).isdisjoint(was)


def test_hellaswags_endings_are_whole_sentences(source):
    where = "Rowan/hellaswag", "default", "train", 100
    for code in source.languages[1:]:
        for row, english in zip(source.load_in(code, *where), source.load(*where), strict=True):
            assert row["ctx_b"] == "" and row["ctx"] == row["ctx_a"]
            assert len(set(row["endings"])) == len(set(english["endings"]))


def test_what_is_not_parallel_is_said(source):
    for repo, config in (("ldc/ccgbank", "default"), ("google/xtreme", "PAN-X.en")):
        with pytest.raises(InputError, match="no parallel rows"):
            source.load_in("qaa", repo, config, "train")
    with pytest.raises(InputError, match="unknown testbed language 'de'"):
        source.load_in("de", "nyu-mll/glue", "mnli", "train")
    for repo, split in (("nyu-mll/glue", "test"), ("nobody/nothing", "train")):
        with pytest.raises(MissingError, match=f"{repo} mnli {split}"):
            source.load_in("qaa", repo, "mnli", split)
    assert {(p.repo, p.config) for _, p in PARTS} == PARALLEL


@pytest.mark.parametrize(("data", "part"), PARTS, ids=str)
def test_without_errors_the_translation_is_the_parallel_row(source, data, part):
    done = load(0, data, part)
    rows = source.load_in("qab", part.repo, part.config, part.train.split, 40)
    assert done.rows == dict(enumerate(rows))
    assert done.dropped == 0


@pytest.mark.parametrize(("data", "part"), PARTS, ids=str)
@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_every_row_with_errors_can_be_read(data, part, rate):
    done = load(rate, data, part)
    english = TestbedSource().load(part.repo, part.config, part.train.split, 40)
    assert len(done.rows) + done.dropped == 40 and list(done.rows) == sorted(done.rows)
    assert load(rate, data, part) == done
    assert load(rate, data, part, seed=1) != done
    for number, row in done.rows.items():
        assert row.get("label") == english[number].get("label")
        if row.get("label") != -1:
            assert data.format.parse(row, "row")
        assert all(texts(data, row))


def test_bleu_falls_as_the_rate_grows(source):
    data, part = TRAINING_SETS["mnli"], TRAINING_SETS["mnli"].parts[0]
    rows = source.load_in("qab", part.repo, part.config, "train", 300)
    perfect = [row["premise"] for row in rows]
    scores = [
        quality(
            [row["premise"] for row in load(rate, data, part, limit=300).rows.values()], perfect
        )
        for rate in (0, 0.05, 0.1, 0.2, 0.4, 0.8)
    ]
    assert scores[0]["bleu"] == pytest.approx(100) and scores[0]["chrf"] == pytest.approx(100)
    for less, more in pairwise(scores):
        assert more["bleu"] < less["bleu"] - 4 and more["chrf"] < less["chrf"] - 1
    assert scores[-1]["bleu"] < 10


def test_as_many_words_are_spoilt_as_the_rate_says(source):
    rows = source.load_in("qac", "nyu-mll/glue", "mnli", "train", 400)
    for rate in (0.1, 0.5):
        translator = TestbedTranslator(rate)
        words = lost = 0
        for row in rows:
            spoilt = translator.spoilt(row["premise"], "qac")
            before = row["premise"].replace(".", " .").split()
            stayed = sum(
                origin is not None and (at == 0 or spoilt.origins[at - 1] in (None, *range(origin)))
                for at, origin in enumerate(spoilt.origins)
            )
            words += sum(word != "." for word in before)
            lost += len(before) - stayed
        assert lost / words == pytest.approx(rate, rel=0.2)


def test_a_word_spoilt_at_one_rate_is_spoilt_at_higher_ones(source):
    row = source.load_in("qae", "rajpurkar/squad", "plain_text", "train", 1)[0]
    stayed = None
    for rate in (0.8, 0.4, 0.2, 0.1, 0.0):
        spoilt = TestbedTranslator(rate).spoilt(row["context"], "qae")
        inverted = {
            place
            for pair in zip(spoilt.origins, spoilt.origins[1:], strict=False)
            if None not in pair and pair[0] > pair[1]
            for place in pair
        }
        now = {place for place in spoilt.origins if place is not None} - inverted
        assert stayed is None or stayed <= now
        stayed = now


def test_questions_lose_answers_more_often_as_the_rate_grows():
    data = TRAINING_SETS["squad_v2"]
    drops = [load(rate, data, data.parts[0], limit=120) for rate in (0, 0.1, 0.3, 1)]
    dropped = [done.dropped for done in drops]
    assert dropped[0] == 0 and dropped == sorted(set(dropped))
    assert drops[1].counts["answer not found"] == dropped[1]
    # The unanswerable stay.
    assert any(not row["answers"]["text"] for row in drops[-1].rows.values())


def test_short_texts_keep_a_word():
    for text in ("apple", "Mila Torv", "", "a b.", "."):
        for seed in range(20):
            spoilt = TestbedTranslator(1, seed).spoilt(text, "qaa")
            assert bool(spoilt.text.strip(".")) == bool(text.strip("."))


def test_names_and_limits():
    assert TestbedTranslator(0.1).name == "testbed, error rate 0.1"
    assert TestbedTranslator(0.1, 3).name == "testbed, error rate 0.1, seed 3"
    assert TestbedTranslator(0.1).version("qaa") != TestbedTranslator(0.1, 3).version("qaa")
    with pytest.raises(InputError, match=r"error rate 1\.5"):
        TestbedTranslator(1.5)
