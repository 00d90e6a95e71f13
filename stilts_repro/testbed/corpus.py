"""Documents for pre-training a masked LM: short paragraphs on one topic, without end.

Every stream draws from its own random stream, so documents of two languages are unrelated unless a
stream is bilingual on purpose. The events of a split's documents are those that the rows of the
same split may use: no pair of participants met in pre-training on 'train' is ever tested.

Documents come back to what they told, as texts do: in other words, with what follows from it, with
what cannot be so as well, by asking whether it is so. Without, a masked LM has little reason to
compare two sentences.
"""

import itertools
import random
from collections.abc import Iterable, Iterator

from stilts_repro.seeds import python_rng
from stilts_repro.testbed import vocabulary as words
from stilts_repro.testbed.grammar import Grammar, Line, Style, grammar, styled
from stilts_repro.testbed.inference import (
    broader,
    changeable,
    contrary,
    exchangeable,
    exchanged,
    excluded,
    implied,
    narrower,
    unsaid,
)
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
    """Draw two or three events of one person's day, following the world's scripts."""
    agent = sampler.world.person(rng)
    event = sampler.event(rng, agent, negated=0.1)
    lines = [Line(event, random_style(rng, event))]
    for _ in range(rng.randint(1, 2)):
        same_story = not event.negated and rng.random() < 0.75
        if same_story:
            event = sampler.follow_up(rng, event)
            style = Style(pronoun=rng.random() < 0.8, opening="then")
        else:
            event = sampler.event(rng, agent, negated=0.1)
            style = Style(pronoun=rng.random() < 0.5)
        lines.append(Line(event, style))
    return lines


def facts(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw what is so about two or three related subjects."""
    world = sampler.world
    person = world.persons[world.person(rng)]
    subjects = [person.name, person.home, rng.choice(words.ORGANISATIONS)]
    subjects += rng.sample(_OBJECTS, 2)
    rng.shuffle(subjects)
    topics = subjects[: rng.randint(2, 3)]
    return [Line(fact) for subject in topics for fact in world.facts(subject)]


def news(rng: random.Random, sampler: Sampler) -> list[Line]:
    """Draw two or three unrelated events."""
    events = [sampler.event(rng, negated=0.15) for _ in range(rng.randint(2, 3))]
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
    events = _events(lines)
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
    """Draw a paragraph that comes back to what it told, now and then under a headline."""
    lines = paragraph(rng, sampler)
    top = headline(rng, lines) if rng.random() < 0.3 else []
    return top + echoed(rng, sampler, lines) + afterword(rng, sampler, lines)


def echoed(rng: random.Random, sampler: Sampler, lines: list[Line]) -> list[Line]:
    """Come back to some of the events that `lines` tell, each time at once; join some sentences."""
    text: list[Line] = []
    for line in lines:
        if not isinstance(line.meaning, Event):
            text.append(line)
            continue
        joins = text and not (line.style.opening or line.style.pronoun) and rng.random() < 0.3
        text.append(_opened(line, "and") if joins else line)
        if rng.random() < 0.5:
            text.append(echo(rng, sampler, line.meaning))
    return text


def echo(rng: random.Random, sampler: Sampler, event: Event) -> Line:
    """Come back to `event`, mostly with the connective that says how.

    It is told in other words, what it implies is said, or what cannot be so as well (as others have
    it), or another event of those who took part.
    """
    (word,) = rng.choices(("namely", "so", "but", "also"), (0.35, 0.25, 0.2, 0.2))
    match word:
        case "so":
            event = implied(rng, event)
        case "but":
            event = excluded(rng, event)
        case "also":
            event = unsaid(rng, sampler, event, rng.choice(changeable(event) or ["place"]))
    line = _retold(rng, event)
    return _opened(line, word) if rng.random() < 0.9 else line


def afterword(rng: random.Random, sampler: Sampler, lines: list[Line]) -> list[Line]:
    """Tell two of the events of `lines` once more in one sentence, ask about some; or neither."""
    events = _events(lines)
    told = [event for event in events if not event.negated and event.patient in words.CATEGORY_OF]
    end: list[Line] = []
    if len(events) > 1 and rng.random() < 0.3:
        one, other = (_retold(rng, event) for event in rng.sample(events, 2))
        end += [one, _opened(other, "and")]
    while rng.random() < 0.5:
        if not events or rng.random() < 0.2:
            end += exchange(rng, lines)
        elif len(told) > 1 and rng.random() < 0.4:
            end += double_doubt(rng, sampler, *rng.sample(told, 2))
        else:
            end += doubt(rng, rng.choice(events))
    return end


def doubt(rng: random.Random, event: Event) -> list[Line]:
    """Ask whether something is so, and answer yes or no with `event`.

    That one did it to the other is no answer to whether the other did it to the one: also "no".
    """
    asked, word = event.but(negated=False), "no"
    if event.negated:
        asked = narrower(rng, asked)
    elif event.patient not in words.CATEGORY_OF and rng.random() < 0.3:
        asked = broader(rng, event).converse()
    elif changeable(event) and rng.random() < 0.5:
        asked = contrary(rng, event)
    else:
        asked, word = broader(rng, event), "yes"
    return [_asked(rng, asked), _opened(_retold(rng, event), word)]


def double_doubt(rng: random.Random, sampler: Sampler, one: Event, other: Event) -> list[Line]:
    """Ask whether both are so, perhaps with a slot of one and the other exchanged; answer."""
    pair, word = (one, other), "yes"
    slots = exchangeable(sampler, one, other)
    if slots and rng.random() < 0.5:
        pair, word = exchanged(one, other, rng.choice(slots)), "no"
    first, second = (_asked(rng, event) for event in rng.sample(pair, 2))
    answer, rest = _retold(rng, one), _retold(rng, other)
    return [first, _opened(second, "and"), _opened(answer, word), _opened(rest, "and")]


def _asked(rng: random.Random, event: Event) -> Line:
    return Line(event, random_style(rng, event, passive=0.4, titles=False), "polarity")


def _events(lines: list[Line]) -> list[Event]:
    return [line.meaning for line in lines if isinstance(line.meaning, Event)]


def _retold(rng: random.Random, event: Event) -> Line:
    return Line(event, random_style(rng, event, passive=0.4))


def _opened(line: Line, word: str) -> Line:
    return line._replace(style=line.style._replace(opening=word))


def passage(sentences: Iterable[tuple[Line, str]]) -> str:
    """Join sentences to a text; one that opens with 'and' goes on in the one before it."""
    whole = ""
    for line, sentence in sentences:
        if line.style.opening == "and":
            whole = whole.rstrip(".?")
        whole += f" {sentence}" if whole else sentence
    return whole


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
            lines = document(rng, sampler)
            yield passage((line, speaker.sentence_text(*line)) for line in lines)

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
                    said = guest.sentence_text(*line)
                else:
                    said = text(_switched(rng, matrix.sentence(*line), guest))
                sentences.append((line, said))
            yield passage(sentences)


def _switched(rng: random.Random, sentence: Sentence, guest: Grammar) -> Sentence:
    """Replace about one in three words and names by another language's bare form."""
    return [_guest(token, guest) if rng.random() < 0.35 else token for token in sentence]


def _guest(token: Token, guest: Grammar) -> Token:
    lexicon = guest.lexicon
    if token.upos == "PROPN":
        return token._replace(text=lexicon.name(token.gloss)[0])
    return token._replace(text=lexicon.stems[token.gloss]) if token.gloss in _WORDS else token
