"""How much of a language is in its word forms, measured on its text.

The moving-average type-token ratio (Covington & McFall 2010): of eight measures of morphological
complexity on 63 languages, one component tells nearly all (Çöltekin & Rama 2022), and this one
does not hang on how much text there is.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

WINDOW = 500  # words
# Written without blanks between words: there is nothing to count without a segmenter.
UNSPACED = frozenset({"zh", "ja", "th", "km", "lo", "my"})


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
