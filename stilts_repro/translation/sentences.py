"""Sentences of English text, and texts put together again in another language.

The rule is simple on purpose: a sentence that is cut in two, or two that are left in one, are
translated all the same; nothing that is scored depends on where the cuts are.
"""

import re
from collections.abc import Sequence

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


def cut(text: str, whole: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Return where the sentences of an English `text` begin and end, blanks between them left out.

    A sentence ends with '.', '!' or '?' and a blank; not after an initial or a common abbreviation,
    and not inside any of the half-open ranges of characters `whole`.
    """
    found: list[tuple[int, int]] = []
    begin = 0
    for end in _END.finditer(text):
        after = end.start(1)
        inside = any(low < end.end() and after < high for low, high in whole)
        if not (inside or _abbreviated(text, end.start())):
            found.append((begin, after))
            begin = end.end()
    if begin < len(text):
        found.append((begin, len(text)))
    return found


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
