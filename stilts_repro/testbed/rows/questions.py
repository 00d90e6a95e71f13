"""QQP rows: pairs of questions with much the same words, which do or do not ask the same.

Two questions are the same if the same answer is right for both in whatever happened. So a question
stays what it is when it is said in the passive, with its place or time first, or when the agent's
name comes with the occupation that the world gives it; it is another one as soon as another slot is
asked for or anything that it says of the event is different.

Most pairs are as in the real set, where questions that are not the same mostly share a topic only.
The others are alike in their words whatever their label.
"""

import random
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Grammar, Style, styled
from stilts_repro.testbed.meanings import Event
from stilts_repro.testbed.rows.paraphrase import distinct_events
from stilts_repro.testbed.world import Sampler, World

_TOPIC = 0.6  # how many pairs are about the same agent or patient only, if not the same
_DOUBLE, _SOCIAL = 0.55, 0.3  # how many pairs ask two things; are about two persons' roles
_SAID = ("adjective", "place", "time")


class Asked(NamedTuple):
    """A question for one slot of an event ('polarity': whether it happened).

    The event holds nothing that its question does not say, except who or what is asked for.
    """

    event: Event
    slot: str

    def content(self, world: World) -> tuple[Event, str]:
        """Return the question without its answer: equal for equal questions."""
        event, kind = self.event, ""
        if self.slot == "patient":
            kind = "who" if event.patient in world.persons else "what"
        gone = {"agent": "", "patient": kind, "adjective": None, "place": None, "time": None}
        return event.but(**{self.slot: gone[self.slot]} if self.slot in gone else {}), self.slot


Questions = tuple[Asked, ...]


class Pair(NamedTuple):
    """Two questions, each of one or two parts in order, with how each part is said."""

    first: Questions
    second: Questions
    first_styles: tuple[Style, ...]
    second_styles: tuple[Style, ...]

    def same(self, world: World) -> bool:
        """Say whether both ask the same, in whatever order."""
        first, second = (
            {part.content(world) for part in side} for side in (self.first, self.second)
        )
        return first == second


def draw(rng: random.Random, sampler: Sampler, topic: float = _TOPIC) -> Pair:
    """Draw a pair; both labels see the same changes of style and order.

    `topic` is the share of pairs that have no more in common than who or what they are about.
    """
    duplicate = rng.random() < 0.5
    topical = rng.random() < topic
    kind = rng.random()
    while True:
        if topical:
            event = sampler.event(rng)
            questions: Questions = (_asked(rng, sampler.world, event),)
            other: Questions | None = (_asked(rng, sampler.world, _related(rng, sampler, event)),)
        elif kind < _DOUBLE:
            events = distinct_events(rng, sampler)
            questions = tuple(_asked(rng, sampler.world, event) for event in events)
            other = _exchanged(rng, sampler, *questions)
        elif kind < _DOUBLE + _SOCIAL:
            event = sampler.event(rng, sampler.world.person(rng), to_person=1.0)
            questions = (_asked(rng, sampler.world, event),)
            other = (_reversed(questions[0]),)
        else:
            event = sampler.event(rng, to_person=0.0)
            questions = (_asked(rng, sampler.world, event),)
            other = _elsewhere(rng, sampler, event, questions[0])
        if other and _contents(other, sampler.world) != _contents(questions, sampler.world):
            break
    # Which of the two came first, the one as drawn or the changed one, tells nothing.
    first, second = (other, questions) if rng.random() < 0.5 else (questions, other)
    if duplicate:
        second = first
    styles = _styles(rng, sampler.world, first)
    while True:
        turned = len(second) > 1 and rng.random() < 0.5
        arranged = second[::-1] if turned else second
        second_styles = _styles(rng, sampler.world, arranged)
        if turned or second_styles != styles:
            return Pair(first, arranged, styles, second_styles)


def _contents(questions: Questions, world: World) -> set[tuple[Event, str]]:
    return {part.content(world) for part in questions}


def _asked(rng: random.Random, world: World, event: Event) -> Asked:
    """Ask for a slot of `event`, leaving out some of what need not be said."""
    slot = rng.choice(["agent", "patient", "polarity", *(s for s in _SAID if getattr(event, s))])
    return _asking(event, slot, world)


def _asking(event: Event, slot: str, world: World) -> Asked:
    """Ask for `slot`; 'what' leaves open how many and which."""
    if slot == "patient" and event.patient not in world.persons:
        event = event.but(adjective=None, number=1)
    return Asked(event, slot)


def _related(rng: random.Random, sampler: Sampler, event: Event) -> Event:
    """Draw another event with the same agent or the same patient."""
    if rng.random() < 0.5:
        return sampler.event(rng, event.agent)
    agent = sampler.agent_for(rng, event.patient, but=(event.agent,))
    category = words.CATEGORY_OF.get(event.patient, "person")
    verb = sampler.verb_for(rng, category)
    return sampler.modified(rng, event.but(agent=agent, verb=verb))


def _reversed(question: Asked) -> Asked:
    """Exchange who acts and on whom, asking for the same person if for a person."""
    event = question.event
    slot = {"agent": "patient", "patient": "agent"}.get(question.slot, question.slot)
    return Asked(event.but(agent=event.patient, patient=event.agent), slot)


def _exchanged(rng: random.Random, sampler: Sampler, one: Asked, other: Asked) -> Questions | None:
    """Exchange between two questions a slot that both leave said or unsaid, or what is asked."""
    first, second = one.event, other.event
    slots = [
        slot
        for slot in ("verb", *_SAID)
        if slot not in (one.slot, other.slot)
        and getattr(first, slot) != getattr(second, slot)
        # An unknown patient has no quality that could be said.
        and not (slot == "adjective" and "patient" in (one.slot, other.slot))
    ]
    allowed = sampler.allows(first.agent, second.patient) and sampler.allows(
        second.agent, first.patient
    )
    if allowed and not {"agent", "patient"} & {one.slot, other.slot}:
        slots.append("agent")
    if {one.slot, other.slot} == {"place", "time"}:
        slots.append("asked")
    if not slots:
        return None
    slot = rng.choice(slots)
    if slot == "asked":
        return Asked(first, other.slot), Asked(second, one.slot)
    return (
        Asked(first.but(**{slot: getattr(second, slot)}), one.slot),
        Asked(second.but(**{slot: getattr(first, slot)}), other.slot),
    )


def _elsewhere(
    rng: random.Random, sampler: Sampler, event: Event, question: Asked
) -> Questions | None:
    """Ask for another slot of the same event, or for the same slot of an event much like it."""
    world = sampler.world
    if rng.random() < 0.5:
        return (_asked(rng, world, event),)
    like = sampler.modified(rng, event)
    if rng.random() < 0.5:
        like = like.but(agent=sampler.agent_for(rng, event.patient, but=(event.agent,)))
    slot = rng.choice(
        [s for s in ("agent", "place", "time", "number", "tense") if s != question.slot]
    )
    changed = event.but(**{slot: getattr(like, slot)})
    # What is dropped would make a broader question, not another one.
    return None if getattr(changed, slot) is None else (_asking(changed, question.slot, world),)


def _styles(rng: random.Random, world: World, questions: Questions) -> tuple[Style, ...]:
    return tuple(style_of(rng, world, part) for part in questions)


def style_of(rng: random.Random, world: World, question: Asked) -> Style:
    """Draw a style, every part of which shows in the question."""
    event, slot = question.event, question.slot
    said = [name for name in ("place", "time") if name != slot and getattr(event, name)]
    titled = slot != "agent" and event.agent in world.persons
    passive = rng.random() < 0.4
    front = rng.choice(said) if said and rng.random() < 0.3 else ""
    return styled(passive, front, titled and rng.random() < 0.25)


def sentence(questions: Questions, styles: tuple[Style, ...], speaker: Grammar) -> str:
    """Return the text of one side of a pair."""
    parts = [
        speaker.clause_text(part.event, style, part.slot)
        for part, style in zip(questions, styles, strict=True)
    ]
    return parts[0] + "?" if len(parts) == 1 else speaker.joined_text(*parts, mark="?")


def row(pair: Pair, speaker: Grammar, index: int) -> dict[str, object]:
    """Return a row of nyu-mll/glue qqp."""
    return {
        "question1": sentence(pair.first, pair.first_styles, speaker),
        "question2": sentence(pair.second, pair.second_styles, speaker),
        "label": int(pair.same(speaker.world)),
        "idx": index,
    }
