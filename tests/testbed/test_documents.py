"""What documents say after they have told something, and how."""

import random
import re
from itertools import islice

import pytest

from stilts_repro.testbed.corpus import Corpus, document, double_doubt, doubt, echo
from stilts_repro.testbed.grammar import Line, grammar
from stilts_repro.testbed.inference import excluded, implied, judge
from stilts_repro.testbed.languages import CODES, LANGUAGES
from stilts_repro.testbed.lexicon import lexicon
from stilts_repro.testbed.vocabulary import CONNECTIVES
from stilts_repro.testbed.world import Sampler, world

WORLD = world(13)
MEANT = {"namely": "entailment", "so": "entailment", "but": "contradiction", "also": "neutral"}
MEANT |= {"yes": "entailment", "no": "contradiction"}


def draw_events(count, seed):
    rng, sampler = random.Random(seed), Sampler(WORLD, "train")
    return rng, sampler, [sampler.event(rng, negated=0.3) for _ in range(count)]


def test_what_is_implied_follows_and_what_is_excluded_contradicts():
    rng, _, events = draw_events(2_000, seed=2)
    drawn = [(event, implied(rng, event), excluded(rng, event)) for event in events]
    for event, follows, contradicts in drawn:
        assert judge(event, follows) == "entailment", (event, follows)
        assert judge(event, contradicts) == "contradiction", (event, contradicts)
    assert sum(event != follows for event, follows, _ in drawn) / len(drawn) > 0.5
    # That something is denied does not tell which of the two it is.
    for claims in ([f for _, f, _ in drawn], [c for _, _, c in drawn]):
        assert 0.25 < sum(claim.negated for claim in claims) / len(claims) < 0.75


def test_the_connective_says_how_a_sentence_stands_to_the_one_before():
    rng, sampler, events = draw_events(3_000, seed=4)
    seen = dict.fromkeys(("", "namely", "so", "but", "also"), 0)
    for event in events:
        line = echo(rng, sampler, event)
        word = line.style.opening
        seen[word] += 1
        if word:
            assert judge(event, line.meaning) == MEANT[word], (event, line)
    assert min(seen.values()) > 200


def test_an_answer_is_yes_where_what_is_asked_follows():
    rng, _, events = draw_events(2_000, seed=5)
    seen, turned = dict.fromkeys(("yes", "no"), 0), 0
    for event in events:
        question, answer = doubt(rng, event)
        word = answer.style.opening
        seen[word] += 1
        assert (question.asked, answer.meaning) == ("polarity", event)
        # To ask whether the other did it to the one is to be told who did.
        of_roles = question.meaning.agent == event.patient
        if of_roles:
            turned += 1
            assert word == "no"
        else:
            assert judge(event, question.meaning) == MEANT[word], (event, question)
    assert min(*seen.values(), turned * 20) > 500


def test_an_answer_to_a_double_question_is_yes_where_both_are_so():
    rng, sampler = random.Random(5), Sampler(WORLD, "train")
    seen = dict.fromkeys(("yes", "no"), 0)
    for _ in range(1_000):
        events = [sampler.event(rng, to_person=0.0) for _ in range(2)]
        *asked, answer, rest = double_doubt(rng, sampler, *events)
        assert [line.asked for line in asked] == ["polarity"] * 2
        assert [answer.meaning, rest.meaning] == events
        assert asked[1].style.opening == rest.style.opening == "and"
        word = answer.style.opening
        seen[word] += 1
        meant = {line.meaning for line in asked}
        assert (meant == {*events}) == (word == "yes")
        assert all(sampler.allows(event.agent, event.patient) for event in meant)
    assert min(seen.values()) > 300


@pytest.mark.parametrize("code", CODES)
def test_connectives_are_words_of_each_language_and_of_no_other_concept(code):
    stems = lexicon(LANGUAGES[code], 13).stems
    own = [stems[word] for word in CONNECTIVES]
    assert len({*own}) == len(CONNECTIVES)
    assert not {*own} & {stem for concept, stem in stems.items() if concept not in CONNECTIVES}


def test_a_sentence_that_opens_with_and_goes_on_in_the_one_before():
    texts = list(islice(Corpus(WORLD).documents("en", "train"), 300))
    assert any(" and " in text for text in texts)
    assert not any(f"{mark} and " in text for text in texts for mark in ".?")
    # Nothing else takes a full stop away: facts, which "and" never joins, have one each.
    facts = [
        re.findall(r" (?:is an?|lives in|lies in|sits in) ", part)
        for text in texts
        for part in re.split("[.?]", text)
    ]
    assert max(map(len, facts)) == 1


def test_documents_have_all_connectives():
    texts = islice(Corpus(WORLD).documents("en", "train"), 400)
    assert {"and", *CONNECTIVES} <= {word for text in texts for word in text.split()}


def test_a_document_comes_back_to_what_it_told_in_other_words():
    """What a masked word was is often told by another sentence, which is not the same one."""
    rng, sampler = random.Random(6), Sampler(WORLD, "train")
    speaker = grammar("en", WORLD)
    repeated = copied = 0
    for _ in range(500):
        lines = [line for line in document(rng, sampler) if not line.asked]
        plain = [speaker.sentence_text(*Line(line.meaning)) for line in lines]
        said = [speaker.sentence_text(*line) for line in lines]
        repeated += len(plain) - len({*plain})
        copied += len(said) - len({*said})
    assert repeated > 300
    assert copied < repeated / 2
