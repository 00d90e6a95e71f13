"""Tagging: one tag a word, predicted at the word's first sub-token (PAN-X, UD part of speech)."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Limits, Row, encode, special_ids, take, take_label, take_list

MAX_PIECES = 100  # a longer word is one unknown token (jiant)


@dataclass(frozen=True)
class Tagged:
    """Words and the index of each word's tag."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True)
class Tagging:
    """A column of words and a column of tags; `labels` gives the order of the logits."""

    words: str
    tags: str
    labels: tuple[str, ...]
    name: str = "tagging"

    @property
    def outputs(self) -> int:
        """Number of logits that the head gives."""
        return len(self.labels)

    def parse(self, row: Row, where: str) -> Tagged:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        words = take_list(row, self.words, str, where)
        tags = take(row, self.tags, (list, tuple), where)
        if not words or len(words) != len(tags):
            raise InputError(
                f"{where}: {len(words)} words and {len(tags)} tags; give one tag a word"
            )
        labels = tuple(take_label({self.tags: tag}, self.tags, self.labels, where) for tag in tags)
        return Tagged(tuple(words), labels)

    def featurise(
        self, examples: Sequence[Tagged], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise word by word; words that do not fit into the sequence are cut off (jiant).

        Token column `label`: the tag at each word's first sub-token, `TOKEN_PADDING` elsewhere.
        """
        start, end = special_ids(tokenizer)
        pieces = encode(tokenizer, [word for e in examples for word in e.words])
        unknown = [tokenizer.unk_token_id if tokenizer.unk_token_id is not None else end]
        sequences, labels, truncated, word = [], [], 0, 0
        for example in examples:
            ids, tags = [start], [TOKEN_PADDING]
            words = pieces[word : word + len(example.words)]
            word += len(example.words)
            for piece, tag in zip(words, example.tags, strict=True):
                piece = piece if 0 < len(piece) <= MAX_PIECES else unknown
                if len(ids) + len(piece) + 1 > limits.max_length:
                    truncated += 1
                    break
                ids += piece
                tags += [tag, *[TOKEN_PADDING] * (len(piece) - 1)]
            sequences.append([*ids, end])
            labels.append([*tags, TOKEN_PADDING])
        return Features.of(sequences, token={"label": labels}, truncated=truncated)
