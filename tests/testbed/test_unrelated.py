"""The world in which languages share nothing: the same meanings, rows and labels in other words."""

import itertools

import pytest

from stilts_repro.jsonio import content_hash
from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.__main__ import main
from stilts_repro.testbed.configs import configs
from stilts_repro.testbed.grammar import grammar
from stilts_repro.testbed.languages import CODES
from stilts_repro.testbed.rows import XTREME
from stilts_repro.testbed.vocabulary import NAME_WORDS
from stilts_repro.testbed.world import world

WORLD = world(13, "unrelated")
# Columns that say nothing in any language.
LABELS = {"label", "gold_label", "ner_tags", "pos_tags", "supertags", "answerKey", "language"} | {
    *("id", "idx", "ind", "uid", "langs", "source_lang", "target_lang")
}


@pytest.fixture(scope="module")
def source():
    return TestbedSource(kind="unrelated")


@pytest.fixture(scope="module")
def related():
    return TestbedSource()


def words_of(source, code):
    documents = itertools.islice(source.documents(code), 400)
    return {word.strip(".?,") for text in documents for word in text.split()} - {""}


def shared(words):
    """Return how many word types each two languages share."""
    return [len(words[a] & words[b]) for a, b in itertools.combinations(CODES, 2)]


def test_two_languages_share_no_more_words_than_chance_gives(source, related):
    words = {code: words_of(source, code) for code in CODES}
    assert min(map(len, words.values())) > 200
    assert sum(shared(words)) <= 3  # of the short function words
    assert sum(shared({code: words_of(related, code) for code in CODES})) > 500


def test_stems_and_names_are_each_languages_own():
    lexica = {code: grammar(code, WORLD).lexicon for code in CODES}
    assert sum(shared({code: set(lexicon.stems.values()) for code, lexicon in lexica.items()})) <= 3
    names = [*WORLD.persons, *WORLD.seat_of, *WORLD.region_of]
    words = {
        code: {word for name in names for word in lexicon.name(name)}
        for code, lexicon in lexica.items()
    }
    assert sum(shared(words)) == 0
    assert {*map(len, words.values())} == {len({word for name in names for word in name.split()})}
    assert words["en"] <= set(NAME_WORDS)


@pytest.mark.parametrize(("repo", "config"), list(configs()))
def test_rows_have_the_labels_and_sizes_of_the_related_world(source, related, repo, config):
    for split, size in configs()[repo, config].sizes.items():
        rows = source.load(repo, config, split, 24)
        others = related.load(repo, config, split, 24)
        assert len(rows) == len(others) == min(24, size)
        for row, other in zip(rows, others, strict=True):
            assert list(row) == list(other)
            for name in LABELS & set(row):
                assert row[name] == other[name]
        english = configs()[repo, config].code == "en"
        assert (rows == others) == (english and not configs()[repo, config].interleaved)


@pytest.mark.parametrize("code", CODES)
def test_answers_are_in_their_contexts(source, code):
    for config in (f"XQuAD.{code}", f"MLQA.{code}.{code}"):
        for row in source.load(XTREME, config, "test", 60):
            answers = row["answers"]
            for answer, start in zip(answers["text"], answers["answer_start"], strict=True):
                assert row["context"][start:].startswith(answer)


def test_retrieval_has_the_same_english_and_other_sentences_beside_it(source, related):
    for config in ("tatoeba.qaa", "bucc18.qab"):
        rows, others = (s.load(XTREME, config, "test") for s in (source, related))
        assert [r["target_sentence"] for r in rows] == [r["target_sentence"] for r in others]
        pairs = zip(rows, others, strict=True)
        assert all(row["source_sentence"] != other["source_sentence"] for row, other in pairs)
        assert len({row["source_sentence"] for row in rows}) == len(rows)


def test_no_document_is_in_two_languages(source):
    assert list(source.bilingual_documents()) == list(source.mixed_documents()) == []


def test_the_world_is_the_same_whenever_it_is_built(source):
    """A golden hash, as for the related world: its masked LM knows these documents."""
    documents = [list(itertools.islice(source.documents(code), 8)) for code in source.languages]
    assert content_hash(documents) == "e42e454d6e75fbdc"


def test_describe(capsys):
    assert main(["describe", "qaa", "--kind", "unrelated"]) == 0
    unrelated = capsys.readouterr().out
    assert main(["describe", "qaa"]) == 0
    related = capsys.readouterr().out
    assert "cognates:       0%" in unrelated and "names:          its own" in unrelated
    assert "cognates:       60%" in related and "names:          the source's" in related
    assert unrelated.splitlines()[1:9] == related.splitlines()[1:9]
