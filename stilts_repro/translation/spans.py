"""Questions on translated contexts: where an answer stands after translation.

Any translator serves, for nothing is marked in what it reads. A context is translated sentence by
sentence, an answer by itself, and the answer is looked for in the translation of its own sentence;
an answer that crosses sentences makes one of them. Questions whose answer is not found are lost.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stilts_repro.tasks.span import Question
from stilts_repro.translation import sentences
from stilts_repro.translation.sentences import UNSPACED

# How an answer was found: as it was translated, in other letters or blanks, or left in English.
Found = Literal["exact", "folded", "copied"]
_STOPS = ".。!?！？,，;；:：।۔"


@dataclass(frozen=True)
class Passage:
    """A question, and its context's sentences as half-open ranges of characters."""

    question: Question
    cuts: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, question: Question) -> "Passage":
        """Cut a question's context into sentences, none of them inside an answer."""
        whole = [(start, start + len(text)) for text, start in question.answers]
        return cls(question, tuple(sentences.cut(question.context, whole)))

    @property
    def texts(self) -> list[str]:
        """All that has to be translated."""
        context = self.question.context
        answers = [text for text, _ in self.question.answers]
        return [self.question.question, *(context[a:b] for a, b in self.cuts), *answers]

    def context(self, translated: Mapping[str, str], target: str) -> tuple[str, list[int]]:
        """Return the translated context, and where each of its sentences begins in it."""
        said, starts, end = "", [], 0
        for low, high in self.cuts:
            said += sentences.gap(self.question.context[end:low], target)
            starts.append(len(said))
            said += translated[self.question.context[low:high]]
            end = high
        return said, starts

    def answer(
        self, number: int, translated: Mapping[str, str], target: str
    ) -> tuple[str, int, Found] | None:
        """Find answer `number` in the translation of its sentence; None where it is not there.

        Returns its text, its place in the translated context, and how it was found. Of several
        places the one is taken that counts the same as the answer's among its like in English.
        """
        text, start = self.question.answers[number]
        place = next(i for i, (_, high) in enumerate(self.cuts) if start < high)
        low, high = self.cuts[place]
        english = self.question.context[low:high]
        said = translated[english]
        like = occurrences(english, text, "en", folded=False)
        nth = sum(begin < start - low for begin, _ in like)
        tries: list[tuple[Found, str]] = [("exact", trimmed(translated[text], text))]
        tries += [("folded", tries[0][1]), ("copied", text)]
        for how, wanted in tries:
            found = occurrences(said, wanted, target, folded=how == "folded")
            if found:
                begin, end = found[min(nth, len(found) - 1)]
                _, starts = self.context(translated, target)
                return said[begin:end], starts[place] + begin, how
        return None


def trimmed(translation: str, text: str) -> str:
    """Return a translated answer without the stop that translators add to what has none."""
    bare = translation.strip()
    return bare if text.rstrip()[-1:] in _STOPS else bare.rstrip(_STOPS).rstrip()


def occurrences(text: str, wanted: str, target: str, *, folded: bool) -> list[tuple[int, int]]:
    """Return where `wanted` stands in `text` as words of their own.

    Where none is, also where it begins a longer word: a case ending may follow. Numbers are never
    part of longer ones. `folded` ignores case and which blanks, and how many, there are.
    """
    written, places = _fold(text) if folded else (text, list(range(len(text))))
    sought = _fold(wanted)[0].strip() if folded else wanted
    found: list[tuple[int, int]] = []
    at = written.find(sought) if sought else -1
    while at >= 0:
        end = at + len(sought)
        if not _inside(written, at, target):
            found.append((at, end))
        at = written.find(sought, at + 1)
    whole = [span for span in found if not _inside(written, span[1], target)]
    begun = [span for span in found if not (sought[-1].isdigit() or len(sought) < 3)]
    return [(places[low], places[high - 1] + 1) for low, high in whole or begun]


def _fold(text: str) -> tuple[str, list[int]]:
    """Return `text` in one case, its blanks single, and each character's place in `text`."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for written in " " if character.isspace() else character.casefold():
            if written != " " or (folded and folded[-1] != " "):
                folded.append(written)
                places.append(place)
    return "".join(folded), places


def _inside(text: str, place: int, target: str) -> bool:
    """Say whether `place` is within a word or a number of `text`."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before.isdigit() and after.isdigit():
        return True
    if target in UNSPACED and not (before.isascii() and after.isascii()):
        return False
    return _of_word(before) and _of_word(after)


def _of_word(character: str) -> bool:
    """Say whether words are written with it: letters, digits, and the marks that go with them."""
    return unicodedata.category(character)[0] in "LMN"
