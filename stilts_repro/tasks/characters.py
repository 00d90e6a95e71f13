"""Tokens and the characters of a text that each of them stands for, as an answer is cut out.

Tokenizers tell a token's characters by offsets. These hold blanks, and lack what was normalised
away: text cut out by them as they are is not always what the tokens stand for.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from transformers import PreTrainedTokenizerBase

BLANKS = np.array([place for place in range(0x3001) if chr(place).isspace()], np.uint32)  # all


@dataclass(frozen=True)
class Texts:
    """Tokenised texts end to end: ids [tokens], text i from `starts[i]`, `lengths[i]` long."""

    ids: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> "Texts":
        """Lay tokenised texts end to end."""
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        ids = np.fromiter(chain.from_iterable(sequences), np.int32, lengths.sum())
        return cls(ids, np.cumsum(lengths) - lengths, lengths)


def with_characters(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> tuple[Texts, np.ndarray, np.ndarray]:
    """Tokenise `texts`; return also each token's first character and the one after its last.

    These are the characters that an answer takes from the text where the token begins or ends it.
    """
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    tokens = Texts.of(encoded["input_ids"])
    pairs = chain.from_iterable(chain.from_iterable(encoded["offset_mapping"]))
    low, high = np.fromiter(pairs, np.int64, 2 * len(tokens.ids)).reshape(-1, 2).T
    # The character after each text is in no token: nothing reaches over it into the next text.
    held = "".join(f"{text}\0" for text in texts).encode("utf-32-le", "surrogatepass")
    sizes = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
    before = np.repeat(np.cumsum(sizes) - sizes, tokens.lengths)
    low, high = _own_characters(np.frombuffer(held, np.uint32), low + before, high + before)
    return tokens, low - before, high - before


def _own_characters(
    characters: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens' ranges without blanks at the ends, and with the characters that cling.

    Some tokenizers count blanks into a word's token, or have tokens of blanks alone: such a token
    begins with the word after it, and ends with the word before it.

    Normalisers drop characters and compose several into one, of which tokenizers count only the
    first: of text in NFD, or of Thai under an uncased BERT, the marks are in no token. They cling
    to the token right before them, or else (where a word begins) to the one right after.
    """
    size = len(characters)
    blank = np.isin(characters, BLANKS)
    tokens = np.cumsum(np.bincount(low, minlength=size) - np.bincount(high, minlength=size))
    covered = (tokens > 0) & ~blank
    lone = np.unique(characters[~covered & ~blank]).tolist()
    clings = ~covered & np.isin(characters, [c for c in lone if _clings(chr(c))])
    low, high = _next(blank)[low], _next(clings)[_last(blank)[high]]
    first = _last(clings)[low]
    return np.where(covered[first - 1], low, first), high


def _clings(character: str) -> bool:
    """Say whether a character may belong to its neighbour: no punctuation, blank or control."""
    category = unicodedata.category(character)
    return category[0] not in "PZ" and category != "Cc"


def _next(flags: np.ndarray) -> np.ndarray:
    """Return, for each place, the first from there that has no flag; the last place has none."""
    without = np.where(flags, len(flags), np.arange(len(flags)))
    return np.minimum.accumulate(without[::-1])[::-1]


def _last(flags: np.ndarray) -> np.ndarray:
    """Return, for each place, the one after the last before it that has no flag; 0 if all have."""
    after = np.where(flags, 0, np.arange(1, len(flags) + 1))
    return np.concatenate([[0], np.maximum.accumulate(after)])
