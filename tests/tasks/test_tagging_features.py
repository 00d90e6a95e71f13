from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.data.features import TOKEN_PADDING
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.tagging import MAX_PIECES, Tagged, Tagging
from stilts_repro.tasks.tokens import encode
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource

START, PAD, END, UNKNOWN = range(4)
HEAD_EXTRA = 3  # <s> before the question, </s></s> after it


def sequences(features):
    return np.split(features.ids, features.offsets[1:-1])


def columns(features, name):
    return np.split(features.token[name], features.offsets[1:-1])


def test_tags_stand_on_first_pieces_only(tokenizer):
    form = TRAINING_SETS["udpos_en"].format
    source = TestbedSource()
    rows = [
        row
        for config in ("udpos.English", "udpos.Qag")
        for row in source.load("google/xtreme", config, "validation", 20)
    ]
    examples = [form.parse(row, "here") for row in rows]
    features = form.featurise(examples, tokenizer, Limits(128))
    split = 0
    for example, ids, labels in zip(
        examples, sequences(features), columns(features, "label"), strict=True
    ):
        pieces = encode(tokenizer, example.words)
        split += any(len(piece) > 1 for piece in pieces)
        assert list(ids) == [START, *(i for piece in pieces for i in piece), END]
        starts = np.cumsum([1, *map(len, pieces[:-1])])
        assert [form.labels[label] for label in labels[starts]] == list(example.tags)
        assert (np.delete(labels, starts) == TOKEN_PADDING).all()
    assert split > 10  # words of several pieces were among them
    assert features.truncated == 0


def test_words_that_cannot_be_tokenised_are_one_unknown(tokenizer):
    form = Tagging("tokens", "tags", ("A", "B"))
    letters = "thelionsawher" * 40
    words = [letters[:size] for size in range(1, len(letters))]
    by_size = {len(ids): word for word, ids in zip(words, encode(tokenizer, words), strict=True)}
    words = (by_size[MAX_PIECES], by_size[MAX_PIECES + 1], "", "he")
    longest, _, nothing, last = encode(tokenizer, words)
    assert nothing == []
    features = form.featurise([Tagged(words, tuple("BBAB"))], tokenizer, Limits(128))
    assert features.ids.tolist() == [START, *longest, UNKNOWN, UNKNOWN, *last, END]
    labels = features.token["label"].tolist()
    assert labels[1 : MAX_PIECES + 4] == [1, *[TOKEN_PADDING] * (MAX_PIECES - 1), 1, 0, 1]


def test_a_sentence_that_does_not_fit_is_split_between_words(tokenizer):
    form = Tagging("tokens", "tags", ("A", "B"))
    words = tuple(["he"] * 5 + ["zqzqzqzq"] + ["he"])
    pieces = encode(tokenizer, words)
    fits = 2 + sum(map(len, pieces[:5]))
    examples = [Tagged(("she",), ("A",)), Tagged(words, tuple("AAAAABB")), Tagged(("he",), ("B",))]
    limit = fits + len(pieces[5]) - 1
    features = form.featurise(examples, tokenizer, Limits(limit))
    _, first, second, last = (ids.tolist() for ids in sequences(features))
    assert first == [START, *(i for piece in pieces[:5] for i in piece), END]
    assert second == [START, *(i for piece in pieces[5:] for i in piece), END]
    assert features.unit["example"].tolist() == [0, 1, 1, 2]
    assert [label[label >= 0].tolist() for label in columns(features, "label")] == [
        [0],
        [0] * 5,
        [1, 1],
        [1],
    ]
    assert len(columns(features, "label")[3]) == len(last)
    assert features.truncated == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["he", "she", "zqzqzqzq", "", "lion"]), min_size=1)),
    st.integers(6, 40),
)
def test_no_word_is_lost_and_sequences_are_as_full_as_words_allow(tokenizer, texts, limit):
    texts = [*texts, ["he"]]
    form = Tagging("tokens", "tags", tuple("ABCD"))
    examples = [
        Tagged(tuple(words), tuple("ABCD"[place % 4] for place in range(len(words))))
        for words in texts
    ]
    features = form.featurise(examples, tokenizer, Limits(limit))
    owners = features.unit["example"].tolist()
    assert owners == sorted(owners)
    tags = [[] for _ in texts]
    for owner, labels in zip(owners, columns(features, "label"), strict=True):
        assert 2 < len(labels) <= limit
        tags[owner] += [form.labels[label] for label in labels[labels >= 0]]
    assert tags == [list(example.tags) for example in examples]
    rows = list(zip(owners, sequences(features), columns(features, "label"), strict=True))
    for (owner, ids, _), (following, more, labels) in pairwise(rows):
        if owner == following:  # not even the next word would have gone in
            first, second = np.flatnonzero(np.append(labels, 0) != TOKEN_PADDING)[:2]
            end = second if second < len(more) else len(more) - 1
            assert len(ids) + end - first > limit
    whole = form.featurise(examples, tokenizer, Limits(10_000))
    for number, ids in enumerate(sequences(whole)):
        pieces = [ids for owner, ids, _ in rows if owner == number]
        if len(pieces) == 1 and len(ids) <= limit:
            assert pieces[0].tolist() == ids.tolist()
    assert features.truncated == sum(owners.count(number) > 1 for number in range(len(texts)))


def test_a_word_too_long_for_any_sequence_is_one_unknown(tokenizer):
    form = Tagging("tokens", "tags", ("A", "B"))
    word = "zqzqzqzqzqzq"
    limit = len(encode(tokenizer, [word])[0]) + 1
    features = form.featurise([Tagged((word,), ("B",))], tokenizer, Limits(limit))
    assert features.ids.tolist() == [START, UNKNOWN, END]
    assert features.token["label"].tolist() == [TOKEN_PADDING, 1, TOKEN_PADDING]


def test_an_open_tag_set_is_what_the_training_rows_hold(tokenizer):
    form = Tagging("tokens", "tags", None, metric="accuracy")
    train = [
        form.parse({"tokens": ["he", "runs"], "tags": tags}, "here")
        for tags in (["NP", "S\\NP"], ["N", "NP"])
    ]
    fitted = form.fitted(lambda: train)
    assert (fitted.labels, fitted.outputs) == (("N", "NP", "S\\NP"), 3)
    assert replace(fitted, labels=None) == form
    dev = form.parse({"tokens": ["he", "she"], "tags": ["NP", "never seen"]}, "here")
    labels = fitted.featurise([dev], tokenizer, Limits(64)).token["label"]
    assert labels[labels >= 0].tolist() == [1, 3]  # 3 is beyond the logits
    fixed = Tagging("tokens", "tags", ("A",))
    assert fixed.fitted(lambda: [Tagged(("he",), ("B",))]) is fixed
    for use in (lambda: form.outputs, lambda: form.featurise(train, tokenizer, Limits(64))):
        with pytest.raises(ValueError, match="column 'tags' are not known before `fitted`"):
            use()
