"""PAWS-X and QQP rows: two sentences, or two questions, that do or do not mean the same.

PAWS-X: pairs of sentences with nearly the same words. Both labels see the same re-orderings; only
those that do not mean the same have something swapped.

QQP: two questions are the same if the same answer is right for both in whatever happened. So a
question stays what it is when it is said in the passive, with its place or time first, or when the
agent's name comes with the occupation that the world gives it; it is another one as soon as another
slot is asked for or anything that it says of the event is different. Most pairs are as in the real
set, where questions that are not the same mostly share a topic only. The others are alike in their
words whatever their label.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import PLAIN, Grammar, Style, styled
from stilts_repro.testbed.inference import agents_may_swap, exchangeable, exchanged
from stilts_repro.testbed.meanings import MODIFIERS, Event
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import Sampler, World

_TOPIC = 0.6  # how many QQP pairs are about the same agent or patient only, if not the same
_DOUBLE, _SOCIAL = 0.55, 0.3  # how many ask two things; are about two persons' roles


class Part(NamedTuple):
    """An event as it is told, or what is asked of it: a slot, or 'polarity' (whether it happened).

    The event holds nothing that its question does not say, except who or what is asked for.
    """

    event: Event
    asked: str = ""
    style: Style = PLAIN

    def content(self, world: World) -> tuple[Event, str]:
        """Return the part without its answer: equal for equal questions."""
        event, kind = self.event, ""
        if self.asked == "patient":
            kind = "who" if event.patient in world.persons else "what"
        blank = {"agent": "", "patient": kind, "adjective": None, "place": None, "time": None}
        if self.asked in blank:
            event = event.but(**{self.asked: blank[self.asked]})
        return event, self.asked


Parts = tuple[Part, ...]  # one or two, in order


class Pair(NamedTuple):
    """Two sentences or questions."""

    first: Parts
    second: Parts

    def same(self, world: World) -> bool:
        """Say whether both tell or ask the same, in whatever order."""
        return _contents(self.first, world) == _contents(self.second, world)


def _contents(parts: Parts, world: World) -> set[tuple[Event, str]]:
    return {part.content(world) for part in parts}


def _text(parts: Parts, speaker: Grammar) -> str:
    mark = "?" if parts[0].asked else "."
    clauses = [speaker.clause_text(part.event, part.style, part.asked) for part in parts]
    return clauses[0] + mark if len(clauses) == 1 else speaker.joined_text(*clauses, mark=mark)


def _rearranged(
    rng: random.Random, first: Parts, second: Parts, turns: float, style: Callable[[Part], Style]
) -> Pair:
    """Draw styles for both sides and turn the second's two parts round at the rate of `turns`.

    Something is always re-arranged: no sentence is simply repeated, or repeated with a swap.
    """
    first = tuple(part._replace(style=style(part)) for part in first)
    while True:
        turned = len(second) > 1 and rng.random() < turns
        arranged = second[::-1] if turned else second
        arranged = tuple(part._replace(style=style(part)) for part in arranged)
        if turned or [part.style for part in arranged] != [part.style for part in first]:
            return Pair(first, arranged)


def _distinct_events(rng: random.Random, sampler: Sampler) -> tuple[Event, Event]:
    """Draw two events on objects that have no participant in common."""
    while True:
        events = sampler.event(rng, to_person=0.0), sampler.event(rng, to_person=0.0)
        if events[0].agent != events[1].agent and events[0].patient != events[1].patient:
            return events


def _exchanged(slot: str, one: Part, other: Part) -> Parts:
    """Give each of two parts the other's value of `slot`."""
    first, second = exchanged(one.event, other.event, slot)
    return Part(first, one.asked), Part(second, other.asked)


def draw_sentences(rng: random.Random, sampler: Sampler) -> Pair:
    """Draw a PAWS-X pair."""
    swap = rng.random() < 0.5
    while True:
        events: tuple[Event, ...]
        if rng.random() < 0.3:
            events = (sampler.event(rng, sampler.world.person(rng), to_person=1.0),)
        else:
            events = _distinct_events(rng, sampler)
        sentence = tuple(map(Part, events))
        swapped = _swapped(rng, sampler, sentence)
        if swapped:
            break
    return _rearranged(
        rng,
        sentence,
        swapped if swap else sentence,
        0.6,
        lambda part: random_style(rng, part.event, passive=0.4, titles=False),
    )


def _swapped(rng: random.Random, sampler: Sampler, sentence: Parts) -> Parts | None:
    """Exchange roles within a clause, or one slot between clauses; None where nothing differs."""
    if len(sentence) == 1:
        return (Part(sentence[0].event.converse()),)
    one, other = (part.event for part in sentence)
    slots = exchangeable(sampler, one, other)
    return _exchanged(rng.choice(slots), *sentence) if slots else None


def draw_questions(rng: random.Random, sampler: Sampler, topic: float = _TOPIC) -> Pair:
    """Draw a QQP pair; both labels see the same changes of style and order.

    `topic` is the share of pairs that have no more in common than who or what they are about.
    """
    world = sampler.world
    duplicate = rng.random() < 0.5
    topical = rng.random() < topic
    kind = rng.random()
    while True:
        questions: Parts
        other: Parts | None
        if topical:
            event = sampler.event(rng)
            questions = (_question(rng, world, event),)
            other = (_question(rng, world, _related(rng, sampler, event)),)
        elif kind < _DOUBLE:
            events = _distinct_events(rng, sampler)
            questions = tuple(_question(rng, world, event) for event in events)
            other = _exchange(rng, sampler, *questions)
        elif kind < _DOUBLE + _SOCIAL:
            event = sampler.event(rng, world.person(rng), to_person=1.0)
            questions = (_question(rng, world, event),)
            other = (_converse(questions[0]),)
        else:
            event = sampler.event(rng, to_person=0.0)
            questions = (_question(rng, world, event),)
            other = _elsewhere(rng, sampler, event, questions[0])
        if other and _contents(other, world) != _contents(questions, world):
            break
    # Which of the two came first, the one as drawn or the changed one, tells nothing.
    first, second = (other, questions) if rng.random() < 0.5 else (questions, other)
    return _rearranged(
        rng,
        first,
        first if duplicate else second,
        0.5,
        lambda part: question_style(rng, world, part.event, part.asked),
    )


def _question(rng: random.Random, world: World, event: Event) -> Part:
    """Ask for a slot of `event`, leaving out some of what need not be said."""
    slot = rng.choice(["agent", "patient", "polarity", *event.modifiers()])
    return _asking(event, slot, world)


def _asking(event: Event, slot: str, world: World) -> Part:
    """Ask for `slot`; 'what' leaves open how many and which."""
    if slot == "patient" and event.patient not in world.persons:
        event = event.but(adjective=None, number=1)
    return Part(event, slot)


def _related(rng: random.Random, sampler: Sampler, event: Event) -> Event:
    """Draw another event with the same agent or the same patient."""
    if rng.random() < 0.5:
        return sampler.event(rng, event.agent)
    agent = sampler.agent_for(rng, event.patient, but=(event.agent,))
    category = words.CATEGORY_OF.get(event.patient, "person")
    verb = sampler.verb_for(rng, category)
    return sampler.modified(rng, event.but(agent=agent, verb=verb))


def _converse(question: Part) -> Part:
    """Exchange who acts and on whom, asking for the same person if for a person."""
    slot = {"agent": "patient", "patient": "agent"}.get(question.asked, question.asked)
    return Part(question.event.converse(), slot)


def _exchange(rng: random.Random, sampler: Sampler, one: Part, other: Part) -> Parts | None:
    """Exchange between two questions a slot that both leave said or unsaid, or what is asked."""
    first, second = one.event, other.event
    asked = {one.asked, other.asked}
    slots = [
        slot
        for slot in ("verb", *MODIFIERS)
        if slot not in asked
        and getattr(first, slot) != getattr(second, slot)
        # An unknown patient has no quality that could be said.
        and not (slot == "adjective" and "patient" in asked)
    ]
    if agents_may_swap(sampler, first, second) and not {"agent", "patient"} & asked:
        slots.append("agent")
    if asked == {"place", "time"}:
        slots.append("asked")
    if not slots:
        return None
    slot = rng.choice(slots)
    if slot == "asked":
        return Part(first, other.asked), Part(second, one.asked)
    return _exchanged(slot, one, other)


def _elsewhere(rng: random.Random, sampler: Sampler, event: Event, question: Part) -> Parts | None:
    """Ask for another slot of the same event, or for the same slot of an event much like it."""
    world = sampler.world
    if rng.random() < 0.5:
        return (_question(rng, world, event),)
    like = sampler.modified(rng, event)
    if rng.random() < 0.5:
        like = like.but(agent=sampler.agent_for(rng, event.patient, but=(event.agent,)))
    slots = ("agent", "place", "time", "number", "tense")
    slot = rng.choice([slot for slot in slots if slot != question.asked])
    changed = event.but(**{slot: getattr(like, slot)})
    # What is dropped would make a broader question, not another one.
    return None if getattr(changed, slot) is None else (_asking(changed, question.asked, world),)


def question_style(rng: random.Random, world: World, event: Event, asked: str) -> Style:
    """Draw a style, every part of which shows in the question."""
    adverbials = [slot for slot in ("place", "time") if slot != asked and getattr(event, slot)]
    titled = asked != "agent" and event.agent in world.persons
    passive = rng.random() < 0.4
    front = rng.choice(adverbials) if adverbials and rng.random() < 0.3 else ""
    return styled(passive, front, titled and rng.random() < 0.25)


def pawsx(draw: Draw) -> Row:
    """Return a row of google/xtreme PAWS-X.<language>."""
    pair = draw_sentences(draw.rng, draw.sampler)
    first, second = (_text(parts, draw.speaker) for parts in pair)
    same = pair.same(draw.sampler.world)
    return {"sentence1": first, "sentence2": second, "label": str(int(same))}


def qqp(draw: Draw) -> Row:
    """Return a row of nyu-mll/glue qqp."""
    pair = draw_questions(draw.rng, draw.sampler)
    first, second = (_text(parts, draw.speaker) for parts in pair)
    same = pair.same(draw.sampler.world)
    return {"question1": first, "question2": second, "label": int(same), "idx": draw.number}
