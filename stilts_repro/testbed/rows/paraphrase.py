"""PAWS-X rows: pairs of sentences with nearly the same words, which do or do not mean the same."""

import random
from typing import NamedTuple

from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.world import Sampler

Clauses = tuple[Event, ...]


class Pair(NamedTuple):
    """Two sentences, each of one or two clauses in order, with how each clause is said."""

    first: Clauses
    second: Clauses
    first_styles: tuple[Style, ...]
    second_styles: tuple[Style, ...]

    @property
    def same(self) -> bool:
        """Say whether both sentences tell the same events, in whatever order."""
        return set(self.first) == set(self.second)


def draw(rng: random.Random, sampler: Sampler) -> Pair:
    """Draw a pair; both labels see the same re-orderings, only negatives have a swap."""
    swap = rng.random() < 0.5
    while True:
        events = _social(rng, sampler) if rng.random() < 0.3 else distinct_events(rng, sampler)
        swapped = _swapped(rng, sampler, events)
        if swapped:
            break
    second = swapped if swap else events
    styles = _styles(rng, events)
    while True:
        turned = len(second) > 1 and rng.random() < 0.6
        arranged = second[::-1] if turned else second
        second_styles = _styles(rng, arranged)
        # Both labels re-arrange something: no sentence is simply repeated, or repeated with a swap.
        if turned or second_styles != styles:
            break
    return Pair(events, arranged, styles, second_styles)


def _styles(rng: random.Random, events: Clauses) -> tuple[Style, ...]:
    return tuple(random_style(rng, event, passive=0.4)._replace(title=False) for event in events)


def _social(rng: random.Random, sampler: Sampler) -> Clauses:
    return (sampler.event(rng, sampler.world.person(rng), to_person=1.0),)


def distinct_events(rng: random.Random, sampler: Sampler) -> tuple[Event, Event]:
    """Draw two events on objects that have no participant in common."""
    while True:
        events = sampler.event(rng, to_person=0.0), sampler.event(rng, to_person=0.0)
        if events[0].agent != events[1].agent and events[0].patient != events[1].patient:
            return events


def _swapped(rng: random.Random, sampler: Sampler, events: Clauses) -> Clauses | None:
    """Exchange roles within a clause, or one slot between clauses; None where nothing differs."""
    if len(events) == 1:
        (event,) = events
        return (event.but(agent=event.patient, patient=event.agent),)
    one, other = events
    slots = [
        slot
        for slot in ("adjective", "place", "time", "verb")
        if getattr(one, slot) != getattr(other, slot)
    ]
    if sampler.allows(one.agent, other.patient) and sampler.allows(other.agent, one.patient):
        slots.append("agent")
    if not slots:
        return None
    slot = rng.choice(slots)
    return (
        one.but(**{slot: getattr(other, slot)}),
        other.but(**{slot: getattr(one, slot)}),
    )


def _sentence(events: Clauses, styles: tuple[Style, ...], speaker: Grammar) -> str:
    if len(events) == 1:
        return speaker.sentence_text(events[0], styles[0])
    first, second = map(speaker.clause_text, events, styles)
    return speaker.joined_text(first, second)


def row(pair: Pair, speaker: Grammar) -> dict[str, object]:
    """Return a row of google/xtreme PAWS-X.<language>."""
    return {
        "sentence1": _sentence(pair.first, pair.first_styles, speaker),
        "sentence2": _sentence(pair.second, pair.second_styles, speaker),
        "label": str(int(pair.same)),
    }
