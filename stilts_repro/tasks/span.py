"""Extractive question answering: SQuAD 1.1 and 2.0, XQuAD, MLQA, TyDiQA-GoldP."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features, ranges
from stilts_repro.errors import InputError
from stilts_repro.tasks.characters import Texts, with_characters
from stilts_repro.tasks.format import (
    Limits,
    Row,
    Specials,
    Text,
    encode,
    specials_of,
    take,
    take_list,
)

NONE = -1  # no character offset: outside the context
CHUNK = 1024  # questions featurised together: few enough for the arrays to stay in cache


@dataclass(frozen=True)
class Question:
    """A question on a context; answers as (text, character offset). None: unanswerable."""

    id: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]

    @property
    def withheld(self) -> bool:
        """Whether the only answer is empty text: labels that a publisher keeps back."""
        return bool(self.answers) and not any(text for text, _ in self.answers)


@dataclass(frozen=True)
class Span:
    """The SQuAD columns; `unanswerable` allows questions without an answer (SQuAD 2.0)."""

    metric: ClassVar = "f1_em"  # the mean of F1 and exact match
    columns: ClassVar = ("id", "context", "question", "answers")
    unanswerable: bool = False
    name: str = "span"

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives."""
        return 2

    def parse(self, row: Row, where: str) -> Question:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        identity = take(row, "id", str, where)
        where = f"{where} (id {identity})"
        context = take(row, "context", str, where)
        answers = take(row, "answers", dict, where)
        texts = take_list(answers, "text", str, where)
        starts = take_list(answers, "answer_start", int, where)
        if len(texts) != len(starts):
            raise InputError(f"{where}: {len(texts)} answer texts and {len(starts)} offsets")
        if not texts and not self.unanswerable:
            raise InputError(f"{where}: it has no answer, and this data set has no such questions")
        for text, start in zip(texts, starts, strict=True):
            if start < 0 or context[start : start + len(text)] != text:
                raise InputError(
                    f"{where}: answer {text!r:.60} is not at character {start} of its context; "
                    "mend answer_start"
                )
        answers = tuple(zip(texts, starts, strict=True))
        return Question(identity, take(row, "question", str, where), context, answers)

    def texts(self, row: Row, where: str) -> list[Text]:
        """Return the question, and the context with its answers, for a translator."""
        asked = self.parse(row, where)
        answers = tuple((start, start + len(text)) for text, start in asked.answers)
        return [Text(asked.question), Text(asked.context, answers)]

    def with_texts(
        self, row: Row, texts: Sequence[Text], counts: Counter[str]
    ) -> dict[str, Any] | None:
        """Return the row with a translated question, context, and the answers that are in it.

        None, counted as `answer not found`, where it has answers and none of them is.
        """
        question, context = texts
        places = context.answers or ()
        if row["answers"]["text"] and not places:
            counts["answer not found"] += 1
            return None
        answers = {
            **row["answers"],
            "text": [context.text[low:high] for low, high in places],
            "answer_start": [low for low, _ in places],
        }
        return {**row, "question": question.text, "context": context.text, "answers": answers}

    def featurise(
        self, examples: Sequence[Question], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Cut each context into overlapping windows, each read with its question.

        Unit columns: `question` (index into `examples`), `start` and `end` (token places of the
        first answer; 0, the `<s>`, where the window does not hold it whole). Token columns:
        `char_start` and `char_end`, offsets in the context; -1 where an answer may not begin or
        end.
        """
        specials = specials_of(tokenizer)
        parts = [
            _featurise(examples[at : at + CHUNK], at, tokenizer, limits, specials)
            for at in range(0, len(examples), CHUNK)
        ]
        return Features.joined(parts)


def _featurise(
    examples: Sequence[Question],
    first: int,
    tokenizer: PreTrainedTokenizerBase,
    limits: Limits,
    specials: Specials,
) -> Features:
    """Return the windows of `examples`, which are numbered from `first`."""
    questions = Texts.of(
        [ids[: limits.max_question] for ids in encode(tokenizer, [e.question for e in examples])]
    )
    # Several questions read one context: it is tokenised once.
    distinct = {context: place for place, context in enumerate({e.context: 0 for e in examples})}
    contexts, low, high = with_characters(tokenizer, list(distinct))
    read = np.array([distinct[e.context] for e in examples])
    start, length = contexts.starts[read], contexts.lengths[read]

    opening = len(specials.start)
    head = opening + questions.lengths + len(specials.middle)
    room = limits.max_length - head - len(specials.end)
    for example in np.flatnonzero(room <= 0)[:1]:
        raise InputError(
            f"question {examples[example].id}: the question alone fills the sequence; "
            "raise max_length"
        )
    # Windows overlap by half at least: else an answer across a border would be whole in none.
    step = np.minimum(limits.stride, np.maximum(1, room // 2))
    count = -(-np.maximum(1, length - room + step) // step)
    of = np.repeat(np.arange(len(examples)), count)  # each window's example
    window_low = _places(count) * step[of]
    window_high = np.minimum(window_low + room[of], length[of])
    width = window_high - window_low

    offsets = np.concatenate([[0], np.cumsum(head[of] + width + len(specials.end))])
    ids = np.empty(offsets[-1], np.int32)
    for place, tokens in (
        (offsets[:-1], specials.start),
        (offsets[:-1] + opening + questions.lengths[of], specials.middle),
        (offsets[1:] - len(specials.end), specials.end),
    ):
        for nth, special in enumerate(tokens):
            ids[place + nth] = special
    asked = ranges(offsets[:-1] + opening, questions.lengths[of])
    ids[asked] = questions.ids[ranges(questions.starts[of], questions.lengths[of])]
    there = ranges(offsets[:-1] + head[of], width)  # places of context tokens in the sequences
    token = ranges(start[of] + window_low, width)  # the same tokens in the contexts
    ids[there] = contexts.ids[token]

    opens = _opens(window_low, window_high, of, length)
    char_start = np.full(offsets[-1], NONE, np.int32)
    char_start[there] = np.where(opens, low[token], NONE)
    char_end = np.full(offsets[-1], NONE, np.int32)
    char_end[there] = high[token]

    answered, answer_low, answer_high = _answers(examples, start, length, low, high)
    inside = answered[of] & (window_low <= answer_low[of]) & (answer_high[of] < window_high)
    shift = head[of] - window_low
    return Features(
        ids=ids,
        offsets=offsets,
        token={
            "char_start": char_start,
            "char_end": char_end,
            **specials.segment_column(questions.lengths[of], width),
        },
        unit={
            "question": of + first,
            "start": np.where(inside, answer_low[of] + shift, 0),
            "end": np.where(inside, answer_high[of] + shift, 0),
        },
    )


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
    found = [e.answers[0] if e.answers and e.answers[0][0] else None for e in examples]
    # No token ends after, or begins before, the characters given to what has no answer.
    begin = np.array([answer[1] if answer else np.iinfo(np.int32).max for answer in found])
    end = np.array([answer[1] + len(answer[0]) if answer else -1 for answer in found])
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
