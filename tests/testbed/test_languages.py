import itertools
import random
from collections import defaultdict
from typing import get_args

import pytest

from stilts_repro.errors import InputError
from stilts_repro.testbed.__main__ import main
from stilts_repro.testbed.corpus import Corpus
from stilts_repro.testbed.grammar import Style, grammar
from stilts_repro.testbed.languages import LANGUAGES, Kind, language
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.phrases import Token, spans, text
from stilts_repro.testbed.rows import tagging
from stilts_repro.testbed.vocabulary import CONNECTIVES
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)
WORLDS = pytest.mark.parametrize(
    "known", [world(13, kind) for kind in get_args(Kind)], ids=lambda w: w.kind
)
PERSON = next(iter(WORLD.persons))
EVENT = Event(PERSON, "open", "letter", "red", 2, "Port Rugen", "noon")
INVENTED = [code for code in LANGUAGES if code != "en"]


def test_english_reads_as_english():
    english = grammar("en", WORLD)
    assert text(english.sentence(EVENT)) == (
        f"{PERSON} opened the two red letters in Port Rugen at noon."
    )
    denied = EVENT.but(negated=True, tense="future", number=1)
    assert text(english.sentence(denied, Style(passive=True, front="time"))) == (
        f"at noon the red letter will not be opened by {PERSON} in Port Rugen."
    )
    questions = [
        text(english.sentence(EVENT.but(time=None), asked=s)) for s in ("agent", "adjective")
    ]
    assert questions == [
        "who opened the two red letters in Port Rugen?",
        f"which two letters did {PERSON} open in Port Rugen?",
    ]
    assert text(english.sentence(Fact("category", "apple", "food"))) == "an apple is a food."
    assert text(english.sentence(Fact("home", PERSON, "Karis"), asked="value")) == (
        f"where does {PERSON} live?"
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_texts_are_those_of_the_words(code):
    """Texts are joined of phrases, not of words, which must not show."""
    speaker, rng, sampler = grammar(code, WORLD), random.Random(3), Sampler(WORLD, "train")
    facts = [
        fact for name in (PERSON, "Weber Guild", "Karis", "apple") for fact in WORLD.facts(name)
    ]
    said = [(fact, Style(pronoun=pronoun)) for fact in facts for pronoun in (False, True)]
    for _ in range(300):
        event = sampler.event(rng, PERSON, negated=0.2)
        passive, pronoun, title, home = (rng.random() < 0.3 for _ in range(4))
        front = rng.choice(("", "place", "time"))
        opening = rng.choice(("", "", "then", "and", *CONNECTIVES))
        said.append((event, Style(passive, front, pronoun, title, home, opening)))
    for meaning, style in said:
        assert speaker.sentence_text(meaning, style) == text(speaker.sentence(meaning, style))
        slots = ("subject", "value") if isinstance(meaning, Fact) else ("agent", "patient", "time")
        for slot in ("polarity", *slots):
            question = speaker.sentence(meaning, style, slot)
            assert speaker.sentence_text(meaning, style, slot) == text(question)
            assert "  " not in text(question)
    one, other = (speaker.clause(*said[i]) for i in (-1, -2))
    joined = speaker.joined_text(*(speaker.clause_text(*said[i]) for i in (-1, -2)))
    assert joined == text(speaker.joined(one, other))


@pytest.mark.parametrize("code", LANGUAGES)
def test_basic_word_order(code):
    sentence = grammar(code, WORLD).sentence(EVENT)
    first = {role: [t.role for t in sentence].index(role) for role in ("agent", "verb", "patient")}
    letters = {"agent": "S", "verb": "V", "patient": "O"}
    assert "".join(letters[r] for r in sorted(first, key=first.get)) == language(code).word_order
    glosses = [token.gloss for token in sentence]
    assert (glosses.index("red") < glosses.index("letter")) == language(code).adjective_first
    assert {"SVO", "SOV", "VSO"} == {known.word_order for known in LANGUAGES.values()}


@WORLDS
@pytest.mark.parametrize("code", INVENTED)
def test_who_does_what_is_marked(code, known):
    """Swapping agent and patient, tense or number changes the sentence in every language."""
    speaker = grammar(code, known)
    one, other = list(known.persons)[:2]
    greeting = Event(one, "greet", other)
    said = {
        text(speaker.sentence(event, style))
        for event in (
            greeting,
            greeting.but(agent=other, patient=one),
            greeting.but(tense="future"),
            greeting.but(negated=True),
            greeting.but(patient="dog"),
            greeting.but(patient="dog", number=2),
        )
        for style in (Style(), Style(passive=True))
    }
    assert len(said) == 12


@WORLDS
@pytest.mark.parametrize("code", LANGUAGES)
def test_no_form_is_ambiguous(code, known):
    """One written form has one meaning, and one part of speech (names aside)."""
    speaker, sampler = grammar(code, known), Sampler(known, "train")
    rng = random.Random(1)
    meanings = defaultdict(set)
    for _ in range(800):
        for token in tagging.draw_sentence(rng, sampler, speaker):
            if token.upos not in ("AUX", "PART"):
                meanings[token.text].add((token.gloss, token.upos))
    assert {form: found for form, found in meanings.items() if len(found) > 1} == {}


@WORLDS
@pytest.mark.parametrize("code", INVENTED)
def test_stems_and_names_are_unique_and_in_script(code, known):
    lexicon = grammar(code, known).lexicon
    assert len(set(lexicon.stems.values())) == len(lexicon.stems)
    names = [*WORLD.persons, *WORLD.seat_of, *WORLD.region_of]
    assert len({lexicon.name(name) for name in names}) == len(names)
    latin = all(character.isascii() for stem in lexicon.stems.values() for character in stem)
    assert latin == (lexicon.language.script == "Latin")


def test_cognates_are_as_frequent_as_the_table_says():
    shared = {
        code: sum(a == b for a, b in grammar(code, WORLD).lexicon.stems.items())
        for code in ("qaa", "qab", "qag")
    }
    assert shared["qaa"] > shared["qab"] > shared["qag"] == 0


def test_text_and_spans():
    tokens = [Token("who", "PRON"), Token("came", "VERB"), Token("?", "PUNCT")]
    assert spans(tokens) == (text(tokens), [(0, 3), (4, 8), (8, 9)])
    assert text(tokens) == "who came?"


def test_documents_are_monolingual_and_differ_between_languages():
    corpus = Corpus(WORLD)
    for code in ("qac", "qad", "qae", "qaf"):
        documents = itertools.islice(corpus.documents(code, "train"), 50)
        assert not any(c.isascii() and c.isalpha() for document in documents for c in document)
    mixed = list(itertools.islice(corpus.mixed_documents("train"), 50))
    bilingual = list(itertools.islice(corpus.bilingual_documents("train"), 50))
    assert len(set(mixed)) == len(set(bilingual)) == 50


def test_describe(capsys):
    assert main(["describe", "qab"]) == 0
    assert "SOV" in capsys.readouterr().out
    assert main(["describe", "xx"]) == InputError.exit_status == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "xx" in captured.err
