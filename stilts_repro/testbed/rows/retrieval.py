"""Tatoeba and BUCC rows: sentences and their translations, no sentence twice on either side.

Tatoeba is a list of pairs. BUCC is to be mined: beside its gold pairs, a second split (`_unpaired`)
has sentences of both sides that have no translation. Unlike other rows, those of a split depend on
one another.
"""

import itertools
import random
from collections.abc import Iterator

from stilts_repro.seeds import python_rng
from stilts_repro.testbed.corpus import random_style
from stilts_repro.testbed.grammar import Grammar, Line, grammar
from stilts_repro.testbed.languages import CODES
from stilts_repro.testbed.meanings import Event, Meaning
from stilts_repro.testbed.rows import XTREME, Row
from stilts_repro.testbed.world import Sampler, World

_SPLITS = ("validation", "test")
_BUCC_LANGUAGES = ("qaa", "qab", "qac", "qad")
_UNPAIRED = "_unpaired"
_TATOEBA_PAIRS = 300
_BUCC_PAIRS, _BUCC_UNPAIRED = 200, 400  # the latter on each side


def has(repo: str, config: str, split: str) -> bool:
    """Say whether the testbed has such a Tatoeba or BUCC split."""
    task, _, code = config.partition(".")
    if repo != XTREME or split.removesuffix(_UNPAIRED) not in _SPLITS:
        return False
    if task == "tatoeba":
        return code in CODES[1:] and split in _SPLITS
    return task == "bucc18" and code in _BUCC_LANGUAGES


def rows(world: World, config: str, split: str) -> list[Row]:
    """Return all rows of a Tatoeba or BUCC split."""
    task, _, code = config.partition(".")
    paired = split.removesuffix(_UNPAIRED)
    source, english = grammar(code, world), grammar("en", world)
    rng = python_rng(world.seed, XTREME, task, paired)
    lines = draw_lines(rng, Sampler(world, paired))
    if task == "tatoeba":
        pairs = itertools.islice(lines, _TATOEBA_PAIRS)
        sides = source.language.iso3, english.language.iso3
        return [_pair(line, source, english, *sides) for line in pairs]
    drawn = list(itertools.islice(lines, _BUCC_PAIRS + 2 * _BUCC_UNPAIRED))
    rng.shuffle(drawn)
    # Identifiers are drawn from one range a side: they tell nothing of who pairs with whom.
    numbers = range(1, _BUCC_PAIRS + _BUCC_UNPAIRED + 1)
    names = [
        [f"{speaker.language.code}-{number:09d}" for number in rng.sample(numbers, len(numbers))]
        for speaker in (source, english)
    ]
    if split == paired:
        return [
            _pair(line, source, english, *sides)
            for line, *sides in zip(drawn[:_BUCC_PAIRS], *names, strict=False)
        ]
    middle = _BUCC_PAIRS + _BUCC_UNPAIRED
    unpaired = drawn[_BUCC_PAIRS:middle], drawn[middle:]
    return [
        {"id": name, "sentence": speaker.sentence_text(*line)}
        for speaker, lines_of_side, side in zip((source, english), unpaired, names, strict=True)
        for line, name in zip(lines_of_side, side[_BUCC_PAIRS:], strict=True)
    ]


def draw_lines(rng: random.Random, sampler: Sampler) -> Iterator[Line]:
    """Yield sentences without end, none twice; about half of the events resemble an earlier one.

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
            yield Line(meaning, random_style(rng, meaning))
        else:
            yield Line(meaning)


def _pair(
    line: Line, source: Grammar, english: Grammar, source_name: str, english_name: str
) -> Row:
    """Return a pair of sentences with what the hub has under `..._lang`: codes or identifiers."""
    return {
        "source_sentence": source.sentence_text(*line),
        "target_sentence": english.sentence_text(*line),
        "source_lang": source_name,
        "target_lang": english_name,
    }
