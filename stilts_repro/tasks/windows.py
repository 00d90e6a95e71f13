"""Questions on contexts, cut into overlapping windows, with the characters of every token.

An answer is cut out of its context by characters, and tokenizers tell a token's characters by
offsets. These hold blanks, and lack what was normalised away: text cut out by them as they are is
not always what the tokens stand for.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features, ranges
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.tokens import Specials, encode

NONE = -1  # no character offset: outside the context
BLANKS = np.array([place for place in range(0x3001) if chr(place).isspace()], np.uint32)  # all


@dataclass(frozen=True)
class Question:
    """A question on a context; answers as (text, character offset). None: unanswerable."""

    id: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]


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


def windows_of(
    examples: Sequence[Question],
    first: int,
    tokenizer: PreTrainedTokenizerBase,
    limits: Limits,
    specials: Specials,
) -> Features:
    """Return the windows of `examples`, numbered from `first`; columns as `Span.featurise` says."""
    # Tokens of questions and contexts. Several questions read one context: it is tokenised once.
    questions = Texts.of(
        [ids[: limits.max_question] for ids in encode(tokenizer, [e.question for e in examples])]
    )
    distinct = {context: place for place, context in enumerate({e.context: 0 for e in examples})}
    contexts, low, high = with_characters(tokenizer, list(distinct))
    read = np.array([distinct[e.context] for e in examples])
    start, length = contexts.starts[read], contexts.lengths[read]

    # Windows: what of its context each reads, after its question.
    head = len(specials.start) + questions.lengths + len(specials.middle)
    room = limits.max_length - head - len(specials.end)
    for example in np.flatnonzero(room <= 0)[:1]:
        raise InputError(
            f"question {examples[example].id}: the question alone fills the sequence; "
            "raise max_length"
        )
    of, window_low, window_high = _cut(length, room, limits.stride)
    width = window_high - window_low

    # Sequences: the special tokens, the question, the window's tokens.
    offsets = np.concatenate([[0], np.cumsum(head[of] + width + len(specials.end))])
    ids = np.empty(offsets[-1], np.int32)
    for place, tokens in (
        (offsets[:-1], specials.start),
        (offsets[:-1] + (head - len(specials.middle))[of], specials.middle),
        (offsets[1:] - len(specials.end), specials.end),
    ):
        for nth, special in enumerate(tokens):
            ids[place + nth] = special
    asked = ranges(offsets[:-1] + len(specials.start), questions.lengths[of])
    ids[asked] = questions.ids[ranges(questions.starts[of], questions.lengths[of])]
    there = ranges(offsets[:-1] + head[of], width)  # places of context tokens in the sequences
    token = ranges(start[of] + window_low, width)  # the same tokens in the contexts
    ids[there] = contexts.ids[token]

    # Where an answer may begin and end, and where the first answer does, if the window holds it.
    opens = _opens(window_low, window_high, of, length)
    characters = np.full((2, offsets[-1]), NONE, np.int32)
    characters[:, there] = np.where(opens, low[token], NONE), high[token]
    answered, answer_low, answer_high = _answers(examples, start, length, low, high)
    inside = answered[of] & (window_low <= answer_low[of]) & (answer_high[of] < window_high)
    shift = head[of] - window_low
    columns = {"char_start": characters[0], "char_end": characters[1]}
    columns |= specials.segment_column(questions.lengths[of], width)
    unit = {
        "example": of + first,
        "start": np.where(inside, answer_low[of] + shift, 0),
        "end": np.where(inside, answer_high[of] + shift, 0),
    }
    return Features(ids, offsets, token=columns, unit=unit)


def _cut(
    length: np.ndarray, room: np.ndarray, stride: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each window's example, and its first token of the context and the one after its last.

    Windows overlap by half at least: else an answer across a border would be whole in none.
    `length` and `room` run along the examples: the tokens of its context, and of a window.
    """
    step = np.minimum(stride, np.maximum(1, room // 2))
    count = -(-np.maximum(1, length - room + step) // step)
    of = np.repeat(np.arange(len(length)), count)
    low = _places(count) * step[of]
    return of, low, np.minimum(low + room[of], length[of])


def _opens(low: np.ndarray, high: np.ndarray, of: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Say of each token of each window whether an answer may begin there.

    It may in one window: that with most context around the token (the rule of the SQuAD scripts,
    which jiant and XTREME follow): the smaller of the contexts left and right, and a little for
    length; the first of equals. `low`, `high` and `of` (the example) run along the windows,
    `length` along the examples.
    """
    width = high - low
    place = _places(width)
    left_and_right = np.minimum(place, np.repeat(width, width) - 1 - place)
    around = left_and_right + np.repeat(0.01 * width, width)
    token = ranges((np.cumsum(length) - length)[of] + low, width)
    best = np.full(length.sum(), -1.0)
    np.maximum.at(best, token, around)
    window = np.repeat(np.arange(len(low)), width)
    winner = np.full(len(best), len(low))
    most = around == best[token]
    np.minimum.at(winner, token[most], window[most])
    return winner[token] == window


def _answers(
    examples: Sequence[Question],
    start: np.ndarray,
    length: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return whether each first answer covers a token, and the first and last it touches.

    `start` and `length` say where an example's context lies in `low` and `high`, the tokens' ranges
    of characters; the tokens returned count from the context's first.
    """
    answers = [e.answers[0] if e.answers and e.answers[0][0] else None for e in examples]
    # No token ends after, or begins before, the characters given to what has no answer.
    begin = np.array([answer[1] if answer else np.iinfo(np.int32).max for answer in answers])
    end = np.array([answer[1] + len(answer[0]) if answer else -1 for answer in answers])
    token = ranges(start, length)
    touched = np.flatnonzero(
        (low[token] < np.repeat(end, length)) & (high[token] > np.repeat(begin, length))
    )
    base = np.cumsum(length) - length
    first = np.searchsorted(touched, base)
    after = np.searchsorted(touched, base + length)
    answered = after > first
    padded = np.append(touched, 0)
    return answered, padded[first] - base, padded[after - 1] - base


def _places(lengths: np.ndarray) -> np.ndarray:
    """Return 0, 1, ... for each of `lengths`, end to end."""
    return ranges(np.zeros_like(lengths), lengths)


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
    characters = "".join(f"{text}\0" for text in texts).encode("utf-32-le", "surrogatepass")
    sizes = np.fromiter((len(text) + 1 for text in texts), np.int64, len(texts))
    before = np.repeat(np.cumsum(sizes) - sizes, tokens.lengths)
    low, high = _own_characters(np.frombuffer(characters, np.uint32), low + before, high + before)
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
