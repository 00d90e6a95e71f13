"""Tokens with their annotation, and how they are written as text."""

from collections.abc import Iterable
from typing import NamedTuple


class Token(NamedTuple):
    """One word: universal part of speech, IOB2 entity tag, and the slot that it helps to fill.

    `role` is a slot of the meaning ('agent', 'verb', 'patient', 'place', 'time', 'subject',
    'value') or empty; the adposition of a place or time has no role, so the tokens of one role in
    a sentence are what answers a question for it. `gloss` is the concept, for `describe`.
    """

    text: str
    upos: str
    ner: str = "O"
    role: str = ""
    gloss: str = ""


_UNSPACED = ".?,"
_BLANKS = tuple((f" {mark}", mark) for mark in _UNSPACED)


def text(tokens: Iterable[Token]) -> str:
    """Join tokens with blanks, none before '.', '?' or ','."""
    written = " ".join([token.text for token in tokens])
    for spaced, mark in _BLANKS:
        written = written.replace(spaced, mark)
    return written


def spans(tokens: Iterable[Token]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text as `text` does, and each token's half-open character span in it."""
    pieces: list[str] = []
    found: list[tuple[int, int]] = []
    length = 0
    for token in tokens:
        if pieces and token.text not in _UNSPACED:
            pieces.append(" ")
            length += 1
        found.append((length, length + len(token.text)))
        pieces.append(token.text)
        length += len(token.text)
    return "".join(pieces), found
