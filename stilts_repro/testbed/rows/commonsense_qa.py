"""CommonsenseQA rows: questions about what is so for good, with five choices of one kind.

All splits share the facts of the world, as pre-training tells them all; but a fact that one split
asks for is asked for in no other, whichever way round. Choices that are subjects of facts come from
the same split as the answer, or who is never right in training would be right when tested.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple, TypeVar

from stilts_repro.seeds import derive
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Grammar
from stilts_repro.testbed.meanings import Event, Fact, FactKind, Meaning
from stilts_repro.testbed.rows import Draw, Row
from stilts_repro.testbed.world import World

LETTERS = "ABCDE"
_T = TypeVar("_T")
# All values of a kind, where the facts of a split have too few.
_VALUES: dict[FactKind, tuple[str, ...]] = {
    "occupation": tuple(words.OCCUPATIONS),
    "home": words.TOWNS,
    "region": words.REGIONS,
    "category": tuple(words.OBJECTS),
    "seat": words.TOWNS,
}
# What facts are asked for, those of things twice as often as others.
_KINDS_OF_FACT: tuple[FactKind, ...] = ("occupation", "home", "region", "category", "category")
_HELD_OUT = 5  # one fact in five is kept for validation


class Item(NamedTuple):
    """A meaning, which of its slots is asked for, the concept in question and the choices."""

    meaning: Meaning
    asked: str
    concept: str
    choices: tuple[str, ...]
    label: int


def _share(seed: int, split: str, kind: str, items: Iterable[tuple[str, _T]]) -> list[_T]:
    """Return those of the (group, item) pairs that a split may ask for.

    Of each group the same part is held out, for with any other share what is rarely right in
    training would be right when tested.
    """
    groups = defaultdict(list)
    for name, item in items:
        groups[name].append(item)
    share: list[_T] = []
    for group in groups.values():
        group.sort(key=lambda item: derive(seed, "lasting", kind, repr(item)))
        held_out = round(len(group) / _HELD_OUT)
        share += group[:held_out] if split == "validation" else group[held_out:]
    return share


class Facts:
    """What one split, 'train' or 'validation', may ask for."""

    def __init__(self, world: World, split: str) -> None:
        self.world = world
        self.of_kind: dict[FactKind, list[Fact]] = {}
        for kind, subjects in _subjects(world).items():
            facts = [fact for subject in subjects for fact in world.facts(subject)]
            # No two organisations sit in one town.
            by_value = [
                ("" if kind == "seat" else fact.value, fact) for fact in facts if fact.kind == kind
            ]
            self.of_kind[kind] = _share(world.seed, split, kind, by_value)
        uses = [
            (noun, (verb, noun))
            for noun, category in words.CATEGORY_OF.items()
            for verb in words.SCRIPTS[category]
        ]
        self.uses = _share(world.seed, split, "use", uses)
        objects = [(category, noun) for noun, category in words.CATEGORY_OF.items()]
        self.worked_on = _share(world.seed, split, "work", objects)


def _subjects(world: World) -> dict[FactKind, tuple[str, ...]]:
    return {
        "occupation": tuple(world.persons),
        "home": tuple(world.persons),
        "region": words.TOWNS,
        "category": tuple(words.CATEGORY_OF),
        "seat": words.ORGANISATIONS,
    }


@cache
def facts_of(world: World, split: str) -> Facts:
    """Return what a split may ask for, made once."""
    return Facts(world, split)


def draw_item(rng: random.Random, known: Facts) -> Item:
    """Draw a question: for the value or the subject of a fact, or for what goes with an act."""
    while True:
        make = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
        item = make(rng, known)
        if item:
            return item


def _value(rng: random.Random, known: Facts) -> Item | None:
    """Ask for a fact's value; other values are those of others, so all are as usual as it is."""
    facts = known.of_kind[rng.choice((*_KINDS_OF_FACT, "seat"))]
    if not facts:
        return None
    fact = rng.choice(facts)
    pool = [other.value for other in facts]
    if len(set(pool)) < len(LETTERS):
        pool = list(_VALUES[fact.kind])
    return _item(rng, fact, "value", fact.subject, fact.value, pool)


def _subject(rng: random.Random, known: Facts) -> Item | None:
    """Ask for the one of five that a value is true of."""
    facts = known.of_kind[rng.choice(_KINDS_OF_FACT)]
    if not facts:
        return None
    fact = rng.choice(facts)
    pool = [other.subject for other in facts if other.value != fact.value]
    return _item(rng, fact, "subject", fact.value, fact.subject, pool)


def _use(rng: random.Random, known: Facts) -> Item | None:
    """Ask what someone of an occupation will do something to: one object of each category."""
    verb, noun = rng.choice(known.uses)
    category = words.CATEGORY_OF[noun]
    workers = [name for name, deals in words.OCCUPATIONS.items() if category in deals]
    pool = [rng.choice(nouns) for name, nouns in words.OBJECTS.items() if name != category]
    event = Event(rng.choice(workers), verb, noun, tense="future")
    return _item(rng, event, "patient", verb, noun, pool)


def _worker(rng: random.Random, known: Facts) -> Item | None:
    """Ask who will deal with an object: the one occupation of five that its category is for."""
    noun = rng.choice(known.worked_on)
    category = words.CATEGORY_OF[noun]
    deals = [name for name, categories in words.OCCUPATIONS.items() if category in categories]
    pool = [name for name in words.OCCUPATIONS if name not in deals]
    event = Event(rng.choice(deals), rng.choice(words.SCRIPTS[category]), noun, tense="future")
    return _item(rng, event, "agent", noun, event.agent, pool)


_KINDS: dict[Callable[[random.Random, Facts], Item | None], float] = {
    _value: 0.3,
    _subject: 0.3,
    _use: 0.25,
    _worker: 0.15,
}


def _item(
    rng: random.Random, meaning: Meaning, asked: str, concept: str, answer: str, pool: list[str]
) -> Item | None:
    """Draw wrong choices from `pool`, each as often as it is there, and shuffle; None if few."""
    chosen = {answer}
    if len(chosen.union(pool)) < len(LETTERS):
        return None
    while len(chosen) < len(LETTERS):
        chosen.add(rng.choice(pool))
    choices = sorted(chosen)
    rng.shuffle(choices)
    return Item(meaning, asked, concept, tuple(choices), choices.index(answer))


def _name(speaker: Grammar, concept: str) -> str:
    """Return a name or a lemma in the speaker's language, uninflected."""
    if speaker.world.entity_type(concept):
        return " ".join(speaker.lexicon.name(concept))
    return speaker.lexicon.stems[concept]


def commonsense_qa(draw: Draw) -> Row:
    """Return a row of tau/commonsense_qa."""
    item = draw_item(draw.rng, facts_of(draw.sampler.world, draw.split))
    choices = [_name(draw.speaker, choice) for choice in item.choices]
    return {
        "id": draw.row_id("commonsense_qa"),
        "question": draw.speaker.sentence_text(item.meaning, asked=item.asked),
        "question_concept": item.concept,
        "choices": {"label": list(LETTERS), "text": choices},
        "answerKey": LETTERS[item.label],
    }
