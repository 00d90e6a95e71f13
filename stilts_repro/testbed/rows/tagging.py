"""PAN-X and udpos rows: annotated sentences, drawn for each language on its own."""

import random

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import question_slots, random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.tokens import Token
from stilts_repro.testbed.world import Sampler

# The hub's order of class labels.
NER_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
POS_TAGS = (
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)


def draw(rng: random.Random, sampler: Sampler, speaker: Grammar) -> list[Token]:
    """Draw an event, a fact, two coordinated events, a narrated event or a question."""
    kind = rng.random()
    if kind < 0.2:
        subjects = (sampler.world.person(rng), rng.choice(words.ORGANISATIONS))
        subject = rng.choice(
            (*subjects, rng.choice(words.TOWNS), rng.choice(list(words.CATEGORY_OF)))
        )
        return speaker.sentence(rng.choice(sampler.world.facts(subject)))
    event = sampler.event(rng, negated=0.15)
    if kind < 0.4:
        other = sampler.event(rng, negated=0.15)
        clauses = [speaker.clause(e, random_style(rng, e)) for e in (event, other)]
        return speaker.joined(*clauses)
    if kind < 0.5 and not event.negated:
        return speaker.question(event, rng.choice(question_slots(event)))
    return speaker.sentence(event, _style(rng, sampler, event))


def _style(rng: random.Random, sampler: Sampler, event: Event) -> Style:
    if event.agent in sampler.world.persons and rng.random() < 0.2:
        return Style(pronoun=True, then=rng.random() < 0.5)
    return random_style(rng, event)


def panx_row(rng: random.Random, sampler: Sampler, speaker: Grammar) -> dict[str, object]:
    """Return a row of google/xtreme PAN-X.<language>; every sentence names something."""
    while True:
        tokens = draw(rng, sampler, speaker)
        tags = [NER_TAGS.index(token.ner) for token in tokens]
        if any(tags):
            break
    return {
        "tokens": [token.text for token in tokens],
        "ner_tags": tags,
        "langs": [speaker.language.code] * len(tokens),
    }


def udpos_row(rng: random.Random, sampler: Sampler, speaker: Grammar) -> dict[str, object]:
    """Return a row of google/xtreme udpos.<Name>."""
    tokens = draw(rng, sampler, speaker)
    return {
        "tokens": [token.text for token in tokens],
        "pos_tags": [POS_TAGS.index(token.upos) for token in tokens],
    }
