"""Meanings: what a sentence of any of the eight languages says. An event, or a lasting fact.

Entities and concepts are named by their English names or lemmas. A meaning is data: how a language
says it is for `grammar.Grammar`, what is true is for `world.World`. Rows draw and change many
meanings for each that they keep; named tuples are made several times faster than dataclasses.
"""

import hashlib
from functools import cache
from typing import Any, Literal, NamedTuple

Tense = Literal["past", "future"]
FactKind = Literal["occupation", "home", "region", "category", "seat"]

SPLITS = ("train", "validation", "test")
MODIFIERS = ("adjective", "place", "time")  # the slots that an event may leave open


class Event(NamedTuple):
    """Someone does something to something. `patient` is an object's lemma or a person's name.

    `number` counts the patient (1: singular). A `generic` event mentions its patient by category
    ("a tool") although it is still about `patient`. A question about an event may name its `agent`
    by occupation. `negated` denies the whole event.
    """

    agent: str
    verb: str
    patient: str
    adjective: str | None = None
    number: int = 1
    place: str | None = None
    time: str | None = None
    tense: Tense = "past"
    negated: bool = False
    generic: bool = False

    def but(self, **slots: Any) -> "Event":
        """Return this event with some slots changed, as `_replace` does in twice the time."""
        values = list(self)
        for slot, value in slots.items():
            values[_PLACES[slot]] = value
        return Event._make(values)

    def converse(self) -> "Event":
        """Return this event with agent and patient exchanged."""
        return self.but(agent=self.patient, patient=self.agent)

    def modifiers(self) -> list[str]:
        """Return which of `MODIFIERS` the event has."""
        return [slot for slot in MODIFIERS if getattr(self, slot)]

    def slots(self) -> list[str]:
        """Return the slots that a question can ask for."""
        return ["agent", "patient", *self.modifiers()]


_PLACES = {slot: place for place, slot in enumerate(Event._fields)}


class Fact(NamedTuple):
    """A lasting property: occupation or home of a person, region of a town, ..."""

    kind: FactKind
    subject: str
    value: str


Meaning = Event | Fact


@cache
def split_of(seed: int, one: str, other: str) -> str:
    """Return the only split whose events may join the two participants, in either role.

    Six in ten pairs are for training, two for validation, two for testing. Whatever the verb, the
    modifiers and the polarity: an event of agent and patient is in one split and in no other.
    """
    text = f"{seed}\x1f{min(one, other)}\x1f{max(one, other)}"
    bucket = hashlib.blake2b(text.encode(), digest_size=4).digest()[0] % 10
    return "train" if bucket < 6 else "validation" if bucket < 8 else "test"
