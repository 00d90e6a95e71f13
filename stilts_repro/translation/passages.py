"""English texts cut into sentences and put together again in another language, answers found anew.

Any translator of plain text serves, for nothing is marked in what it reads. A context is translated
sentence by sentence, an answer by itself, and the answer is looked for in the translation of its
own sentence; an answer that crosses sentences makes one of them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stilts_repro.tasks.format import Text

# Written without blanks between words: sentences follow each other without one too.
UNSPACED = frozenset(("ja", "my", "th", "zh"))
_END = re.compile(r"[.!?]+[\"'”’)\]]*(\s+)")
_LAST_WORD = re.compile(r"([^\s(\"'“‘]*)$")
_ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "gen", "col", "sgt", "rev", "hon"),
        *("no", "vs", "e.g", "i.e", "etc", "cf", "fig", "vol", "approx"),
    )
)
_STOPS = ".。!！?？,，;；:：।۔"

Range = tuple[int, int]  # half-open, of characters


@dataclass(frozen=True)
class TranslatedText(Text):
    """A translation; `answers` are those found in it, `ways` how each was.

    A way is "exact" (as the answer was translated by itself), "folded" (in other letters or blanks)
    or "copied" (left in English). A translator that knows where its answers are tells none.
    """

    ways: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passage:
    """A text, its answers, and its sentences, which are translated one by one."""

    text: str
    answers: tuple[Range, ...]
    sentences: tuple[Range, ...]

    @classmethod
    def of(cls, text: Text) -> "Passage":
        """Cut a context into sentences, none of them inside an answer; other text stays whole."""
        if text.answers is None:
            return cls(text.text, (), ((0, len(text.text)),))
        return cls(text.text, text.answers, tuple(cut(text.text, text.answers)))

    @property
    def pieces(self) -> list[str]:
        """All that has to be translated: sentences and answers."""
        return [self.text[low:high] for low, high in (*self.sentences, *self.answers)]

    def translated(self, translations: Mapping[str, str], target: str) -> TranslatedText | None:
        """Return the translation that those of `pieces` make; None where one of them is empty."""
        if any(piece.strip() and not translations[piece].strip() for piece in self.pieces):
            return None
        text, end = "", 0
        starts: list[int] = []  # where each sentence begins in the translation
        for low, high in self.sentences:
            text += gap(self.text[end:low], target)
            starts.append(len(text))
            text += translations[self.text[low:high]]
            end = high
        found = [self._find(answer, starts, translations, target) for answer in self.answers]
        answers = [answer for answer in found if answer]
        return TranslatedText(text, tuple(a for a, _ in answers), tuple(way for _, way in answers))

    def _find(
        self, answer: Range, starts: Sequence[int], translations: Mapping[str, str], target: str
    ) -> tuple[Range, str] | None:
        """Find an answer in the translation of its sentence; these begin at `starts`.

        Returns its range in the whole translation and the way it was found. Of several places the
        one is taken that counts the same as the answer's among its like in English.
        """
        wanted = self.text[slice(*answer)]
        if not wanted:
            return None
        number = next(i for i, (_, end) in enumerate(self.sentences) if answer[0] < end)
        low, high = self.sentences[number]
        sentence = self.text[low:high]
        alike = occurrences(sentence, wanted, "en", folded=False)
        nth = sum(begin < answer[0] - low for begin, _ in alike)
        translation = trimmed(translations[wanted], wanted)
        for way, text in (("exact", translation), ("folded", translation), ("copied", wanted)):
            places = occurrences(translations[sentence], text, target, folded=way == "folded")
            if places:
                begin, end = places[min(nth, len(places) - 1)]
                return (starts[number] + begin, starts[number] + end), way
        return None


def cut(text: str, whole: Sequence[Range] = ()) -> list[Range]:
    """Return where the sentences of an English `text` begin and end, blanks between them left out.

    A sentence ends with '.', '!' or '?' and a blank; not after an initial or a common abbreviation,
    and not inside any of the ranges `whole`. The rule is simple on purpose: what is cut in two, or
    left in one, is translated all the same, and nothing that is scored depends on it.
    """
    sentences: list[Range] = []
    begin = 0
    for end in _END.finditer(text):
        after = end.start(1)
        inside = any(low < end.end() and after < high for low, high in whole)
        if not (inside or _abbreviated(text, end.start())):
            sentences.append((begin, after))
            begin = end.end()
    if begin < len(text):
        sentences.append((begin, len(text)))
    return sentences


def _abbreviated(text: str, stop: int) -> bool:
    """Say whether the full stop at `stop` belongs to the word before it."""
    if text[stop] != ".":
        return False
    last = _LAST_WORD.search(text, max(0, stop - 20), stop)
    word = last[1] if last else ""
    initials = re.fullmatch(r"(?:[A-Z]\.)*[A-Z]", word)
    return bool(initials) or word.lower() in _ABBREVIATIONS


def gap(between: str, target: str) -> str:
    """Return what stands between two translated sentences where `between` stood in English."""
    return "" if target in UNSPACED and "\n" not in between else between


def join(pieces: Sequence[str], target: str) -> str:
    """Put translated pieces together as one text in `target`."""
    return gap(" ", target).join(piece for piece in pieces if piece)


def trimmed(translation: str, text: str) -> str:
    """Return a translated answer without the stop that translators add to what has none."""
    bare = translation.strip()
    return bare if text.rstrip()[-1:] in _STOPS else bare.rstrip(_STOPS).rstrip()


def occurrences(text: str, wanted: str, target: str, *, folded: bool) -> list[Range]:
    """Return where `wanted` stands in `text` as words of their own.

    Where none is, also where it begins a longer word: a case ending may follow. Numbers are never
    part of longer ones. `folded` ignores case and which blanks, and how many, there are.
    """
    written, places = _fold(text) if folded else (text, list(range(len(text))))
    sought = _fold(wanted)[0].strip() if folded else wanted
    ranges: list[Range] = []
    at = written.find(sought) if sought else -1
    while at >= 0:
        end = at + len(sought)
        if not _inside(written, at, target):
            ranges.append((at, end))
        at = written.find(sought, at + 1)
    whole = [span for span in ranges if not _inside(written, span[1], target)]
    begun = [span for span in ranges if not (sought[-1].isdigit() or len(sought) < 3)]
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
