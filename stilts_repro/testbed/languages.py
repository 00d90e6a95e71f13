"""The eight languages, as one table: English, which tasks are learnt in, and seven invented ones.

Codes are from ISO 639's private-use range. What differs: script, word order, the order of
adjective and noun, adposition or case, morphology, sound changes, and the share of cognates.
"""

from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True)
class Phonology:
    """The syllable inventory from which stems and affixes are invented (in Latin letters)."""

    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]


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
    sound_changes: tuple[tuple[str, str], ...] = ()
    phonology: Phonology = field(default=Phonology((), (), ()))


def _letters(text: str) -> tuple[str, ...]:
    return tuple(text.split())


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
            phonology=Phonology(
                _letters("b d f g k l m n s t st br"), _letters("a e i o"), ("", "n", "r", "s")
            ),
        ),
        Language(
            *("qab", "Qab", "qab", "Latin", "SOV", "agglutinative"),
            prepositions=False,
            locative_case=True,
            wh_fronting=False,
            cognates=0.3,
            sound_changes=(("c", "k"), ("w", "v"), ("th", "t"), ("sh", "s"), ("ea", "i")),
            phonology=Phonology(
                _letters("k t p s h l m v j r n"), _letters("a e i u y"), ("", "", "k", "n", "l")
            ),
        ),
        Language(
            *("qac", "Qac", "qac", "Cyrillic", "SVO", "fusional"),
            adjective_first=False,
            gendered_pronouns=True,
            cognates=0.45,
            sound_changes=(("ch", "c"), ("e", "i"), ("sh", "s"), ("a", "o"), ("w", "v")),
            phonology=Phonology(
                _letters("b v g d z k l m n p r s t pr sl"), _letters("a o i u e"), ("", "k", "r")
            ),
        ),
        Language(
            *("qad", "Qad", "qad", "Greek", "VSO", "isolating"),
            adjective_first=False,
            articles=True,
            cognates=0.3,
            sound_changes=(("p", "f"), ("b", "p"), ("g", "k"), ("sh", "s"), ("ch", "h")),
            phonology=Phonology(
                _letters("p t k f s l r m n h w"), _letters("a e i o u"), ("", "s", "n")
            ),
        ),
        Language(
            *("qae", "Qae", "qae", "Georgian", "SOV", "agglutinative"),
            prepositions=False,
            wh_fronting=False,
            cognates=0.15,
            sound_changes=(("f", "p"), ("th", "t"), ("o", "u"), ("w", "v")),
            phonology=Phonology(
                _letters("b g d v z t k l m n r s c mt gv"), _letters("a e i o u"), ("", "b", "l")
            ),
        ),
        Language(
            *("qaf", "Qaf", "qaf", "Armenian", "VSO", "fusional"),
            adjective_first=False,
            copula=False,
            cognates=0.1,
            sound_changes=(("p", "h"), ("t", "d"), ("s", "z"), ("k", "g")),
            phonology=Phonology(
                _letters("b d g h j k l m n r s t v z"), _letters("a e i o u"), ("", "r", "m", "t")
            ),
        ),
        Language(
            *("qag", "Qag", "qag", "Latin", "SVO", "isolating"),
            adjective_first=False,
            copula=False,
            wh_fronting=False,
            phonology=Phonology(
                _letters("ng h k m t w p r f wh ny"), _letters("a e i o u ai ou"), ("", "", "ng")
            ),
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


def unrelated(language: Language) -> Language:
    """Return the language as it is where no two languages have a word in common."""
    return replace(language, cognates=0.0, own_names=True)


def transliterate(text: str, script: str) -> str:
    """Write lower-case Latin `text` in `script`, letter for letter."""
    if script == "Latin":
        return text
    plain = text.replace("x", "ks").replace("q", "k")
    return plain.translate(str.maketrans(_LATIN, _SCRIPTS[script]))
