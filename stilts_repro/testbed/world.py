"""The world that sentences are about: who exists, what is so, and what usually happens.

It is drawn once from a seed and is the same for all languages, tasks and splits. `Sampler` draws
the events of one split.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from stilts_repro.seeds import python_rng
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.languages import Kind
from stilts_repro.testbed.meanings import Event, Fact, Tense, split_of

_PERSONS = 240
_CATEGORIES = tuple(words.OBJECTS)
_NUMBERS = tuple(words.NUMERALS)
_PREFERENCE = 0.85  # how often an event follows what its agent and its verb prefer


@dataclass(frozen=True)
class Person:
    """A person with a compositional name (first and last)."""

    name: str
    female: bool
    occupation: str
    home: str


class World:
    """Persons, towns, organisations and the regularities of what they do.

    The same is so in worlds of every `kind`; what differs are the languages that say it.
    """

    def __init__(self, seed: int, kind: Kind = "") -> None:
        self.seed = seed
        self.kind = kind
        rng = python_rng(seed, "world")
        self.region_of = {
            town: words.REGIONS[i % len(words.REGIONS)] for i, town in enumerate(words.TOWNS)
        }
        self.seat_of = dict(
            zip(words.ORGANISATIONS, rng.sample(words.TOWNS, len(words.ORGANISATIONS)), strict=True)
        )
        self.persons = {person.name: person for person in _persons(rng)}
        self._names = tuple(self.persons)
        # Where a person lives or an organisation sits.
        self.base_of = self.seat_of | {name: p.home for name, p in self.persons.items()}
        self._facts = _facts(self)

    def entity_type(self, name: str) -> str:
        """Return PER, ORG or LOC for a proper name and '' for everything else."""
        if name in self.persons:
            return "PER"
        if name in self.seat_of:
            return "ORG"
        return "LOC" if name in self.region_of or name in words.REGIONS else ""

    def facts(self, subject: str) -> tuple[Fact, ...]:
        """Return everything lasting that is so about a person, town, organisation or object."""
        return self._facts[subject]

    def person(self, rng: random.Random) -> str:
        """Draw a person's name."""
        return rng.choice(self._names)

    def agent(self, rng: random.Random) -> str:
        """Draw who acts: mostly a person, sometimes an organisation."""
        return rng.choice(words.ORGANISATIONS) if rng.random() < 0.15 else self.person(rng)


def _persons(rng: random.Random) -> list[Person]:
    first_names = words.FEMALE_NAMES + words.MALE_NAMES
    pairs = [(first, last) for first in first_names for last in words.LAST_NAMES]
    return [
        Person(
            name=f"{first} {last}",
            female=first in words.FEMALE_NAMES,
            occupation=rng.choice(tuple(words.OCCUPATIONS)),
            home=rng.choice(words.TOWNS),
        )
        for first, last in rng.sample(pairs, _PERSONS)
    ]


def _facts(world: World) -> dict[str, tuple[Fact, ...]]:
    of_persons: dict[str, tuple[Fact, ...]] = {
        name: (Fact("occupation", name, person.occupation), Fact("home", name, person.home))
        for name, person in world.persons.items()
    }
    others = [
        *(Fact("seat", name, town) for name, town in world.seat_of.items()),
        *(Fact("region", town, region) for town, region in world.region_of.items()),
        *(Fact("category", noun, category) for noun, category in words.CATEGORY_OF.items()),
    ]
    return of_persons | {fact.subject: (fact,) for fact in others}


@cache
def world(seed: int, kind: Kind = "") -> World:
    """Return the world under `seed`, built once."""
    return World(seed, kind)


@cache
def _reach(seed: int, split: str, agent: str) -> dict[str, tuple[str, ...]]:
    return {
        category: tuple(noun for noun in nouns if split_of(seed, agent, noun) == split)
        for category, nouns in words.OBJECTS.items()
    }


class Sampler:
    """Draws events that one split may use (see `meanings.split_of`)."""

    def __init__(self, world: World, split: str) -> None:
        self.world = world
        self.split = split

    def allows(self, one: str, other: str) -> bool:
        """Say whether this split may join the two participants in an event."""
        return one != other and split_of(self.world.seed, one, other) == self.split

    def reach(self, agent: str) -> dict[str, tuple[str, ...]]:
        """Return the objects, by category, that `agent` may act on in this split."""
        return _reach(self.world.seed, self.split, agent)

    def agent_for(self, rng: random.Random, patient: str, but: Sequence[str] = ()) -> str:
        """Draw someone other than `but` who may act on `patient` in this split."""
        to_person = patient in self.world.persons
        while True:
            agent = self.world.person(rng) if to_person else self.world.agent(rng)
            if agent not in but and self.allows(agent, patient):
                return agent

    def patient_for(self, rng: random.Random, agent: str, category: str) -> str | None:
        """Draw what `agent` may act on, of `category` ('person' included), or None."""
        if category != "person":
            nouns = self.reach(agent)[category]
            return rng.choice(nouns) if nouns else None
        while True:
            other = self.world.person(rng)
            if self.allows(agent, other):
                return other

    def category_for(self, rng: random.Random, agent: str) -> str:
        """Draw a category that `agent`'s occupation prefers, or now and then any."""
        person = self.world.persons.get(agent)
        if person and rng.random() < _PREFERENCE:
            return rng.choice(words.OCCUPATIONS[person.occupation])
        return rng.choice(_CATEGORIES)

    def event(
        self,
        rng: random.Random,
        agent: str | None = None,
        *,
        to_person: float = 0.15,
        negated: float = 0.0,
    ) -> Event:
        """Draw an event by `agent` (default: anyone), on a person with chance `to_person`."""
        for _ in range(100):
            subject = agent or self.world.agent(rng)
            social = subject in self.world.persons and rng.random() < to_person
            category = "person" if social else self.category_for(rng, subject)
            patient = self.patient_for(rng, subject, category)
            if patient:
                break
        else:
            raise AssertionError(f"{agent} reaches nothing in {self.split}")
        verb = self.verb_for(rng, category)
        denied = rng.random() < negated
        return self.modified(rng, Event(subject, verb, patient, negated=denied))

    def verb_for(self, rng: random.Random, category: str) -> str:
        """Draw a verb that prefers `category`, or now and then one that does not."""
        if category == "person" or rng.random() < _PREFERENCE:
            return rng.choice(words.SCRIPTS[category])
        return rng.choice(words.SCRIPTS[rng.choice(_CATEGORIES)])

    def modified(self, rng: random.Random, event: Event) -> Event:
        """Return `event` with adjective, number, place, time and tense drawn anew."""
        chance, choice = rng.random, rng.choice
        agent, verb, patient = event.agent, event.verb, event.patient
        social = patient in self.world.persons
        near = chance() < 0.5
        adjective = None if social or chance() < 0.4 else choice(words.ADJECTIVES)
        number = 1 if social or chance() < 0.7 else choice(_NUMBERS)
        place = None
        if chance() >= 0.4:
            place = self.world.base_of[agent] if near else choice(words.TOWNS)
        time = None if chance() < 0.5 else choice(words.TIMES)
        tense: Tense = "past" if chance() < 0.7 else "future"
        return Event(agent, verb, patient, adjective, number, place, time, tense, event.negated)

    def follow_up(self, rng: random.Random, event: Event) -> Event:
        """Draw what the same agent does next: mostly what the script says, with the same patient.

        Adjective and number stay with the patient, tense with the story; place and time are not
        said again.
        """
        verb = words.next_verb(event.verb)
        if rng.random() > _PREFERENCE:
            verb = rng.choice(words.SCRIPTS[words.SCRIPT_OF[verb]])
        return Event(
            event.agent, verb, event.patient, event.adjective, event.number, tense=event.tense
        )
