"""Tagging: one tag a word, predicted at the word's first sub-token (PAN-X, UD tags, CCG)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, ClassVar, Literal

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.errors import InputError
from stilts_repro.metrics.labels import accuracy, span_f1
from stilts_repro.tasks.format import Format, Limits, Scored, broken_units, field
from stilts_repro.tasks.heads import TaggingHead
from stilts_repro.tasks.taking import Names, Row, take, take_label, take_list
from stilts_repro.tasks.tokens import encode, end_of_text, specials_of

MAX_PIECES = 100  # a longer word is one unknown token (jiant)


@dataclass(frozen=True)
class Tagged:
    """Words and the name of each word's tag."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Tagging(Format):
    """A column of words and a column of tags; `labels` gives the order of the logits.

    `labels` is None where only the training rows say which tags there are (CCG has more than a
    thousand); `fitted` then gives the format that can be trained. `metric` is what the task is
    scored by: the F1 of spans (XTREME, for part of speech too) or the accuracy over words.
    """

    name = "tagging"
    head = TaggingHead
    classes = "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING"
    untranslatable: ClassVar = "a tag is a word's, and nothing tells which word became which"
    words: str
    tags: str
    labels: Names | None
    metric: Literal["f1", "accuracy"] = "f1"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.words, self.tags)

    @property
    def logit_names(self) -> Names:
        """The tags in the order of the logits; ValueError before `fitted` has found them."""
        if self.labels is None:
            raise ValueError(f"the tags of column {self.tags!r} are not known before `fitted`")
        return self.labels

    def fitted(self, examples: Callable[[], Sequence[Tagged]]) -> "Tagging":
        """Return the format with the tags of training examples; itself where they are fixed."""
        if self.labels is not None:
            return self
        return replace(self, labels=tuple(sorted({tag for e in examples() for tag in e.tags})))

    def parse(self, row: Row, where: str) -> Tagged:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        words = take_list(row, self.words, str, where)
        tags = take(row, self.tags, (list, tuple), where)
        if not words or len(words) != len(tags):
            raise InputError(
                f"{where}: {len(words)} words and {len(tags)} tags; give one tag a word"
            )
        return Tagged(tuple(words), tuple(self._tag_names(row, where)))

    def featurise(
        self, examples: Sequence[Tagged], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise word by word; a sentence that is too long becomes several sequences.

        It is split between words, each sequence filled before the next begins (XTREME; jiant cuts
        the rest off, and XTREME then scores words that were never predicted). A word has the tokens
        that it has in the whole sentence, wherever that is split. One that is too long for a
        sequence of its own is one unknown token.

        Unit column `example`: index into `examples`, rising. Token column `label`: the tag at each
        word's first sub-token, `TOKEN_PADDING` elsewhere; a tag that is none of `labels` has an
        index beyond all logits. `truncated` counts the sentences that were split.
        """
        specials = specials_of(tokenizer, 1)
        filler = tokenizer.unk_token_id
        unknown = [end_of_text(tokenizer) if filler is None else filler]
        room = specials.room(limits)
        before = [TOKEN_PADDING] * len(specials.start)
        after = [TOKEN_PADDING] * len(specials.end)
        index = {tag: place for place, tag in enumerate(self.logit_names)}
        pieces = iter(_encode_words(tokenizer, [e.words for e in examples]))
        sequences: list[list[int]] = []
        labels: list[list[int]] = []
        sentences: list[int] = []
        for number, example in enumerate(examples):
            words = [next(pieces) for _ in example.words]
            words = [ids if 0 < len(ids) <= min(MAX_PIECES, room) else unknown for ids in words]
            for low, high in _ranges([len(ids) for ids in words], room):
                tags = [*before]
                for ids, tag in zip(words[low:high], example.tags[low:high], strict=True):
                    tags += [index.get(tag, len(index)), *[TOKEN_PADDING] * (len(ids) - 1)]
                sequences.append(specials.single([i for ids in words[low:high] for i in ids]))
                labels.append([*tags, *after])
                sentences.append(number)
        split = {number for number, following in pairwise(sentences) if number == following}
        around = len(before) + len(after)
        return Features.of(
            sequences,
            token={
                "label": labels,
                **specials.segment_column([len(s) - around for s in sequences]),
            },
            unit={"example": sentences},
            truncated=len(split),
        )

    def predict(
        self, examples: Sequence[Tagged], features: Features, logits: np.ndarray
    ) -> list[list[str]]:
        """Return a tag for every word of every sentence, the pieces of a split sentence joined.

        Where the output is not finite it is "O".
        """
        names = self.logit_names
        sentences: list[list[str]] = [[] for _ in examples]
        broken = set(broken_units(logits).tolist())
        for unit, sentence in enumerate(features.unit["example"]):
            labels = features.token["label"][features.offsets[unit] : features.offsets[unit + 1]]
            places = np.flatnonzero(labels != TOKEN_PADDING)
            tags = [names[i] for i in logits[unit, places].argmax(axis=1)]
            sentences[sentence] += ["O"] * len(tags) if unit in broken else tags
        return sentences

    def gold(self, examples: Sequence[Tagged]) -> list[tuple[str, ...]]:
        """Return the tags of each sentence."""
        return [example.tags for example in examples]

    def score(
        self, examples: Sequence[Tagged], predictions: Sequence[Any], language: str
    ) -> Scored:
        """Score by the F1 of spans, with precision, recall and accuracy; or by accuracy alone."""
        gold = self.gold(examples)
        if self.metric == "accuracy":
            metrics = {"accuracy": accuracy([*chain(*gold)], [*chain(*predictions)])}
        else:
            metrics = vars(span_f1(gold, predictions)).copy()
        return Scored(metrics, list(predictions))

    def floor(self, examples: Sequence[Tagged], language: str) -> float:
        """Return the score of the commonest tag everywhere; of entities that is "O", with F1 0."""
        (tag, _), *_ = Counter(chain(*self.gold(examples))).most_common(1)
        constant = [[tag] * len(example.tags) for example in examples]
        return self.score(examples, constant, language).metrics[self.metric]

    def prediction_file(self, examples: Sequence[Tagged], predictions: Any) -> str:
        """Return a line a word, and an empty line between sentences."""
        return "\n".join("".join(f"{field(tag)}\n" for tag in tags) for tags in predictions)

    def _tag_names(self, row: Row, where: str) -> list[str]:
        if self.labels is not None:
            tags = take_list(row, self.tags, (int, str), where)
            names = {
                tag: self.labels[take_label({self.tags: tag}, self.tags, self.labels, where)]
                for tag in dict.fromkeys(tags)
            }
            return [names[tag] for tag in tags]
        tags = take_list(row, self.tags, str, where)
        if not all(tags):
            raise InputError(f"{where}: the tag of word {tags.index('')} is empty; name it")
        return [str(tag) for tag in tags]  # no `ClassName`, whatever the file holds


def _encode_words(
    tokenizer: PreTrainedTokenizerBase, sentences: Sequence[Sequence[str]]
) -> list[list[int]]:
    """Return the tokens that each word has in running text, blanks between the words.

    Where the blank is part of the word's tokens (byte-level BPE), all words but a sentence's first
    have it; elsewhere, as in unigram and WordPiece tokenizers, a word is the same alone.
    """
    first, plain, spaced, running = encode(tokenizer, ["a", "b", " b", "a b"])
    blank = " " if plain != spaced and running == [*first, *spaced] else ""
    return encode(
        tokenizer,
        [f"{blank if place else ''}{word}" for s in sentences for place, word in enumerate(s)],
    )


def _ranges(lengths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield the words, from and to (exclusive), of each sequence of at most `room` tokens."""
    low, used = 0, 0
    for word, length in enumerate(lengths):
        if used + length > room and word > low:
            yield low, word
            low, used = word, 0
        used += length
    yield low, len(lengths)
