"""How much of a language is in its word forms: measured on its text, and as grammars tell it.

On text it is the moving-average type-token ratio (Covington & McFall 2010): of eight measures of
morphological complexity on 63 languages, one component tells nearly all (Çöltekin & Rama 2022),
and this one does not hang on how much text there is. From grammars it is the mean of 28 features of
WALS, each from 0 (by words, or not at all) to 1 (by forms of a word), after Bentz et al. (2016),
whose choice of features it is. How each value counts is ours, and stands below.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from statistics import fmean

from stilts_repro.jsonio import read_json

WINDOW = 500  # words
# Written without blanks between words: there is nothing to count without a segmenter.
UNSPACED = frozenset({"zh", "ja", "th", "km", "lo", "my"})
WALS = Path(__file__).parent / "wals.json"
# By feature, what its values 1, 2, ... count for.
DEGREES: dict[str, tuple[float, ...]] = {
    "22A": tuple(n / 6 for n in range(7)),  # categories in a verb's form
    "26A": (0, 1, 0.5, 1, 0.5, 1),  # affixes: few, weakly, strongly
    "27A": (1, 0.5, 0),  # reduplication
    "28A": (0, 0.5, 0.5, 1),  # case: none, forms that fall together, forms of its own
    "29A": (0, 0.5, 1),  # person and number, likewise
    "30A": tuple(n / 4 for n in range(5)),  # genders
    "33A": (1, 1, 1, 1, 1, 1, 0, 0.5, 0),  # plural: in the word, by a word, a clitic, none
    "34A": tuple(n / 5 for n in range(6)),  # of how many nouns
    "37A": (0, 0, 1, 0, 0),  # definite affix
    "38A": (0, 0, 1, 0, 0),  # indefinite affix
    "49A": (*(n / 7 for n in range(8)), 1 / 7),  # cases
    "51A": (1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0),  # case: affix, clitic, none
    "57A": (1, 1, 1, 0),  # possessive affixes
    "59A": tuple(n / 3 for n in range(4)),  # classes of possession
    "65A": (1, 0),  # aspect
    "66A": (1 / 3, 2 / 3, 1, 0),  # past: its degrees of remoteness
    "67A": (1, 0),  # inflectional future
    "69A": (1, 1, 1, 1, 0),  # tense and aspect in affixes
    "70A": (1, 0.5, 0.5, 0.5, 0),  # imperatives
    "73A": (1, 0),  # inflectional optative
    "74A": (1, 0, 0),  # possibility by affixes
    "75A": (0, 1, 0),
    "78A": (0, 1, 1, 0, 0.5, 0.5),  # evidentials in the verb
    "94A": (0, 0, 0, 1, 0.5),  # subordination by a suffix
    "101A": (0, 1, 0.5, 0, 0, 0.5),  # subject in the verb
    "102A": (0, 0.5, 0.5, 0.5, 1),  # arguments marked on the verb
    "111A": (0, 1, 0, 1),  # morphological causative
    "112A": (1, 0, 0, 0, 0.5, 0),  # negative affix
}


@cache
def wals_complexity(code: str) -> float | None:
    """Return the mean degree of the language's features, in points; None of one with too few.

    Arabic's are of Egyptian Arabic, Quechua's of Imbabura.
    """
    entry = read_json(WALS)["languages"].get(code)
    if entry is None:
        return None
    return 100 * fmean(DEGREES[name][value - 1] for name, value in entry["values"].items())


def words_of(text: str) -> Iterator[str]:
    """Yield the words of `text`, in lower case: runs of letters and the marks that they carry.

    A regular expression's "word character" would not do: it breaks Devanagari at its vowels.
    """
    for letters, run in groupby(text.lower(), lambda c: unicodedata.category(c)[0] in "LM"):
        if letters:
            yield "".join(run)


def type_token_ratio(texts: Iterable[str], window: int = WINDOW) -> float | None:
    """Return the mean share of different words in all stretches of `window` words, in points.

    None where there are fewer words.
    """
    words = [word for text in texts for word in words_of(text)]
    if len(words) < window:
        return None
    held = Counter(words[:window])
    types, total = len(held), len(held)
    for old, new in zip(words, words[window:], strict=False):
        held[old] -= 1
        types -= held[old] == 0
        types += held[new] == 0
        held[new] += 1
        total += types
    return 100 * total / window / (len(words) - window + 1)
