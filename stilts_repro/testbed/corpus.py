"""Documents for pre-training a masked LM: short paragraphs on one topic, without end.

Every stream draws from its own random stream, so documents of two languages are unrelated unless a
stream is bilingual on purpose. The events of a split's documents are those that the rows of the
same split may use: no pair of participants met in pre-training on 'train' is ever tested.
"""

import itertools
import random
from collections.abc import Iterator

from stilts_repro.seeds import python_rng
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Grammar, Line, Style, grammar, styled
from stilts_repro.testbed.languages import CODES
from stilts_repro.testbed.meanings import MODIFIERS, Event, Fact
from stilts_repro.testbed.phrases import Sentence, Token, text
from stilts_repro.testbed.world import Sampler, World

# Not tenses and such, which are words in some languages only.
_WORDS = frozenset(word for word in words.CONTENT_WORDS + words.FUNCTION_WORDS if word.islower())
_OBJECTS = tuple(words.CATEGORY_OF)


def random_style(
    rng: random.Random, event: Event, *, passive: float = 0.2, titles: bool = True
) -> Style:
    """Draw passive or active, perhaps a fronted adverbial, and perhaps a title (if `titles`).

    A title tells the agent's occupation, which a sentence must not where that decides a label.
    """
    front = ""
    if (event.place or event.time) and rng.random() < 0.25:
        front = rng.choice([slot for slot in ("place", "time") if getattr(event, slot)])
    return styled(rng.random() < passive, front, rng.random() < 0.1 and titles)


def day(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw two to four events of one person's day, following the world's scripts."""
    agent = sampler.world.person(rng)
    event = sampler.event(rng, agent, negated=0.1)
    lines = [Line(event, random_style(rng, event))]
    for _ in range(rng.randint(1, 3)):
        same_story = not event.negated and rng.random() < 0.75
        if same_story:
            event = sampler.follow_up(rng, event)
            style = Style(pronoun=rng.random() < 0.8, then=True)
        else:
            event = sampler.event(rng, agent, negated=0.1)
            style = Style(pronoun=rng.random() < 0.5)
        lines.append(Line(event, style))
    return lines


def facts(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw what is so about two to four related subjects."""
    world = sampler.world
    person = world.persons[world.person(rng)]
    subjects = [person.name, person.home, rng.choice(words.ORGANISATIONS)]
    subjects += rng.sample(_OBJECTS, 2)
    rng.shuffle(subjects)
    topics = subjects[: rng.randint(2, 4)]
    return [Line(fact) for subject in topics for fact in world.facts(subject)]


def news(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw two to four unrelated events."""
    events = [sampler.event(rng, negated=0.15) for _ in range(rng.randint(2, 4))]
    return [Line(event, random_style(rng, event)) for event in events]


def exchange(rng: random.Random, lines: list[Line]) -> list[Line]:
    """Ask for something that `lines` tell, and answer in a sentence; nothing if all is denied."""
    meanings = [line.meaning for line in lines]
    known = [meaning for meaning in meanings if isinstance(meaning, Fact) or not meaning.negated]
    if not known:
        return []
    meaning = rng.choice(known)
    asked = "value" if isinstance(meaning, Fact) else rng.choice(meaning.slots())
    return [Line(meaning, asked=asked), Line(meaning)]


def headline(rng: random.Random, lines: list[Line]) -> list[Line]:
    """Say one of the events that `lines` tell, in fewer words; nothing if they tell only facts."""
    events = [line.meaning for line in lines if isinstance(line.meaning, Event)]
    if not events:
        return []
    dropped = dict.fromkeys(slot for slot in MODIFIERS if rng.random() < 0.5)
    event = rng.choice(events).but(**dropped)
    return [Line(event, random_style(rng, event))]


def paragraph(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw the meanings of one document with the way to say each."""
    draw = rng.random()
    if draw < 0.5:
        return day(rng, sampler)
    return facts(rng, sampler) if draw < 0.7 else news(rng, sampler)


def document(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw a paragraph, now and then under a headline or with a question at its end."""
    lines = paragraph(rng, sampler)
    top = headline(rng, lines) if rng.random() < 0.3 else []
    return top + lines + (exchange(rng, lines) if rng.random() < 0.35 else [])


def two_languages(rng: random.Random) -> list[str]:
    """Draw what meets in one document: three times in four English and another, as on the web."""
    english, *others = CODES
    pair = [english, rng.choice(others)] if rng.random() < 0.75 else rng.sample(others, 2)
    return rng.sample(pair, 2)


class Corpus:
    """The document streams of one world; a document depends on its index, not on those before."""

    def __init__(self, world: World) -> None:
        self.world = world

    def documents(self, code: str, split: str, start: int = 0) -> Iterator[str]:
        """Yield monolingual documents without end, from number `start` on."""
        speaker, sampler = grammar(code, self.world), Sampler(self.world, split)
        for index in itertools.count(start):
            rng = python_rng(self.world.seed, "documents", code, split, index)
            yield " ".join(speaker.sentence_text(*line) for line in document(rng, sampler))

    def bilingual_documents(self, split: str, start: int = 0) -> Iterator[str]:
        """Yield documents of sentences each followed by its translation, mostly with English."""
        sampler = Sampler(self.world, split)
        for index in itertools.count(start):
            rng = python_rng(self.world.seed, "bilingual documents", split, index)
            first, second = (grammar(code, self.world) for code in two_languages(rng))
            yield " ".join(
                speaker.sentence_text(*line)
                for line in document(rng, sampler)
                for speaker in (first, second)
            )

    def mixed_documents(self, split: str, start: int = 0) -> Iterator[str]:
        """Yield documents with some sentences, and some words of others, in another language."""
        sampler = Sampler(self.world, split)
        for index in itertools.count(start):
            rng = python_rng(self.world.seed, "mixed documents", split, index)
            matrix, guest = (grammar(code, self.world) for code in two_languages(rng))
            sentences = []
            for line in document(rng, sampler):
                if rng.random() < 0.3:
                    sentences.append(guest.sentence_text(*line))
                else:
                    sentences.append(text(_switched(rng, matrix.sentence(*line), guest)))
            yield " ".join(sentences)


def _switched(rng: random.Random, sentence: Sentence, guest: Grammar) -> Sentence:
    """Replace about one in three words and names by another language's bare form."""
    return [_guest(token, guest) if rng.random() < 0.35 else token for token in sentence]


def _guest(token: Token, guest: Grammar) -> Token:
    lexicon = guest.lexicon
    if token.upos == "PROPN":
        return token._replace(text=lexicon.name(token.gloss)[0])
    return token._replace(text=lexicon.stems[token.gloss]) if token.gloss in _WORDS else token
