"""Labels and answers recomputed from meanings by other, simpler logic than the generator's."""

import itertools
import random

import pytest

from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import grammar
from stilts_repro.testbed.languages import LANGUAGES
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.rows import (
    XTREME,
    Draw,
    anli,
    hellaswag,
    nli,
    paraphrase,
    squad,
    tagging,
)
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)


@pytest.fixture(scope="module")
def source():
    return TestbedSource()


def _sampler():
    return random.Random(7), Sampler(WORLD, "train")


def _possible_events(premise, hypothesis):
    """Yield every way the premise's event may have been in full: verb, qualities, where, when."""

    def values(slot, *more):
        found = {getattr(premise, slot), getattr(hypothesis, slot), *more} - {None}
        return sorted(found, key=str)

    verbs = {premise.verb, words.ANTONYM.get(premise.verb, premise.verb)}
    qualities = itertools.product(*words.ADJECTIVE_ANTONYMS)
    yield from itertools.product(
        *(sorted(verbs), qualities, values("number", 1)),
        *(values("place", "elsewhere"), values("time", "another time")),
    )


def _true_of(claim, possible):
    verb, qualities, number, place, time = possible
    return (
        (claim.verb, claim.number) == (verb, number)
        and claim.adjective in (None, *qualities)
        and claim.place in (None, place)
        and claim.time in (None, time)
    )


def _label_by_worlds(premise, hypothesis):
    """Entailed: true in every world where the premise is; contradicted: in none of them."""
    same_patient = premise.patient == hypothesis.patient or (
        hypothesis.generic
        and words.CATEGORY_OF.get(premise.patient) == words.CATEGORY_OF[hypothesis.patient]
    )
    pair = {premise.verb, words.ANTONYM.get(premise.verb)}
    if (premise.agent, premise.tense) != (hypothesis.agent, hypothesis.tense):
        return "neutral"
    if not same_patient or hypothesis.verb not in pair:
        return "neutral"  # another event, which may have happened as well
    verdicts = set()
    # With a premise that denies the event, nothing at all may have happened (None).
    for possible in (None, *_possible_events(premise, hypothesis)):
        if (possible is not None and _true_of(premise, possible)) != premise.negated:
            happened = possible is not None and _true_of(hypothesis, possible)
            verdicts.add(happened != hypothesis.negated)
    if len(verdicts) == 2:
        return "neutral"
    return "entailment" if verdicts == {True} else "contradiction"


def test_inference_labels_hold_in_every_possible_world():
    rng, sampler = _sampler()
    items = [nli.draw_inference(rng, sampler, cues=0.0) for _ in range(400)]
    for item in items:
        label = _label_by_worlds(item.events[0], item.hypothesis)
        assert item.label == label, item
        assert not item.hypothesis_style.title
        # What else the premise tells is another event.
        for other in item.events[1:]:
            assert _label_by_worlds(other.but(negated=False), item.hypothesis) == "neutral"
    for label in nli.LABELS:
        assert 0.25 < sum(item.label == label for item in items) / len(items) < 0.42


@pytest.mark.parametrize("sentences", anli.SENTENCES.values())
def test_one_event_of_a_long_premise_decides(sentences):
    rng, sampler = _sampler()
    described = 0
    for _ in range(300):
        item = anli.draw_adversarial(rng, sampler, sentences)
        assert len(item.premise) == sentences and len(item.events) > 1
        verdicts = [_label_by_worlds(event, item.hypothesis) for event in item.events]
        decisive = [verdict for verdict in verdicts if verdict != "neutral"]
        assert decisive == ([] if item.label == "neutral" else [item.label]), item
        if item.described:
            described += 1
            occupation = WORLD.persons[item.hypothesis.agent].occupation
            told = [line.meaning for line in item.premise]
            assert Fact("occupation", item.hypothesis.agent, occupation) in told
            named = {name for event in item.events for name in (event.agent, event.patient)}
            named = (named | {item.hypothesis.agent}) & set(WORLD.persons)
            assert sum(WORLD.persons[name].occupation == occupation for name in named) == 1
    assert 0.15 < described / 300 < 0.4


def test_paraphrases_tell_the_same_events_with_the_same_words():
    sampler = Sampler(WORLD, "train")
    english = grammar("en", WORLD)
    labels = []
    for seed in range(300):
        pair = paraphrase.draw_sentences(random.Random(seed), sampler)
        first, second = (sorted(repr(part.event) for part in parts) for parts in pair)
        same = first == second
        row = paraphrase.pawsx(Draw(random.Random(seed), sampler, english, "train", 0))
        assert row["label"] == str(int(same))
        assert row["sentence1"] != row["sentence2"]
        bags = [
            sorted(
                token.gloss
                for part in parts
                for token in english.clause(part.event, part.style)
                if token.upos in ("PROPN", "NOUN", "VERB", "ADJ")
            )
            for parts in pair
        ]
        assert bags[0] == bags[1]
        labels.append(same)
    assert 0.4 < sum(labels) / len(labels) < 0.6


@pytest.mark.parametrize("code", LANGUAGES)
def test_answers_are_at_their_offsets(source, code):
    rows = source.load(XTREME, f"XQuAD.{code}", "test", 100)
    rows += source.load(XTREME, f"MLQA.{code}.{code}", "test", 50)
    rows += source.load(XTREME, "tydiqa", "test", 80)
    for row in rows:
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert answer and row["context"][start : start + len(answer)] == answer
        assert answer[-1] not in ".?,"


@pytest.mark.parametrize("elliptical", [False, True])
def test_answers_are_unique(elliptical):
    """Slot by slot: just one told event (or fact) fits the question."""
    rng, sampler = _sampler()
    for _ in range(300):
        item = squad.draw_reading(rng, sampler, (3, 6), elliptical)
        told = [line.meaning for line in item.context]
        if isinstance(item.question, Fact):
            assert item.question == told[item.answer]
            key = "subject" if item.asked == "value" else "value"
            like = [m for m in told if isinstance(m, Fact) and m.kind == item.question.kind]
            assert sum(getattr(m, key) == getattr(item.question, key) for m in like) == 1
        else:
            assert [i for i, m in enumerate(told) if _fits(item, m)] == [item.answer]


def _fits(item, meaning):
    if not isinstance(meaning, Event) or meaning.negated:
        return False
    names = {meaning.agent}
    if meaning.agent in WORLD.persons:
        names.add(WORLD.persons[meaning.agent].occupation)
    question = item.question
    return (
        (item.asked == "agent" or question.agent in names)
        and (item.asked == "patient" or question.patient == meaning.patient)
        and (question.verb, question.tense) == (meaning.verb, meaning.tense)
        and all(
            item.asked == slot or getattr(question, slot) in (None, getattr(meaning, slot))
            for slot in ("adjective", "place", "time")
        )
    )


def test_unanswerable_questions_fit_nothing_told(source):
    rng, sampler = _sampler()
    for _ in range(200):
        item = squad.draw_unanswerable(rng, sampler, (3, 6))
        told = [line.meaning for line in item.context]
        assert item.question not in told
        assert not any(_fits(item, m) for m in told if isinstance(item.question, Event))
    rows = source.load("rajpurkar/squad_v2", "squad_v2", "train", 600)
    empty = [row for row in rows if row["answers"] == {"text": [], "answer_start": []}]
    assert 0.27 < len(empty) / len(rows) < 0.4


def test_only_the_right_ending_follows_the_script():
    rng, sampler = _sampler()
    for _ in range(300):
        item = hellaswag.draw_continuation(rng, sampler)
        script = words.SCRIPTS[words.CATEGORY_OF[item.story[0].patient]]
        turns = [script.index(event.verb) for event in item.story]
        assert (turns[1] - turns[0]) % 5 == 1
        follows = [
            event.patient == item.story[1].patient
            and event.verb == script[(turns[1] + 1) % len(script)]
            for event in item.endings
        ]
        assert follows.count(True) == 1 and follows.index(True) == item.label
        assert len(set(item.endings)) == 4


@pytest.mark.parametrize("code", LANGUAGES)
def test_tags_are_aligned(source, code):
    for row in source.load(XTREME, f"PAN-X.{code}", "test", 150):
        assert len(row["tokens"]) == len(row["ner_tags"]) == len(row["langs"])
        assert any(row["ner_tags"]) and set(row["langs"]) == {code}
        tags = [tagging.NER_TAGS[tag] for tag in row["ner_tags"]]
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]
    seen = set()
    for row in source.load(XTREME, f"udpos.{LANGUAGES[code].name}", "test", 300):
        assert len(row["tokens"]) == len(row["pos_tags"])
        assert tagging.POS_TAGS[row["pos_tags"][-1]] == "PUNCT"
        seen |= {tagging.POS_TAGS[tag] for tag in row["pos_tags"]}
    assert {"NOUN", "VERB", "ADJ", "PROPN", "PRON", "NUM", "PART", "ADV", "CCONJ"} <= seen


def test_entity_types_cannot_be_read_off_the_first_word(source):
    """Towns and families name organisations too."""
    types = {}
    for row in source.load(XTREME, "PAN-X.en", "train", 2000):
        for word, tag in zip(row["tokens"], row["ner_tags"], strict=True):
            types.setdefault(word, set()).add(tagging.NER_TAGS[tag])
    assert {"B-LOC", "B-ORG"} <= types["Tarnov"]
