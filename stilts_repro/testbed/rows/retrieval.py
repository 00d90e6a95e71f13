"""Tatoeba and BUCC rows: sentences and their translations, no sentence twice on either side."""

import random
from collections.abc import Iterator

from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Style
from stilts_repro.testbed.meanings import Event, Meaning
from stilts_repro.testbed.world import Sampler

Said = tuple[Meaning, Style]


def distinct(rng: random.Random, sampler: Sampler) -> Iterator[Said]:
    """Yield meanings without end, none twice; about half of the events resemble an earlier one.

    Those share participants, verb and tense with it and differ in a modifier at least, so that
    knowing the names does not suffice to find a translation.
    """
    seen: set[Meaning] = set()
    events: list[Event] = []
    while True:
        meaning: Meaning
        if events and rng.random() < 0.4:
            meaning = sampler.modified(rng, rng.choice(events))
        elif rng.random() < 0.1:
            meaning = rng.choice(sampler.world.facts(sampler.world.person(rng)))
        else:
            meaning = sampler.event(rng, negated=0.1)
        if meaning in seen:
            continue
        seen.add(meaning)
        if isinstance(meaning, Event):
            events.append(meaning)
            yield meaning, random_style(rng, meaning)
        else:
            yield meaning, Style()


def tatoeba_row(said: Said, source: Grammar, english: Grammar) -> dict[str, object]:
    """Return a row of google/xtreme tatoeba.<iso3>."""
    return {
        "source_sentence": source.sentence_text(*said),
        "target_sentence": english.sentence_text(*said),
        "source_lang": source.language.iso3,
        "target_lang": english.language.iso3,
    }


class Bucc:
    """One split of a mining task: gold pairs, and sentences of either side without a translation.

    Identifiers are drawn from one range a side, so they tell nothing of who pairs with whom.
    """

    def __init__(self, rng: random.Random, said: list[Said], gold: int, alone: int) -> None:
        self.gold = said[:gold]
        self.alone = said[gold : gold + alone], said[gold + alone : gold + 2 * alone]
        numbers = range(1, gold + alone + 1)
        self.numbers = tuple(rng.sample(numbers, len(numbers)) for _ in range(2))

    def pairs(self, source: Grammar, english: Grammar) -> list[dict[str, object]]:
        """Return the rows of a gold split."""
        return [
            {
                "source_sentence": source.sentence_text(*said),
                "target_sentence": english.sentence_text(*said),
                "source_lang": _identifier(source, self.numbers[0][i]),
                "target_lang": _identifier(english, self.numbers[1][i]),
            }
            for i, said in enumerate(self.gold)
        ]

    def unpaired(self, source: Grammar, english: Grammar) -> list[dict[str, object]]:
        """Return identifier and sentence of both sides' sentences without a translation."""
        sides = zip((source, english), self.alone, self.numbers, strict=True)
        return [
            {"id": _identifier(speaker, number), "sentence": speaker.sentence_text(*said)}
            for speaker, alone, numbers in sides
            for said, number in zip(alone, numbers[len(self.gold) :], strict=True)
        ]


def _identifier(speaker: Grammar, number: int) -> str:
    return f"{speaker.language.code}-{number:09d}"
