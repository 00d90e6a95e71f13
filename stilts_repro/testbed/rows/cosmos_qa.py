"""Cosmos QA rows: short stories, and questions whose answer they do not tell but make plain.

What comes next follows from the scripts of the world, and who goes on from the story's own agents;
where someone lives and what someone is are lasting facts. The sentences of a row differ only in
what is asked for, so that an answer alone looks no better than the others.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import PLAIN, Grammar, Line, Style
from stilts_repro.testbed.meanings import Event, Fact, Meaning
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.vocabulary import next_verb
from stilts_repro.testbed.world import Sampler, World

_CHOICES = 4
_THEN = Style(opening="then")
_PRONOUN = Style(pronoun=True)
_PRONOUN_THEN = Style(pronoun=True, opening="then")


class Story(NamedTuple):
    """A story, what is asked after it, and four answers of which `label` is right.

    `question` is 'next' (what comes next), or else the slot to ask for of the right answer.
    """

    context: tuple[Line, ...]
    question: str
    answers: tuple[Meaning, ...]
    label: int

    def question_text(self, speaker: Grammar) -> str:
        """Return the question."""
        right = self.answers[self.label]
        if self.question == "next":
            return " ".join(speaker.word(gloss).text for gloss in ("and", "then", "what")) + "?"
        style = _THEN if isinstance(right, Event) else PLAIN
        return speaker.sentence_text(right, style, self.question)

    def answer_text(self, speaker: Grammar, index: int) -> str:
        """Return an answer; the question says already of whom it is."""
        meaning = self.answers[index]
        if self.question == "next":
            return speaker.sentence_text(meaning, _PRONOUN_THEN)
        return speaker.sentence_text(meaning, PLAIN if self.question == "agent" else _PRONOUN)


def draw_story(rng: random.Random, sampler: Sampler) -> Story:
    """Draw a story and a question of one of three kinds."""
    kind = rng.random()
    while True:
        if kind < 0.6:
            story = _next(rng, sampler)
        elif kind < 0.8:
            story = _who(rng, sampler)
        else:
            story = _fact(rng, sampler)
        if story:
            return story


def _next(rng: random.Random, sampler: Sampler) -> Story | None:
    """Ask what comes next: two verbs by two objects, so that no answer is the odd one out."""
    agent = sampler.world.person(rng)
    category = sampler.category_for(rng, agent)
    reach = sampler.reach(agent)[category]
    if len(reach) < 2:
        return None
    patient, other = rng.sample(reach, 2)
    events = _scripted(rng, sampler, agent, patient, rng.randint(2, 3))
    last = events[-1]
    wrong = next_verb(last.verb, rng.choice((0, 2, 3, 4)))
    right = last.but(verb=next_verb(last.verb), place=None, time=None)
    answers = [right, right.but(verb=wrong)]
    answers += [answer.but(patient=other) for answer in answers]
    if rng.random() < 0.7:
        # The other object is in the story as well, but none of the answers goes on with it.
        verbs = [v for v in words.SCRIPTS[category] if next_verb(v) not in (right.verb, wrong)]
        event = Event(agent, rng.choice(verbs), other)
        events.insert(0, sampler.modified(rng, event).but(tense=last.tense))
    return _story(rng, sampler.world, events, "next", answers)


def _who(rng: random.Random, sampler: Sampler) -> Story | None:
    """Ask who goes on, of the two agents of a story."""
    agents = [sampler.world.person(rng) for _ in range(2)]
    events: list[Event] = []
    for agent in agents:
        reach = sampler.reach(agent)
        patients = reach[rng.choice(words.OCCUPATIONS[sampler.world.persons[agent].occupation])]
        if not patients:
            return None
        events += _scripted(rng, sampler, agent, rng.choice(patients), rng.randint(1, 2))
    right = rng.choice(agents)
    last = [event for event in events if event.agent == right][-1]
    following = last.but(verb=next_verb(last.verb), place=None, time=None)
    others = {agent for agent in agents if agent != right}
    clear = agents[0] != agents[1] and events[0].patient != events[-1].patient
    if not (clear and sampler.allows(min(others), last.patient)):
        return None
    while len(others) < _CHOICES - 1:
        others.add(sampler.agent_for(rng, last.patient, but=(*agents, *words.ORGANISATIONS)))
    answers = [following, *(following.but(agent=other) for other in sorted(others))]
    return _story(rng, sampler.world, events, "agent", answers)


def _fact(rng: random.Random, sampler: Sampler) -> Story:
    """Ask what the agent of a story is or where the agent lives; the world alone tells."""
    world = sampler.world
    agent = world.person(rng)
    events = [sampler.event(rng, agent) for _ in range(rng.randint(2, 4))]
    fact = rng.choice(world.facts(agent))
    occupation = fact.kind == "occupation"
    pool = tuple(words.OCCUPATIONS) if occupation else words.TOWNS
    values = {fact.value}
    # Where the agent has been is an answer that looks well.
    if not occupation:
        values |= {event.place for event in events[:2] if event.place}
    while len(values) < _CHOICES:
        values.add(rng.choice(pool))
    answers = [Fact(fact.kind, agent, value) for value in sorted(values - {fact.value})]
    answers = [fact, *answers[: _CHOICES - 1]]
    return _story(rng, world, events, "value", answers, titles=False)


def _scripted(
    rng: random.Random, sampler: Sampler, agent: str, patient: str, steps: int
) -> list[Event]:
    """Draw events of one agent that follow the script of what is acted on."""
    verb = rng.choice(words.SCRIPTS[words.CATEGORY_OF[patient]])
    first = sampler.modified(rng, Event(agent, verb, patient))
    bare = first.but(place=None, time=None)
    return [first, *(bare.but(verb=next_verb(verb, step)) for step in range(1, steps))]


def _story(
    rng: random.Random,
    world: World,
    events: list[Event],
    question: str,
    answers: Sequence[Meaning],
    titles: bool = True,
) -> Story:
    """Draw how the events are told, and put the answers, the right one first, in any order."""
    context = [
        _line(rng, world, event, before, titles)
        for before, event in zip([None, *events], events, strict=False)
    ]
    order = list(range(_CHOICES))
    rng.shuffle(order)
    return Story(tuple(context), question, tuple(answers[i] for i in order), order.index(0))


def _line(
    rng: random.Random, world: World, event: Event, before: Event | None, titles: bool
) -> Line:
    """Say an event of a story: 'then' within a script, a pronoun for whom the last one was by."""
    if before is None or before.agent != event.agent:
        return Line(event, random_style(rng, event, titles=titles))
    goes_on = event == before.but(verb=next_verb(before.verb), place=None, time=None)
    clear = before.patient not in world.persons
    return Line(
        event, Style(pronoun=clear and rng.random() < 0.8, opening="then" if goes_on else "")
    )


def cosmos_qa(draw: Draw) -> Row:
    """Return a row of allenai/cosmos_qa."""
    story, speaker = draw_story(draw.rng, draw.sampler), draw.speaker
    answers = [story.answer_text(speaker, index) for index in range(_CHOICES)]
    return {
        "id": draw.row_id("cosmos_qa"),
        "context": " ".join(speaker.sentence_text(*line) for line in story.context),
        "question": story.question_text(speaker),
        **{f"answer{index}": answer for index, answer in enumerate(answers)},
        "label": story.label,
    }
