"""The words of a language: stems, which are cognates of English or invented, and affixes."""

import itertools
import random
from functools import cache

from stilts_repro.seeds import python_rng
from stilts_repro.testbed.languages import Language, transliterate
from stilts_repro.testbed.vocabulary import (
    CONNECTIVES,
    CONTENT_WORDS,
    FUNCTION_WORDS,
    NAME_WORDS,
)

_CASES = ("nominative", "accusative", "locative")
_TENSES = ("present", "past", "future")
_NUMBERS = ("singular", "plural")
# What affixes mark, of nouns and of verbs. The first of each is unmarked; fusional languages fuse
# two or three categories into one suffix.
_PARADIGMS = {
    "agglutinative": ((*_CASES, "plural"), (*_TENSES, "passive")),
    "fusional": (
        tuple(map(" ".join, itertools.product(_CASES, _NUMBERS))),
        tuple(map(" ".join, itertools.product(("active", "passive"), _TENSES, _NUMBERS))),
    ),
}
_SIBILANTS = ("s", "x", "ch", "sh")


class Lexicon:
    """Stems by concept and inflection by category for one language (all text in its script)."""

    def __init__(self, language: Language, seed: int) -> None:
        self.language = language
        rng = python_rng(seed, "lexicon", language.code)
        if language.code == "en":
            self.stems = {word: word for word in CONTENT_WORDS + FUNCTION_WORDS + CONNECTIVES}
        else:
            self.stems = _stems(language, rng)
        self._affixes = _affixes(language, rng)
        if language.code != "en":
            # Last, so that they leave the language's other words as they are.
            self.stems |= _connectives(language, rng, {"", *self.stems.values()})
        self._names: dict[str, tuple[str, ...]] = {}

    def name(self, name: str) -> tuple[str, ...]:
        """Return a proper name's words in this script, capitalised where the script has case."""
        if name not in self._names:
            script = self.language.script
            self._names[name] = tuple(
                self.stems.get(word, transliterate(word.lower(), script)).title()
                for word in name.split()
            )
        return self._names[name]

    def noun(self, stem: str, case: str, plural: bool) -> str:
        """Return the form of a noun or adjective stem; isolating languages have only one."""
        match self.language.inflects("nouns"):
            case "english":
                return _english_plural(stem) if plural else stem
            case "agglutinative":
                return stem + (self._affixes["plural"] if plural else "") + self._affixes[case]
            case "fusional":
                return stem + self._affixes[f"{case} {'plural' if plural else 'singular'}"]
            case _:
                return stem

    def proper(self, words: tuple[str, ...], case: str) -> tuple[str, ...]:
        """Return a name in `case`: agglutinative case follows its last word, others leave it."""
        if self.language.inflects("nouns") != "agglutinative":
            return words
        return (*words[:-1], words[-1] + self._affixes[case])

    def verb(self, stem: str, tense: str, plural: bool, passive: bool) -> str:
        """Return the inflected verb form (without particles or auxiliaries; not for English)."""
        match self.language.inflects("verbs"):
            case "agglutinative":
                return stem + (self._affixes["passive"] if passive else "") + self._affixes[tense]
            case "fusional":
                number = "plural" if plural else "singular"
                voice = "passive" if passive else "active"
                return stem + self._affixes[f"{voice} {tense} {number}"]
            case _:
                return stem


@cache
def lexicon(language: Language, seed: int) -> Lexicon:
    """Return the language's lexicon under `seed`, built once."""
    return Lexicon(language, seed)


def _english_plural(noun: str) -> str:
    return noun + ("es" if noun.endswith(_SIBILANTS) else "s")


def english_past(verb: str) -> str:
    """Return the regular past (and participle) of a verb; every verb of the world is regular."""
    if verb == "trap":
        return "trapped"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + ("d" if verb.endswith("e") else "ed")


def english_present(verb: str) -> str:
    """Return the third person singular of a stative verb."""
    return verb + "s"


def _syllable(language: Language, rng: random.Random) -> str:
    sounds = language.phonology
    return "".join(map(rng.choice, (sounds.onsets, sounds.vowels, sounds.codas)))


def _cognate(word: str, language: Language) -> str:
    for old, new in language.sound_changes:
        word = word.replace(old, new)
    return word


def _stems(language: Language, rng: random.Random) -> dict[str, str]:
    """Return unique stems: a drawn share of the content words are cognates, the rest invented.

    Words of names have stems where they are the language's own.
    """
    share = round(language.cognates * len(CONTENT_WORDS))
    inherited = set(rng.sample(CONTENT_WORDS, share))
    stems: dict[str, str] = {}
    taken = {""}
    for word in CONTENT_WORDS + FUNCTION_WORDS + (NAME_WORDS if language.own_names else ()):
        stem = _cognate(word, language) if word in inherited else ""
        syllables = 1 if word in FUNCTION_WORDS else rng.choice((2, 2, 3))
        while stem in taken:
            stem = "".join(_syllable(language, rng) for _ in range(syllables))
        taken.add(stem)
        stems[word] = transliterate(stem, language.script)
    return stems


def _connectives(language: Language, rng: random.Random, taken: set[str]) -> dict[str, str]:
    """Return a syllable for each, none of them among `taken`."""
    stems: dict[str, str] = {}
    for word in CONNECTIVES:
        stem = ""
        while stem in taken:
            stem = transliterate(_syllable(language, rng), language.script)
        taken.add(stem)
        stems[word] = stem
    return stems


def _affixes(language: Language, rng: random.Random) -> dict[str, str]:
    """Return the suffixes by what they mark; the unmarked category of a paradigm has none."""
    affixes: dict[str, str] = {}
    for unmarked, *marked in _PARADIGMS.get(language.morphology, ()):
        affixes[unmarked] = ""
        taken = {""}
        for category in marked:
            affix = ""
            while affix in taken:
                affix = _affix(language, rng)
            taken.add(affix)
            affixes[category] = transliterate(affix, language.script)
    return affixes


def _affix(language: Language, rng: random.Random) -> str:
    """Return a suffix: a syllable in agglutinative languages, a rhyme in fusional ones."""
    if language.morphology == "agglutinative":
        return _syllable(language, rng)
    phonology = language.phonology
    onsets = [onset for onset in phonology.onsets if len(onset) == 1]
    return rng.choice(phonology.vowels) + rng.choice(("", *onsets))
