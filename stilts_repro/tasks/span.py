"""Extractive question answering: SQuAD 1.1 and 2.0, XQuAD, MLQA, TyDiQA-GoldP."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Limits, Row, encode, pair_ids, special_ids, take, take_list

NONE = -1  # no character offset: outside the context


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

    def featurise(
        self, examples: Sequence[Question], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Cut each context into overlapping windows, each read with its question.

        Unit columns: `question` (index into `examples`), `start` and `end` (token places of the
        first answer; 0, the `<s>`, where the window does not hold it whole). Token columns:
        `char_start` and `char_end`, offsets in the context; -1 where an answer may not begin or
        end.
        """
        specials = special_ids(tokenizer)
        questions = encode(tokenizer, [e.question for e in examples])
        contexts = tokenizer(
            [e.context for e in examples],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        sequences: list[list[int]] = []
        token: dict[str, list[list[int]]] = {"char_start": [], "char_end": []}
        unit: dict[str, list[int]] = {"question": [], "start": [], "end": []}
        for index, example in enumerate(examples):
            asked = questions[index][: limits.max_question]
            ids = contexts["input_ids"][index]
            offsets = _trimmed(contexts["offset_mapping"][index], example.context)
            answer = _token_span(example, offsets)
            head = len(asked) + 3
            windows = _windows(len(ids), limits.max_length - head - 1, limits.stride, example)
            owner = _owners(len(ids), windows)
            for number, (low, high) in enumerate(windows):
                sequences.append(pair_ids(asked, ids[low:high], specials))
                starts = [offsets[t][0] if owner[t] == number else NONE for t in range(low, high)]
                ends = [offsets[t][1] for t in range(low, high)]
                token["char_start"].append([*[NONE] * head, *starts, NONE])
                token["char_end"].append([*[NONE] * head, *ends, NONE])
                inside = answer is not None and low <= answer[0] and answer[1] < high
                unit["question"].append(index)
                unit["start"].append(answer[0] - low + head if inside and answer else 0)
                unit["end"].append(answer[1] - low + head if inside and answer else 0)
        return Features.of(sequences, token=token, unit=unit)


def _windows(length: int, room: int, stride: int, example: Question) -> list[tuple[int, int]]:
    """Return token ranges of at most `room` tokens, each starting `stride` after the last.

    Windows overlap by half at least: else an answer across a border would be whole in none.
    """
    if room <= 0:
        raise InputError(
            f"question {example.id}: the question alone fills the sequence; raise max_length"
        )
    step = min(stride, max(1, room // 2))
    starts = range(0, max(1, length - room + step), step)
    return [(start, min(start + room, length)) for start in starts]


def _owners(length: int, windows: Sequence[tuple[int, int]]) -> list[int]:
    """Return, for each token of a context, the window in which an answer may begin with it.

    That is the window with most context around the token (the rule of the SQuAD scripts, which
    jiant and XTREME follow): the smaller of the contexts left and right, and a little for length.
    """
    if len(windows) == 1:
        return [0] * length
    best = [(-1.0, 0)] * length
    for number, (low, high) in enumerate(windows):
        for token in range(low, high):
            around = min(token - low, high - 1 - token) + 0.01 * (high - low)
            if around > best[token][0]:
                best[token] = (around, number)
    return [number for _, number in best]


def _trimmed(offsets: Sequence[tuple[int, int]], context: str) -> list[tuple[int, int]]:
    """Take the blank before a word out of its token's range (some tokenizers count it in)."""
    return [
        (low + 1, high) if low + 1 < high and context[low].isspace() else (low, high)
        for low, high in offsets
    ]


def _token_span(example: Question, offsets: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the first answer's first and last token, None where it covers no token."""
    if not example.answers or not example.answers[0][0]:
        return None
    text, start = example.answers[0]
    end = start + len(text)
    touched = [i for i, (low, high) in enumerate(offsets) if low < end and high > start]
    return (touched[0], touched[-1]) if touched else None
