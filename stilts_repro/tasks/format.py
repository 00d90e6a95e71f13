"""What every task format offers, and the checks that its rows go through.

A *format* turns rows into examples and examples into features. It is written once and serves every
task of that format, whatever the source. How a head reads the features is in `models.heads`, how
predictions are scored in `evaluation.scoring`; both are looked up by the format's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError

Row = Mapping[str, Any]
Example = Any  # one of the formats' own frozen dataclasses


@dataclass(frozen=True)
class Limits:
    """Lengths in tokens: of a sequence, of a question, of the step from window to window."""

    max_length: int
    max_question: int = 64
    stride: int = 128


class Format(Protocol):
    """One kind of task."""

    @property
    def name(self) -> str:
        """The format's name; heads and scores are looked up by it."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads of a row; there may be others."""
        ...

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives."""
        ...

    def parse(self, row: Row, where: str) -> Example:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        ...

    def featurise(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise `examples`."""
        ...


def take(row: Row, column: str, kind: type | tuple[type, ...], where: str) -> Any:
    """Return `row[column]`, or raise `InputError` where it is absent or of another type."""
    if column not in row:
        raise InputError(
            f"{where}: no column {column!r} (it has {', '.join(map(repr, row))}); "
            "give the hub data set's own columns"
        )
    value = row[column]
    if not isinstance(value, kind):
        raise InputError(
            f"{where}: column {column!r} holds {type(value).__name__} {value!r:.60}; "
            "give the hub data set's own type"
        )
    refuse_half(value, column, where)
    return value


def take_list(row: Row, column: str, kind: type | tuple[type, ...], where: str) -> list[Any]:
    """Return a list column whose elements are all of `kind`, or raise `InputError`."""
    values = take(row, column, (list, tuple), where)
    for index, value in enumerate(values):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(
                f"{where}: column {column!r} holds {type(value).__name__} {value!r:.60} at place "
                f"{index}; give the hub data set's own type"
            )
    if kind is str:
        refuse_half("".join(values), column, where)
    return list(values)


def refuse_half(value: Any, column: str, where: str) -> None:
    """Raise `InputError` for text that UTF-8 cannot hold: half of a pair of surrogates."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where}: column {column!r} holds half a character, {value[error.start]!a}; mend "
                "the text"
            ) from None


@dataclass(frozen=True)
class Specials:
    """The special tokens before the first text, between two texts, and after the last one."""

    start: tuple[int, ...]
    middle: tuple[int, ...]
    end: tuple[int, ...]

    def room(self, limits: Limits, texts: int = 2) -> int:
        """Return how many tokens are left for one text or two."""
        between = len(self.middle) if texts == 2 else 0
        return limits.max_length - len(self.start) - between - len(self.end)

    def single(self, text: Sequence[int]) -> list[int]:
        """Return one text as the model was trained to read it: `<s> A </s>` for XLM-R."""
        return [*self.start, *text, *self.end]

    def pair(self, first: Sequence[int], second: Sequence[int]) -> list[int]:
        """Return two texts as the model reads them: `<s> A </s></s> B </s>` for XLM-R."""
        return [*self.start, *first, *self.middle, *second, *self.end]


def specials_of(tokenizer: PreTrainedTokenizerBase) -> Specials:
    """Return the special tokens that `tokenizer` puts around a pair of texts.

    One that puts none between them (most causal models) gets its end token there, so that the
    texts do not run into each other. Raises `InputError` where it has none.
    """
    first, second = encode(tokenizer, ["a", "b"])
    joined = list(tokenizer("a", "b")["input_ids"])
    at = _place(joined, first, 0)
    then = _place(joined, second, at + len(first))
    start, middle = joined[:at], joined[at + len(first) : then]
    if not middle:
        ends = (tokenizer.sep_token_id, tokenizer.eos_token_id)
        middle = [token for token in ends if token is not None][:1]
    if not middle:
        raise InputError(
            f"tokenizer {tokenizer.name_or_path}: it has no token to put between two texts"
        )
    return Specials(tuple(start), tuple(middle), tuple(joined[then + len(second) :]))


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
