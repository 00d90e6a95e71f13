import re

import pytest

from stilts_repro.errors import InputError
from stilts_repro.tasks.loading import load_dev, load_training
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.configs import PARALLEL
from stilts_repro.translation.mixed import (
    NO_REFERENCE,
    MixedSource,
    Translation,
    quality,
    translator_of,
)
from stilts_repro.translation.seq2seq import Seq2SeqTranslator
from stilts_repro.translation.testbed import TestbedTranslator
from tests.rows import one_line, question
from tests.translation.conftest import Dictionary

MNLI = "nyu-mll/glue", "mnli", "train"
SQUAD = "rajpurkar/squad_v2", "squad_v2", "train"
INTO = ("qaa", "qac", "qag")


class Folder(TestbedSource):
    """Rows that nobody can say in another language."""

    def __init__(self):
        super().__init__()
        self.name = "directory"


@pytest.fixture(autouse=True)
def _own_cache(kept):
    pass


@pytest.mark.parametrize(("repo", "config"), sorted(PARALLEL))
def test_some_parallel_rows_are_those_among_all(repo, config):
    split = "train_r1" if "anli" in repo else "train"
    where = "qac", repo, config, split, 20
    assert TestbedSource().load_in(*where, 2, 3) == TestbedSource().load_in(*where)[2::3]


@pytest.mark.parametrize("translator", [Dictionary(str.upper), TestbedTranslator(0.2)])
def test_rows_are_in_turn_in_english_and_in_each_language(translator):
    source = TestbedSource()
    english = source.load(*MNLI, 18)
    mixed = MixedSource(source, Translation(translator, INTO)).load(*MNLI, 18)
    assert english == source.load(*MNLI, 18)
    same = [row == other for row, other in zip(mixed, english, strict=True)]
    assert same == [place % 4 == 0 for place in range(18)]
    for column in ("label", "idx"):
        assert [row[column] for row in mixed] == [row[column] for row in english]
    if isinstance(translator, Dictionary):
        assert mixed[1]["premise"] == english[1]["premise"].upper()
        assert not set(translator.asked) & {row["premise"] for row in english[::4]}


def test_a_row_whose_answer_is_lost_stays_english():
    source = TestbedSource()
    mixed = MixedSource(source, Translation(TestbedTranslator(0.5), INTO))
    rows, english = mixed.load(*SQUAD, 80), source.load(*SQUAD, 80)
    told = mixed.told()["languages"]
    stayed = sum(row == other for row, other in zip(rows, english, strict=True))
    assert stayed == 20 + sum(told[code]["dropped"] for code in INTO)
    for code in INTO:
        assert told[code]["rows"] + told[code]["dropped"] == 20
        assert told[code]["counts"] == {"answer not found": told[code]["dropped"]}
        assert told[code]["dropped"] > 0


def test_a_training_set_of_several_data_sets_is_told_as_one():
    mixed = MixedSource(TestbedSource(), Translation(TestbedTranslator(0.33), INTO))
    assert mixed.name == "testbed and testbed, error rate 0.33"
    examples = load_training(mixed, TRAINING_SETS["anli"], 120)
    plain = load_training(TestbedSource(), TRAINING_SETS["anli"], 120)
    assert len(examples) == len(plain) and examples.hash != plain.hash
    told = mixed.told()
    assert told["translator"] == "testbed, error rate 0.33"
    for code in INTO:
        assert told["languages"][code]["version"] == TestbedTranslator(0.33).version(code)


@pytest.mark.parametrize("name", ["anli", "squad_v2"])
def test_sets_are_read_from_mixed_rows_as_from_any(name):
    source = TestbedSource()
    mixed = MixedSource(source, Translation(TestbedTranslator(0.1), ("qad",)))
    for load in (load_training, load_dev):
        english, examples = (load(rows, TRAINING_SETS[name], 60) for rows in (source, mixed))
        assert len(examples) == len(english) and examples.hash != english.hash


def test_quality_is_against_what_the_testbed_says_itself():
    def scored(rate, where, code="qac"):
        mixed = MixedSource(TestbedSource(), Translation(TestbedTranslator(rate), INTO))
        mixed.load(*where, 400)
        return mixed.told()["languages"][code]["quality"]

    for where in (MNLI, SQUAD):
        perfect, default = scored(0, where), scored(0.33, where)
        assert perfect["bleu"] == pytest.approx(100)
        assert 35 < default["bleu"] < 46 and 60 < default["chrf"] < 75
        assert "tok:13a" in default["bleu_signature"] and "nc:6" in default["chrf_signature"]
        assert default["texts"] <= perfect["texts"] == 200


def test_without_references_the_record_says_so():
    mixed = MixedSource(Folder(), Translation(Dictionary(str.upper), ("de",)))
    mixed.load(*MNLI, 8)
    told = mixed.told()["languages"]["de"]
    assert (told["quality"], told["reason"], told["rows"]) == (None, NO_REFERENCE, 4)


def test_errors_name_the_rows():
    class Broken(Folder):
        def load(self, *where):
            return [question("a"), question("b") | {"context": None}]

    mixed = MixedSource(Broken(), Translation(Dictionary(), ("de",)))
    with pytest.raises(InputError) as error:
        mixed.load(*SQUAD)
    one_line(error, "squad_v2/train[1::2] row 0")


@pytest.mark.parametrize("translator", [Dictionary(), TestbedTranslator(0)])
def test_rows_that_cannot_be_translated_are_refused(translator):
    mixed = MixedSource(TestbedSource(), Translation(translator, INTO))
    assert mixed.has("ldc/ccgbank", "default", "train")
    for repo, config, words in (
        ("ldc/ccgbank", "default", "default/train[1::4]: rows of format tagging cannot be"),
        ("google/xtreme", "PAN-X.en", "no data set of phase (ii); only those are translated"),
    ):
        with pytest.raises(InputError) as error:
            mixed.load(repo, config, "train", 8)
        one_line(error, f"{repo} {config}", words)


def test_the_testbeds_translator_has_the_testbeds_rows_only():
    mixed = MixedSource(Folder(), Translation(TestbedTranslator(0), INTO))
    with pytest.raises(InputError) as error:
        mixed.load(*MNLI, 8)
    assert str(error.value) == (
        "testbed, error rate 0: it has rows of the testbed only; give its source"
    )


SAID = ["the baker washed the old saw.", "why did she wash it at noon?"]


def test_scores_and_signatures():
    same = quality(SAID, SAID)
    assert list(same) == ["bleu", "chrf", "bleu_signature", "chrf_signature"]
    assert same["bleu"] == pytest.approx(100) and same["chrf"] == pytest.approx(100)
    assert "tok:13a" in same["bleu_signature"] and "version:" in same["bleu_signature"]
    assert "nc:6" in same["chrf_signature"]
    other = quality(["the baker washed an old saw.", SAID[1]], SAID)
    assert 0 < other["bleu"] < 100 and other["bleu"] < other["chrf"] < 100


def test_bleu_splits_words_as_the_language_does():
    assert "tok:zh" in quality(["我们走。"], ["我们走。"], "zh")["bleu_signature"]
    assert "tok:13a" in quality(SAID, SAID, "de")["bleu_signature"]
    for code in ("ja", "th", "my"):
        assert "tok:char" in quality(["あ"], ["あ"], code)["bleu_signature"]


def test_what_cannot_be_scored():
    for texts, references in (([], []), (SAID, SAID[:1])):
        with pytest.raises(InputError, match="one reference for each"):
            quality(texts, references)


def test_what_a_translator_may_be(tmp_path):
    commit = "0123456789" * 4
    assert translator_of("testbed:0.1") == TestbedTranslator(0.1)
    assert translator_of(f"a/b@{commit}").name == f"a/b@{commit}, greedy"
    for local in (str(tmp_path), f"{tmp_path}/en-{{code}}"):
        found = translator_of(local)
        assert isinstance(found, Seq2SeqTranslator) and found.model == local


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("testbed", "a share from 0 to 1"),
        ("testbed:much", "a share from 0 to 1"),
        ("testbed:1.5", "a share from 0 to 1"),
        ("testbed:nan", "a share from 0 to 1"),
        ("/no/such", "no such directory"),
        ("facebook/nllb-200-distilled-600M", "no commit of 40 hex digits"),
        ("a/b@main", "no commit of 40 hex digits"),
        ("", "no commit of 40 hex digits"),
    ],
)
def test_what_it_may_not_be(spec, says):
    with pytest.raises(InputError, match=re.escape(f"--translator {spec}: ")) as error:
        translator_of(spec)
    one_line(error, says)
