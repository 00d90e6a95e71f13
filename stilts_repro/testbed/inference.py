"""What follows from an event that is told: what it implies, what it excludes, what it leaves open.

The same judgements label rows of NLI and decide how a document goes on.
"""

import random

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.meanings import MODIFIERS, Event
from stilts_repro.testbed.world import Sampler

LABELS = ("entailment", "neutral", "contradiction")
_NUMBERS = tuple(words.NUMERALS)


def opposed_slots(premise: Event, hypothesis: Event) -> int | None:
    """Count the slots that differ exclusively; None where the premise leaves one open."""
    if (premise.agent, premise.tense) != (hypothesis.agent, hypothesis.tense):
        return None
    if premise.patient != hypothesis.patient:
        kind = words.CATEGORY_OF.get(premise.patient)
        if not (hypothesis.generic and kind == words.CATEGORY_OF[hypothesis.patient]):
            return None
    opposed = int(premise.number != hypothesis.number)
    for slot in ("verb", *MODIFIERS):
        known, claimed = getattr(premise, slot), getattr(hypothesis, slot)
        if claimed is None or claimed == known:
            continue
        exclusive = slot in ("place", "time") or words.ANTONYM.get(claimed) == known
        if known is None or not exclusive:
            return None
        opposed += 1
    return opposed


def judge(premise: Event, hypothesis: Event) -> str:
    """Return the label of a hypothesis about one event."""
    if premise.negated:
        # Denying an event denies every more specific one, and says nothing of more general ones.
        implied = not hypothesis.generic and opposed_slots(hypothesis, premise) == 0
        if not implied:
            return "neutral"
        return "entailment" if hypothesis.negated else "contradiction"
    opposed = opposed_slots(premise, hypothesis)
    if opposed is None:
        return "neutral"
    return "entailment" if (opposed == 0) != hypothesis.negated else "contradiction"


def changeable(event: Event) -> list[str]:
    """Return the slots that have an opposite in this event."""
    slots = event.modifiers()
    if event.verb in words.ANTONYM:
        slots.append("verb")
    if event.number > 1:
        slots.append("number")
    return slots


def opposite(rng: random.Random, event: Event, focus: str) -> Event:
    """Return `event` with one slot changed for a value that excludes its own."""
    if focus in ("verb", "adjective"):
        return event.but(**{focus: words.ANTONYM[getattr(event, focus)]})
    values = {"place": words.TOWNS, "time": words.TIMES, "number": _NUMBERS}[focus]
    others = [value for value in values if value != getattr(event, focus)]
    return event.but(**{focus: rng.choice(others)})


def implied(rng: random.Random, event: Event) -> Event:
    """Draw what follows from `event`: less of it, or that an opposite of it is not so.

    From one that is denied follows that every more specific one is not so.
    """
    if event.negated:
        return narrower(rng, event)
    if changeable(event) and rng.random() < 0.3:
        return contrary(rng, event).but(negated=True)
    return broader(rng, event)


def excluded(rng: random.Random, event: Event) -> Event:
    """Draw what cannot be so if `event` is: that it is not so, or an opposite of it."""
    if event.negated:
        return narrower(rng, event).but(negated=False)
    if changeable(event) and rng.random() < 0.5:
        return contrary(rng, event)
    return broader(rng, event).but(negated=True)


def contrary(rng: random.Random, event: Event) -> Event:
    """Draw an opposite of a changeable event, with some of what else it says left out."""
    focus = rng.choice(changeable(event))
    return opposite(rng, broader(rng, event, focus), focus)


def exchangeable(sampler: Sampler, one: Event, other: Event) -> list[str]:
    """Return the slots that make two other events when `exchanged`, agents only within a split."""
    slots = [*MODIFIERS, "verb"]
    if agents_may_swap(sampler, one, other):
        slots.append("agent")
    return [slot for slot in slots if {*exchanged(one, other, slot)} != {one, other}]


def agents_may_swap(sampler: Sampler, one: Event, other: Event) -> bool:
    """Say whether the split has events of each agent with the other's patient."""
    return sampler.allows(one.agent, other.patient) and sampler.allows(other.agent, one.patient)


def exchanged(one: Event, other: Event, slot: str) -> tuple[Event, Event]:
    """Give each of two events the other's value of `slot`."""
    return (
        one.but(**{slot: getattr(other, slot)}),
        other.but(**{slot: getattr(one, slot)}),
    )


def broader(rng: random.Random, event: Event, focus: str = "") -> Event:
    """Leave out some of the modifiers, but for `focus`; now and then name a thing by its kind."""
    dropped = [slot for slot in MODIFIERS if slot != focus and rng.random() < 0.5]
    event = event.but(**dict.fromkeys(dropped))
    generic = event.patient in words.CATEGORY_OF and not event.adjective and rng.random() < 0.2
    return event.but(generic=generic)


def narrower(rng: random.Random, event: Event) -> Event:
    """Say where, when or of what kind, if `event` leaves any of it open."""
    pools = {"adjective": words.ADJECTIVES, "place": words.TOWNS, "time": words.TIMES}
    if event.patient not in words.CATEGORY_OF:
        del pools["adjective"]
    open_slots = [slot for slot in pools if not getattr(event, slot)]
    if not open_slots:
        return event
    slot = rng.choice(open_slots)
    return event.but(**{slot: rng.choice(pools[slot])})


def unsaid(rng: random.Random, sampler: Sampler, event: Event, focus: str) -> Event:
    """Change what would make another, compatible event: verb, quality, agent, patient or roles."""
    social = event.patient in sampler.world.persons
    if focus in ("verb", "adjective") and rng.random() < 0.7:
        word = getattr(event, focus)
        pool = words.SCRIPTS[words.SCRIPT_OF[word]] if focus == "verb" else words.ADJECTIVES
        others = [other for other in pool if other not in (word, words.ANTONYM.get(word))]
        return event.but(**{focus: rng.choice(others)})
    if social and rng.random() < 0.5:
        return event.converse()
    category = "person" if social else words.CATEGORY_OF[event.patient]
    patient = sampler.patient_for(rng, event.agent, category)
    if rng.random() < 0.5 and patient not in (None, event.patient):
        return event.but(patient=patient)
    agent = sampler.agent_for(rng, event.patient, but=(event.agent,))
    return event.but(agent=agent)
