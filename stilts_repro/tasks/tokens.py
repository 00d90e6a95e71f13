"""From texts to tokens: special tokens, what is cut where texts are too long, features of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import SEGMENT, Features
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Limits


@dataclass(frozen=True)
class Specials:
    """The special tokens before the first text, between two texts, and after the last one.

    `segments` are the segment ids (`token_type_ids`) of all these and of each text, in the order of
    a sequence; () where the tokenizer makes none, or all are 0.
    """

    start: tuple[int, ...]
    middle: tuple[int, ...]
    end: tuple[int, ...]
    segments: tuple[int, ...] = ()

    def room(self, limits: Limits) -> int:
        """Return how many tokens are left for the text, or both texts."""
        return limits.max_length - len(self.start) - len(self.middle) - len(self.end)

    def single(self, text: Sequence[int]) -> list[int]:
        """Return one text as the model was trained to read it: `<s> A </s>` for XLM-R."""
        return self.pair(text, ())

    def pair(self, first: Sequence[int], second: Sequence[int]) -> list[int]:
        """Return two texts as the model reads them: `<s> A </s></s> B </s>` for XLM-R."""
        return [*self.start, *first, *self.middle, *second, *self.end]

    def segments_of(self, *texts: Sequence[int]) -> np.ndarray:
        """Return the segment id of each token of a sequence of one text, or of two."""
        told = self.segment_column(*([len(text)] for text in texts))
        length = len(self.start) + len(self.middle) + len(self.end) + sum(map(len, texts))
        return told.get(SEGMENT, np.zeros(length, np.int32))

    def segment_column(self, *lengths: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the token column of segment ids, by its name; {} where there is none to tell.

        `lengths` are the tokens of the first text of each sequence, and of the second.
        """
        if not self.segments:
            return {}
        counts = np.ones((len(lengths[0]), len(self.segments)), np.int64)
        texts = (len(self.start), len(self.start) + 1 + len(self.middle))
        for place, tokens in zip(texts, lengths, strict=False):
            counts[:, place] = tokens
        kinds = np.tile(np.array(self.segments, np.int32), len(counts))
        return {SEGMENT: np.repeat(kinds, counts.ravel())}


def specials_of(tokenizer: PreTrainedTokenizerBase, texts: Literal[1, 2] = 2) -> Specials:
    """Return the special tokens that `tokenizer` puts around one text, or around two.

    One that puts none between two (most causal models) gets its end token there, so that the texts
    do not run into each other. Raises `InputError` where it has none.
    """
    probe = ["a", "b"][:texts]
    encoded = tokenizer(*probe)
    ids = list(encoded["input_ids"])
    kinds = list(encoded.get("token_type_ids") or [0] * len(ids))
    specials: list[tuple[int, ...]] = []
    segments: list[int] = []
    at = 0
    for text in encode(tokenizer, probe):
        place = _place(ids, text, at)
        specials.append(tuple(ids[at:place]))
        segments += kinds[at : place + 1]
        at = place + len(text)
    if specials[1:] == [()]:
        specials[1] = (end_of_text(tokenizer),)
        segments.insert(-1, segments[-2])
    segments += kinds[at:]
    start, middle = (*specials, ())[:2]
    return Specials(start, middle, tuple(ids[at:]), tuple(segments) if any(segments) else ())


def end_of_text(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token that ends a text; `InputError` where `tokenizer` has none."""
    for token in (tokenizer.sep_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise InputError(
        f"tokenizer {tokenizer.name_or_path}: it has no token to put between two texts"
    )


def _place(ids: Sequence[int], part: Sequence[int], begin: int) -> int:
    """Return where `part` begins in `ids`, not before `begin`."""
    return next(i for i in range(begin, len(ids)) if list(ids[i : i + len(part)]) == list(part))


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Tokenise `texts` without special tokens and without cutting; equal texts share one list.

    Words, premises and contexts come many times over: each distinct text is tokenised once.
    """
    if not texts:
        return []
    distinct = list(dict.fromkeys(texts))
    ids = tokenizer(distinct, add_special_tokens=False, return_attention_mask=False, verbose=False)[
        "input_ids"
    ]
    of = dict(zip(distinct, ids, strict=True))
    return [of[text] for text in texts]


def cut_pair(
    first: list[int], second: list[int], room: int, *, keep_end: bool = False
) -> tuple[list[int], list[int]]:
    """Shorten the longer text until both fit into `room` tokens (jiant's rule).

    `keep_end` keeps the end of each text instead of its beginning: multiple choice does that, since
    the words next to the ending matter most.
    """
    excess = max(0, len(first) + len(second) - room)
    from_first = min(excess, max(0, len(first) - len(second)))
    from_second = min(excess, max(0, len(second) - len(first)))
    rest = excess - from_first - from_second
    from_first += (rest + 1) // 2
    from_second += rest // 2
    if keep_end:
        return first[from_first:], second[from_second:]
    return first[: len(first) - from_first], second[: len(second) - from_second]


def single_features(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, limits: Limits
) -> Features:
    """Tokenise single texts, `<s> A </s>`, cut at the length limit.

    What would have no token at all (empty text, under a causal model) has the end token.
    """
    specials = specials_of(tokenizer, 1)
    room = specials.room(limits)
    pieces = encode(tokenizer, texts)
    sequences = [specials.single(ids[:room]) or [end_of_text(tokenizer)] for ids in pieces]
    return Features.of(
        sequences,
        token=specials.segment_column([min(len(ids), room) for ids in pieces]),
        truncated=sum(len(ids) > room for ids in pieces),
    )


def pair_features(
    pairs: Sequence[tuple[str, str]],
    labels: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    limits: Limits,
    *,
    group: int = 1,
    keep_end: bool = False,
) -> Features:
    """Tokenise pairs of texts, `<s> A </s></s> B </s>`; the longer text is cut. Unit: `label`.

    `group` pairs are a unit; `keep_end` as `cut_pair` says.
    """
    specials = specials_of(tokenizer)
    room = specials.room(limits)
    first, second = (encode(tokenizer, [pair[side] for pair in pairs]) for side in (0, 1))
    whole = list(zip(first, second, strict=True))
    cut = [cut_pair(a, b, room, keep_end=keep_end) for a, b in whole]
    return Features.of(
        [specials.pair(a, b) for a, b in cut],
        group=group,
        token=specials.segment_column([len(a) for a, _ in cut], [len(b) for _, b in cut]),
        unit={"label": labels},
        truncated=sum(len(a) + len(b) > room for a, b in whole),
    )
