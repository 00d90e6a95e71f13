"""Testbed rows in another of its languages, with a known share of wrong words.

This is no machine translation. The testbed says the very meaning of an English row in the other
language, which makes a perfect translation; words of it are then spoilt at a given rate, to measure
what errors in translated training rows do. They fall evenly on all words, blind to what these mean;
the errors of a real system do not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError
from stilts_repro.seeds import python_rng
from stilts_repro.tasks.format import Text
from stilts_repro.testbed.languages import language
from stilts_repro.testbed.lexicon import lexicon
from stilts_repro.testbed.phrases import Token, spans
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.testbed.vocabulary import CONTENT_WORDS
from stilts_repro.translation.passages import TranslatedText
from stilts_repro.translation.rows import Turn

_TOKEN = re.compile(r"[^\s.?,]+|[.?,]")
_MARKS = ".?,"
_WAYS = ("replaced", "dropped", "swapped")


@dataclass(frozen=True)
class Spoilt:
    """A text after errors: its words and marks, and the place that each had before (None: new)."""

    tokens: tuple[str, ...]
    origins: tuple[int | None, ...]

    @property
    def text(self) -> str:
        """The tokens as the testbed writes them."""
        return _written(self.tokens)[0]

    def find(self, first: int, last: int) -> tuple[int, int] | None:
        """Return the range of characters of what were tokens `first` to `last`.

        None unless all of them are left, and follow one another as they did.
        """
        at = self.origins.index(first) if first in self.origins else 0
        wanted = tuple(range(first, last + 1))
        if self.origins[at : at + len(wanted)] != wanted:
            return None
        places = _written(self.tokens)[1]
        return places[at][0], places[at + last - first][1]


@dataclass(frozen=True)
class TestbedTranslator:
    """The testbed's own rows in another language, words spoilt at `error_rate` (0 to 1).

    Each word is spoilt with that probability, in one of three ways: replaced by the stem of a
    content word, dropped, or exchanged with the word after it (which is not spoilt besides; before
    a mark it is replaced). What happens depends on `seed`, the language and the text, not on other
    rows, and a word that is spoilt at one rate is spoilt at every higher one.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    error_rate: float
    seed: int = 0
    world_seed: int = 13

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1:
            raise InputError(f"error rate {self.error_rate}: give a share from 0 to 1")

    @property
    def name(self) -> str:
        """What a record says of it."""
        seeded = f", seed {self.seed}" if self.seed else ""
        return f"testbed, error rate {self.error_rate:g}{seeded}"

    def version(self, target: str) -> str:
        """Return all that decides its rows in `target`."""
        return f"testbed {self.world_seed}, error rate {self.error_rate:g}, seed {self.seed}"

    def originals(self, source: Source, turn: Turn, target: str) -> list[Row]:
        """Return the testbed's parallel rows, which are in `target` already.

        Raises `InputError` for another source, an unknown language and for data sets that have no
        parallel rows, `MissingError` where there is no such split.
        """
        if source.name != "testbed":
            raise InputError(f"{self.name}: it has rows of the testbed only; give its source")
        return TestbedSource(self.world_seed).load_in(target, *turn)

    def translations(self, texts: Sequence[Text], target: str) -> list[TranslatedText | None]:
        """Return texts in `target` with errors; an answer that lost a word is not in them."""
        return [self._translation(text, target) for text in texts]

    def _translation(self, text: Text, target: str) -> TranslatedText:
        spoilt = self.spoilt(text.text, target)
        places = _written(_TOKEN.findall(text.text))[1]
        first = {low: number for number, (low, _) in enumerate(places)}
        last = {high: number for number, (_, high) in enumerate(places)}
        found = [spoilt.find(first[low], last[high]) for low, high in text.answers or ()]
        return TranslatedText(spoilt.text, tuple(answer for answer in found if answer))

    def spoilt(self, text: str, target: str) -> Spoilt:
        """Return a text in `target` with errors; one of its words at least stays or is replaced."""
        tokens = _TOKEN.findall(text)
        rng = python_rng(self.seed, "translation", target, text)
        stems = _stems(target, self.world_seed)
        # The same draws for each word whatever the rate, so that errors at low rates stay.
        draws = [(rng.random(), rng.choice(_WAYS), rng.choice(stems)) for _ in tokens]
        made: list[tuple[str, int | None]] = []
        place, words = 0, sum(token not in _MARKS for token in tokens)
        while place < len(tokens):
            token, (chance, way, stem) = tokens[place], draws[place]
            following = tokens[place + 1 : place + 2]
            alone = not following or following[0] in _MARKS
            if token in _MARKS or chance >= self.error_rate:
                made.append((token, place))
            elif way == "swapped" and not alone:
                made += [(following[0], place + 1), (token, place)]
                place += 1
            elif way == "dropped" and words > 1:
                words -= 1
            else:
                made.append((stem, None))
            place += 1
        return Spoilt(tuple(token for token, _ in made), tuple(origin for _, origin in made))


def _written(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return tokens as the testbed writes them, and the range of characters of each."""
    return spans(Token(token, "X") for token in tokens)


@cache
def _stems(code: str, world_seed: int) -> tuple[str, ...]:
    """Return the stems of a language's content words."""
    stems = lexicon(language(code), world_seed).stems
    return tuple(stems[word] for word in CONTENT_WORDS)
