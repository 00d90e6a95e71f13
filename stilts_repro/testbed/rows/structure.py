"""CCGbank rows: words and their CCG categories, over all kinds of sentence that English has."""

import random

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import question_slots, random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event, Fact
from stilts_repro.testbed.phrases import Sentence
from stilts_repro.testbed.rows.questions import Asked, style_of
from stilts_repro.testbed.supertags import supertags
from stilts_repro.testbed.world import Sampler

_NEGATED = 0.15


def draw(rng: random.Random, sampler: Sampler, speaker: Grammar) -> Sentence:
    """Draw a told or denied event, two of them, a fact, or a question about an event or a fact."""
    kind = rng.random()
    if kind < 0.2:
        return _about_fact(rng, speaker, _fact(rng, sampler))
    event = sampler.event(rng, negated=_NEGATED)
    if kind < 0.35:
        other = sampler.event(rng, negated=_NEGATED)
        return speaker.joined(
            *(speaker.clause(said, _style(rng, sampler, said)) for said in (event, other))
        )
    if kind < 0.65 and not event.negated:
        return _about_event(rng, sampler, speaker, event)
    return speaker.sentence(event, _style(rng, sampler, event))


def _fact(rng: random.Random, sampler: Sampler) -> Fact:
    subjects = (
        sampler.world.person(rng),
        *(rng.choice(words.ORGANISATIONS), rng.choice(words.TOWNS)),
        rng.choice(tuple(words.CATEGORY_OF)),
    )
    return rng.choice(sampler.world.facts(rng.choice(subjects)))


def _about_fact(rng: random.Random, speaker: Grammar, fact: Fact) -> Sentence:
    asked = rng.choice(("", "", "subject", "value", "polarity"))
    return speaker.question(fact, asked) if asked else speaker.sentence(fact)


def _about_event(rng: random.Random, sampler: Sampler, speaker: Grammar, event: Event) -> Sentence:
    slot = rng.choice(("polarity", *question_slots(event)))
    style = style_of(rng, sampler.world, Asked(event, slot))
    return speaker.question(event, slot, style)


def _style(rng: random.Random, sampler: Sampler, event: Event) -> Style:
    """Draw a style; after a passive's agent, a residence could not be told from the place."""
    style = random_style(rng, event, passive=0.3)
    if event.agent in sampler.world.persons and rng.random() < 0.15:
        return Style(pronoun=True, then=rng.random() < 0.5)
    if style.passive or rng.random() < 0.8:
        return style
    return Style(front=style.front, home=True)


def row(rng: random.Random, sampler: Sampler, speaker: Grammar) -> dict[str, object]:
    """Return a row of ldc/ccgbank."""
    sentence = draw(rng, sampler, speaker)
    return {"tokens": [token.text for token in sentence], "supertags": supertags(sentence)}
