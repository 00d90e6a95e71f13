"""PAN-X and udpos rows: words with their entity tags or parts of speech, drawn in each language."""

import random

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.phrases import Sentence
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import Sampler

# The hub's order of class labels.
NER_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
POS_TAGS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)
_OBJECTS = tuple(words.CATEGORY_OF)


def draw_sentence(rng: random.Random, sampler: Sampler, speaker: Grammar) -> Sentence:
    """Draw an event, a fact, two coordinated events, an event of a story or a question."""
    kind = rng.random()
    if kind < 0.2:
        return speaker.sentence(draw_fact(rng, sampler))
    event = sampler.event(rng, negated=0.15)
    if kind < 0.4:
        other = sampler.event(rng, negated=0.15)
        return speaker.joined(*(speaker.clause(e, random_style(rng, e)) for e in (event, other)))
    if kind < 0.5 and not event.negated:
        return speaker.sentence(event, asked=rng.choice(event.slots()))
    return speaker.sentence(event, _style(rng, sampler, event))


def draw_fact(rng: random.Random, sampler: Sampler) -> Fact:
    """Draw a fact about a person, an organisation, a town or an object."""
    person = sampler.world.person(rng)
    subjects = (person, *map(rng.choice, (words.ORGANISATIONS, words.TOWNS, _OBJECTS)))
    return rng.choice(sampler.world.facts(rng.choice(subjects)))


def _style(rng: random.Random, sampler: Sampler, event: Event) -> Style:
    if event.agent in sampler.world.persons and rng.random() < 0.2:
        return Style(pronoun=True, opening="then" if rng.random() < 0.5 else "")
    return random_style(rng, event)


def panx(draw: Draw) -> Row:
    """Return a row of google/xtreme PAN-X.<language>; every sentence names something."""
    tags: list[int] = []
    while not any(tags):
        sentence = draw_sentence(draw.rng, draw.sampler, draw.speaker)
        tags = [NER_TAGS.index(token.ner) for token in sentence]
    return {
        "tokens": [token.text for token in sentence],
        "ner_tags": tags,
        "langs": [draw.speaker.language.code] * len(sentence),
    }


def udpos(draw: Draw) -> Row:
    """Return a row of google/xtreme udpos.<Name>."""
    sentence = draw_sentence(draw.rng, draw.sampler, draw.speaker)
    return {
        "tokens": [token.text for token in sentence],
        "pos_tags": [POS_TAGS.index(token.upos) for token in sentence],
    }
