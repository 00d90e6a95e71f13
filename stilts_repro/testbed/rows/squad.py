"""SQuAD, SQuAD v2, XQuAD, MLQA and TyDiQA rows: questions that a short text answers, or does not.

The answer to a question is the phrase that fills the asked slot in the only event of the context
that agrees with everything the question says.
"""

import itertools
import random
from typing import Any, NamedTuple

from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Line, Style
from stilts_repro.testbed.meanings import MODIFIERS, Event, Fact, Meaning
from stilts_repro.testbed.phrases import Sentence, text
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import Sampler, World

_SHORT, _LONG = (3, 6), (6, 9)  # sentences of a context
_UNANSWERABLE = 1 / 3  # of SQuAD v2's questions
_PRONOUN = Style(pronoun=True)


class Reading(NamedTuple):
    """A context, a question about one of its sentences, and which sentence and slot answer it.

    `answer` is None where the context has no answer; `topic` is the person it is mostly about.
    """

    topic: str
    context: tuple[Line, ...]
    question: Meaning
    asked: str
    answer: int | None

    def columns(self, speaker: Grammar) -> Row:
        """Return context, question and answers as in the hub's SQuAD-like data sets."""
        texts = [speaker.sentence_text(*line) for line in self.context]
        answers: dict[str, list[Any]] = {"text": [], "answer_start": []}
        if self.answer is not None:
            sentence = speaker.sentence(*self.context[self.answer])
            start, phrase = _answer(sentence, self.question, self.asked)
            offset = sum(len(sentence) + 1 for sentence in texts[: self.answer])
            answers = {"text": [phrase], "answer_start": [offset + start]}
        question = speaker.sentence_text(self.question, asked=self.asked)
        return {"context": " ".join(texts), "question": question, "answers": answers}


def _answer(sentence: Sentence, question: Meaning, asked: str) -> tuple[int, str]:
    """Return where the asked slot's phrase starts in its sentence, and the phrase."""
    role = {"adjective": "patient"}.get(asked, asked)
    if isinstance(question, Fact) and question.kind == "home":
        role = "place"
    places = [place for place, token in enumerate(sentence) if token.role == role]
    first, last = places[0], places[-1]
    # Only a full stop stands without a blank before it, and that has no role.
    start = sum(len(token.text) + 1 for token in sentence[:first])
    return start, text(sentence[first : last + 1])


def agrees(question: Event, asked: str, event: Event, world: World) -> bool:
    """Say whether `event` agrees with all that the question says, the asked slot aside."""
    if event.negated:
        return False
    for slot in ("verb", "agent", "patient", "adjective", "place", "time", "tense"):
        claimed = getattr(question, slot)
        if slot == asked or claimed is None or claimed == getattr(event, slot):
            continue
        person = world.persons.get(event.agent)
        if slot == "agent" and person and person.occupation == claimed:
            continue
        return False
    return True


def _context(
    rng: random.Random, sampler: Sampler, length: int, topic: str, fact_rate: float
) -> tuple[Line, ...]:
    """Draw sentences about `topic` and another person: shared objects and verbs, some facts."""
    other = sampler.world.person(rng)
    while other == topic:
        other = sampler.world.person(rng)
    known = (*sampler.world.facts(topic), *sampler.world.facts(other))
    lines = [Line(fact) for fact in known if rng.random() < fact_rate][:length]
    event: Event | None = None
    while len(lines) < length:
        agent = topic if rng.random() < 0.6 else other
        if event and event.agent == agent and rng.random() < 0.4:
            event = sampler.follow_up(rng, event)
            event = sampler.modified(rng, event).but(tense=event.tense)
        else:
            event = sampler.event(rng, agent, negated=0.1)
        lines.append(Line(event, random_style(rng, event, passive=0.15)))
    rng.shuffle(lines)
    return with_pronouns(rng, sampler.world, lines)


def with_pronouns(rng: random.Random, world: World, lines: list[Line]) -> tuple[Line, ...]:
    """Refer by pronoun now and then to the agent of the sentence before."""
    passage = lines[:1]
    for (before, *_), line in itertools.pairwise(lines):
        meaning = line.meaning
        clear = (
            isinstance(meaning, Event)
            and isinstance(before, Event)
            and before.agent == meaning.agent
            and before.patient not in world.persons
            and meaning.agent in world.persons
        )
        passage.append(Line(meaning, _PRONOUN) if clear and rng.random() < 0.4 else line)
    return tuple(passage)


def _ask_event(
    rng: random.Random, world: World, topic: str, context: tuple[Line, ...], elliptical: bool
) -> Reading | None:
    """Ask for a slot of one event, saying only part of the rest; None if not a unique answer."""
    meanings = [line.meaning for line in context]
    events = [(i, m) for i, m in enumerate(meanings) if isinstance(m, Event) and not m.negated]
    if not events:
        return None
    index, event = rng.choice(events)
    asked = rng.choice(event.slots())
    if asked == "agent" and context[index].style.pronoun:
        return None
    question = _elided(rng, world, event, asked, drop=0.9 if elliptical else 0.5)
    if elliptical and asked != "agent":
        occupation = world.persons[event.agent].occupation
        if Fact("occupation", event.agent, occupation) in meanings:
            question = question.but(agent=occupation)
    if [i for i, other in events if agrees(question, asked, other, world)] != [index]:
        return None
    return Reading(topic, context, question, asked, index)


def _elided(rng: random.Random, world: World, event: Event, asked: str, drop: float) -> Event:
    """Leave out modifiers; 'what' leaves open how many and which."""
    event = event.but(
        **dict.fromkeys(slot for slot in MODIFIERS if slot != asked and rng.random() < drop)
    )
    if asked == "patient" and event.patient not in world.persons:
        event = event.but(adjective=None, number=1)
    return event


def _ask_fact(rng: random.Random, topic: str, context: tuple[Line, ...]) -> Reading | None:
    """Ask for the value of a fact, or for who has an occupation if only one is said to have it."""
    facts = [(i, m) for i, (m, *_) in enumerate(context) if isinstance(m, Fact)]
    if not facts:
        return None
    index, fact = rng.choice(facts)
    holders = [m.subject for _, m in facts if (m.kind, m.value) == (fact.kind, fact.value)]
    by_value = fact.kind == "occupation" and len(holders) == 1 and rng.random() < 0.4
    return Reading(topic, context, fact, "subject" if by_value else "value", index)


def draw_reading(
    rng: random.Random, sampler: Sampler, length: tuple[int, int], elliptical: bool = False
) -> Reading:
    """Draw a context of `length` sentences (inclusive range) and a question that it answers.

    An elliptical question says hardly more than it must and names agents by occupation where the
    context tells whose it is; with it, facts are told and asked for more often.
    """
    while True:
        topic = sampler.world.person(rng)
        fact_rate = 0.5 if elliptical else 0.3
        context = _context(rng, sampler, rng.randint(*length), topic, fact_rate)
        if rng.random() < (0.3 if elliptical else 0.1):
            reading = _ask_fact(rng, topic, context)
        else:
            reading = _ask_event(rng, sampler.world, topic, context, elliptical)
        if reading:
            return reading


def draw_unanswerable(rng: random.Random, sampler: Sampler, length: tuple[int, int]) -> Reading:
    """Draw a context and a question about what it does not tell, in its own words."""
    while True:
        reading = draw_reading(rng, sampler, length)
        meanings = [line.meaning for line in reading.context]
        events = [meaning for meaning in meanings if isinstance(meaning, Event)]
        question: Meaning | None
        if isinstance(reading.question, Fact):
            question = _untold(rng, sampler.world, reading.question, meanings)
        else:
            question = _misled(rng, sampler, reading.question, reading.asked, events)
        if question:
            asked = "value" if isinstance(question, Fact) else reading.asked
            return reading._replace(question=question, asked=asked, answer=None)


def _untold(rng: random.Random, world: World, fact: Fact, context: list[Meaning]) -> Fact | None:
    """Return the like fact about someone in the context of whom the context does not tell it."""
    agents = dict.fromkeys(meaning.agent for meaning in context if isinstance(meaning, Event))
    facts = [other for agent in agents for other in world.facts(agent)]
    news = [other for other in facts if other.kind == fact.kind and other not in context]
    return rng.choice(news) if news else None


def _misled(
    rng: random.Random, sampler: Sampler, question: Event, asked: str, events: list[Event]
) -> Event | None:
    """Exchange one slot of the question for another event's; None where the context answers it.

    The question's participants, too, are a pair that this split may use.
    """
    social = question.patient in sampler.world.persons
    others = [event for event in events if (event.patient in sampler.world.persons) == social]
    named = [slot for slot in ("agent", "verb", "patient", "place", "time") if slot != asked]
    slot = rng.choice([slot for slot in named if getattr(question, slot)])
    value = getattr(rng.choice(others), slot)
    changed = question.but(**{slot: value})
    known = any(agrees(changed, asked, event, sampler.world) for event in events)
    if known or value is None or not sampler.allows(changed.agent, changed.patient):
        return None
    return changed


def _row(draw: Draw, reading: Reading, row_id: str) -> Row:
    title = reading.topic.replace(" ", "_")
    return {"id": row_id, "title": title} | reading.columns(draw.speaker)


def squad(draw: Draw) -> Row:
    """Return a row of rajpurkar/squad."""
    return _row(draw, draw_reading(draw.rng, draw.sampler, _SHORT), draw.row_id("squad"))


def squad_v2(draw: Draw) -> Row:
    """Return a row of rajpurkar/squad_v2, one in three without an answer."""
    unanswerable = draw.rng.random() < _UNANSWERABLE
    draw_item = draw_unanswerable if unanswerable else draw_reading
    return _row(draw, draw_item(draw.rng, draw.sampler, _SHORT), draw.row_id("squad_v2"))


def xquad(draw: Draw) -> Row:
    """Return a row of google/xtreme XQuAD.<language>, which has no title."""
    reading = draw_reading(draw.rng, draw.sampler, _SHORT)
    return {"id": draw.row_id("xquad")} | reading.columns(draw.speaker)


def mlqa(draw: Draw) -> Row:
    """Return a row of google/xtreme MLQA.<language>.<language>: the contexts are longer."""
    return _row(draw, draw_reading(draw.rng, draw.sampler, _LONG), draw.row_id("mlqa"))


def tydiqa(draw: Draw) -> Row:
    """Return a row of google/xtreme tydiqa: the questions say less, and its id the language."""
    reading = draw_reading(draw.rng, draw.sampler, _SHORT, elliptical=True)
    return _row(draw, reading, draw.row_id(draw.speaker.language.name.lower()))
