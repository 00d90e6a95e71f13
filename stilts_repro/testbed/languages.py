"""The eight languages, as one table: English, which tasks are learnt in, and seven invented ones.

Codes are from ISO 639's private-use range. What differs: script, word order, the order of
adjective and noun, adposition or case, morphology, sound changes, and the share of cognates.
"""

from dataclasses import dataclass, replace
from typing import Literal

from stilts_repro.errors import InputError

# Scripts map the 24 Latin letters in use (x is spelled ks, q is spelled k) one to one.
_LATIN = "abcdefghijklmnoprstuvwyz"
_SCRIPTS: dict[str, str] = {
    "Latin": _LATIN,
    "Cyrillic": "абцдефгхийклмнопрстувшыз",
    "Greek": "αβψδεφγχιξκλμνοπρστυωθηζ",
    "Georgian": "აბცდეფგჰიჯკლმნოპრსტუვღყზ",
    "Armenian": "աբցդեֆգհիջկլմնօպրստովղըզ",
}


# Of worlds: languages of all types, languages that have no word in common, or languages that differ
# in morphology alone (and in the stems that are drawn).
Kind = Literal["", "unrelated", "morphology"]


@dataclass(frozen=True)
class Phonology:
    """The syllable inventory from which stems and affixes are invented (in Latin letters)."""

    onsets: tuple[str, ...] = ()
    vowels: tuple[str, ...] = ()
    codas: tuple[str, ...] = ()  # one that is there twice is drawn twice as often


@dataclass(frozen=True)
class Language:
    """One language's typology; its words are in `lexicon.Lexicon`."""

    code: str
    name: str
    iso3: str
    script: str
    word_order: Literal["SVO", "SOV", "VSO"]
    morphology: Literal["english", "isolating", "agglutinative", "fusional"]
    adjective_first: bool = True
    prepositions: bool = True
    locative_case: bool = False  # place and time by case alone, without an adposition
    articles: bool = False
    copula: bool = True
    wh_fronting: bool = True
    gendered_pronouns: bool = False
    cognates: float = 0.0
    own_names: bool = False  # proper names are invented too, not the English ones transliterated
    inflected: frozenset[str] = frozenset({"nouns", "verbs"})  # others are as in an isolating one
    sound_changes: tuple[tuple[str, str], ...] = ()
    phonology: Phonology = Phonology()

    def inflects(self, words: Literal["nouns", "verbs"]) -> str:
        """Return the morphology of nouns (and adjectives), or of verbs."""
        return self.morphology if words in self.inflected else "isolating"


def _phonology(onsets: str, vowels: str, codas: str) -> Phonology:
    """Read the parts of syllables; '-' is an open syllable's coda."""
    parts = (text.replace("-", "").split(" ") for text in (onsets, vowels, codas))
    return Phonology(*map(tuple, parts))


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language(
            *("en", "English", "eng", "Latin", "SVO", "english"),
            articles=True,
            gendered_pronouns=True,
        ),
        Language(
            *("qaa", "Qaa", "qaa", "Latin", "SVO", "fusional"),
            articles=True,
            gendered_pronouns=True,
            cognates=0.6,
            sound_changes=(("th", "d"), ("sh", "sk"), ("ch", "k"), ("ea", "e"), ("oo", "u")),
            phonology=_phonology("b d f g k l m n s t st br", "a e i o", "- n r s"),
        ),
        Language(
            *("qab", "Qab", "qab", "Latin", "SOV", "agglutinative"),
            prepositions=False,
            locative_case=True,
            wh_fronting=False,
            cognates=0.3,
            sound_changes=(("c", "k"), ("w", "v"), ("th", "t"), ("sh", "s"), ("ea", "i")),
            phonology=_phonology("k t p s h l m v j r n", "a e i u y", "- - k n l"),
        ),
        Language(
            *("qac", "Qac", "qac", "Cyrillic", "SVO", "fusional"),
            adjective_first=False,
            gendered_pronouns=True,
            cognates=0.45,
            sound_changes=(("ch", "c"), ("e", "i"), ("sh", "s"), ("a", "o"), ("w", "v")),
            phonology=_phonology("b v g d z k l m n p r s t pr sl", "a o i u e", "- k r"),
        ),
        Language(
            *("qad", "Qad", "qad", "Greek", "VSO", "isolating"),
            adjective_first=False,
            articles=True,
            cognates=0.3,
            sound_changes=(("p", "f"), ("b", "p"), ("g", "k"), ("sh", "s"), ("ch", "h")),
            phonology=_phonology("p t k f s l r m n h w", "a e i o u", "- s n"),
        ),
        Language(
            *("qae", "Qae", "qae", "Georgian", "SOV", "agglutinative"),
            prepositions=False,
            wh_fronting=False,
            cognates=0.15,
            sound_changes=(("f", "p"), ("th", "t"), ("o", "u"), ("w", "v")),
            phonology=_phonology("b g d v z t k l m n r s c mt gv", "a e i o u", "- b l"),
        ),
        Language(
            *("qaf", "Qaf", "qaf", "Armenian", "VSO", "fusional"),
            adjective_first=False,
            copula=False,
            cognates=0.1,
            sound_changes=(("p", "h"), ("t", "d"), ("s", "z"), ("k", "g")),
            phonology=_phonology("b d g h j k l m n r s t v z", "a e i o u", "- r m t"),
        ),
        Language(
            *("qag", "Qag", "qag", "Latin", "SVO", "isolating"),
            adjective_first=False,
            copula=False,
            wh_fronting=False,
            phonology=_phonology("ng h k m t w p r f wh ny", "a e i o u ai ou", "- - ng"),
        ),
    )
}
CODES = tuple(LANGUAGES)  # English first


def language(code: str) -> Language:
    """Return the language of `code`; raise `InputError` naming an unknown one."""
    try:
        return LANGUAGES[code]
    except KeyError:
        known = ", ".join(LANGUAGES)
        raise InputError(f"unknown testbed language {code!r}: choose one of {known}") from None


# What is alike in all languages where morphology alone varies; and how it does.
_ALIKE = Language(
    *("", "", "", "Latin", "SVO", "isolating"),
    cognates=0.3,
    sound_changes=(("c", "k"), ("w", "v"), ("th", "t"), ("sh", "s")),
    phonology=_phonology("b d f g k l m n p r s t v z", "a e i o u", "- - n r s"),
)
_GRADED: dict[str, tuple[Literal["isolating", "agglutinative", "fusional"], tuple[str, ...]]] = {
    "qaa": ("fusional", ("nouns", "verbs")),
    "qab": ("agglutinative", ("nouns", "verbs")),
    "qac": ("fusional", ("nouns",)),
    "qad": ("isolating", ()),
    "qae": ("agglutinative", ("nouns",)),
    "qaf": ("fusional", ("verbs",)),
    "qag": ("agglutinative", ("verbs",)),
}


def spoken(language: Language, kind: Kind) -> Language:
    """Return the language as it is in a world of a kind (see `Kind`)."""
    if kind == "unrelated":
        return replace(language, cognates=0.0, own_names=True)
    if kind == "morphology" and language.code in _GRADED:
        morphology, inflected = _GRADED[language.code]
        return replace(
            _ALIKE,
            code=language.code,
            name=language.name,
            iso3=language.iso3,
            morphology=morphology,
            inflected=frozenset(inflected),
        )
    return language


def transliterate(text: str, script: str) -> str:
    """Write lower-case Latin `text` in `script`, letter for letter."""
    if script == "Latin":
        return text
    plain = text.replace("x", "ks").replace("q", "k")
    return plain.translate(str.maketrans(_LATIN, _SCRIPTS[script]))
