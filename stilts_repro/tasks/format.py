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
    return value


def take_list(row: Row, column: str, kind: type, where: str) -> list[Any]:
    """Return a list column whose elements are all of `kind`, or raise `InputError`."""
    values = take(row, column, (list, tuple), where)
    for index, value in enumerate(values):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(
                f"{where}: column {column!r} holds {type(value).__name__} {value!r:.60} at place "
                f"{index}; give the hub data set's own type"
            )
    return list(values)


def take_label(row: Row, column: str, names: Sequence[str], where: str) -> int:
    """Return a label's index; the hub writes it as an index or as one of `names`."""
    value = take(row, column, (int, str), where)
    if isinstance(value, str) and value in names:
        return list(names).index(value)
    if isinstance(value, int) and 0 <= value < len(names):
        return value
    raise InputError(f"{where}: label {value!r} is none of {', '.join(names)}")


def special_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """Return the ids that open and close a sequence (`<s>` and `</s>` in XLM-R)."""
    first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    if first is None or last is None:
        raise InputError(
            f"tokenizer {tokenizer.name_or_path}: it has no sequence start or end token"
        )
    return first, last


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


def pair_ids(first: list[int], second: list[int], specials: tuple[int, int]) -> list[int]:
    """Join two texts as XLM-R was trained to read them: `<s> A </s></s> B </s>`."""
    start, end = specials
    return [start, *first, end, end, *second, end]


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
