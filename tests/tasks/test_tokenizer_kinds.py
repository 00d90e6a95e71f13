"""What every format makes of rows, next to what transformers' own tokenizers make of them."""

import numpy as np
import pytest
from tokenizers.processors import TemplateProcessing

from stilts_repro.data.features import SEGMENT, TOKEN_PADDING
from stilts_repro.tasks.classification import Classification, Pair
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.multiple_choice import Choices, CommonsenseQA
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tagging import Tagged, Tagging
from stilts_repro.tasks.tokens import encode
from tests.tokenizing import KINDS, TEXTS, made

WHOLE = Limits(4096, max_question=512)
BERTS = ("cased", "uncased")
PAIRS = [*zip(TEXTS, TEXTS[3:], strict=False), ("", "Berlin"), ("People", ""), ("", "")]


@pytest.fixture(scope="module")
def tokenizers():
    return made()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def tokenizer(tokenizers, kind):
    return tokenizers[kind]


def sequences(features, column=None):
    flat = features.ids if column is None else features.token[column]
    return [part.tolist() for part in np.split(flat, features.offsets[1:-1])]


def same_as(features, told):
    """Assert the ids and segments of transformers' own encoding."""
    assert sequences(features) == told["input_ids"]
    assert features.truncated == 0
    segments = told.get("token_type_ids", [[0]])
    assert (SEGMENT in features.token) == any(map(any, segments))
    if SEGMENT in features.token:
        assert sequences(features, SEGMENT) == segments
        assert features.token[SEGMENT].dtype == np.int32


def without_end(tokenizer, pairs):
    """Two texts as a causal model's tokenizer joins them, with an end token between."""
    end = tokenizer.eos_token_id
    return [[*encode(tokenizer, [a])[0], end, *encode(tokenizer, [b])[0]] for a, b in pairs]


def told_of(tokenizer, kind, pairs):
    if kind == "causal":
        return {"input_ids": without_end(tokenizer, pairs)}
    return tokenizer([a for a, _ in pairs], [b for _, b in pairs])


# Ids and segments ---------------------------------------------------------------------------------


def test_pairs(tokenizer, kind):
    form = Classification("a", "b", "label", ("x", "y"))
    features = form.featurise([Pair(a, b, 0) for a, b in PAIRS], tokenizer, WHOLE)
    same_as(features, told_of(tokenizer, kind, PAIRS))
    assert (SEGMENT in features.token) == (kind in BERTS)


def test_choices(tokenizer, kind):
    endings = tuple(text for _, text in PAIRS[:5])
    examples = [Choices(TEXTS[0], endings, 2), Choices(TEXTS[5], endings[::-1], 0)]
    features = CommonsenseQA().featurise(examples, tokenizer, WHOLE)
    pairs = [(e.prompt, ending) for e in examples for ending in e.endings]
    same_as(features, told_of(tokenizer, kind, pairs))
    assert (features.group, len(features)) == (5, 2)


def test_questions(tokenizer, kind):
    examples = [Question(str(n), a, b, ()) for n, (a, b) in enumerate(PAIRS)]
    features = Span(unanswerable=True).featurise(examples, tokenizer, WHOLE)
    same_as(features, told_of(tokenizer, kind, PAIRS))


def test_single_texts(tokenizer):
    same_as(Retrieval(mining=False).featurise(TEXTS, tokenizer, WHOLE), tokenizer(TEXTS))


def test_a_text_without_a_token_is_an_end_token(tokenizers, kind):
    tokenizer = tokenizers[kind]
    (ids,) = sequences(Retrieval(mining=False).featurise([""], tokenizer, WHOLE))
    assert ids == (tokenizer("")["input_ids"] or [tokenizer.eos_token_id])


@pytest.mark.parametrize("kind", BERTS)
@pytest.mark.parametrize("length", [12, 17, 40])
def test_segments_of_what_is_cut_are_those_of_the_texts(tokenizers, kind, length):
    tokenizer = tokenizers[kind]
    form, sep = Classification("a", "b", "label", ("x",)), tokenizer.sep_token_id
    examples = [Pair(a, b, 0) for a, b in PAIRS]
    questions = [Question(str(n), a, b, ()) for n, (a, b) in enumerate(PAIRS)]
    limits = Limits(length, max_question=5, stride=3)
    for features in (
        form.featurise(examples, tokenizer, limits),
        Span(unanswerable=True).featurise(questions, tokenizer, limits),
    ):
        for ids, segments in zip(sequences(features), sequences(features, SEGMENT), strict=True):
            first = ids.index(sep) + 1
            assert segments == [0] * first + [1] * (len(ids) - first)
    windows = tokenizer(
        [q.question for q in questions[:8]],
        [q.context for q in questions[:8]],
        truncation="only_second",
        max_length=100,
        stride=10,
        return_overflowing_tokens=True,
    )
    first = np.unique(windows["overflow_to_sample_mapping"], return_index=True)[1]
    features = Span(unanswerable=True).featurise(questions[:8], tokenizer, Limits(100, 100, 50))
    mine = np.unique(features.unit["example"], return_index=True)[1]
    for column, theirs in ((None, "input_ids"), (SEGMENT, "token_type_ids")):
        assert [sequences(features, column)[n] for n in mine] == [windows[theirs][n] for n in first]


def test_one_texts_special_tokens_are_those_of_one_text(tokenizers):
    """Not those of two, where a tokenizer's templates differ; segments too (Funnel's are 2, 0)."""
    tokenizer = made(TEXTS[:2], 300)["cased"]
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in ("[CLS]", "[SEP]", "[MASK]")}
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:2 $A:0",
        pair="[CLS]:2 $A:0 [SEP]:0 [MASK]:1 $B:1 [SEP]:1",
        special_tokens=[*ids.items()],
    )
    same_as(Retrieval(mining=False).featurise(TEXTS[:2], tokenizer, WHOLE), tokenizer(TEXTS[:2]))
    words = ("People", "in", "Berlin")
    features = Tagging("w", "t", ("A",)).featurise([Tagged(words, "AAA")], tokenizer, WHOLE)
    same_as(features, tokenizer([" ".join(words)]))
    features = Classification("a", "b", "label", ("x",)).featurise(
        [Pair("in", "Berlin", 0)], tokenizer, WHOLE
    )
    same_as(features, tokenizer(["in"], ["Berlin"]))


# Words --------------------------------------------------------------------------------------------


SENTENCES = [
    *(text.split() for text in TEXTS if " " in text),
    ["2020", ",", "'s", "in", "“Berlin”", "...", "北京", "3", "x"],
]


def tagged(tokenizer, sentences, limits=WHOLE):
    form = Tagging("words", "tags", ("A", "B"))
    examples = [Tagged(tuple(words), tuple("B" * len(words))) for words in sentences]
    return form.featurise(examples, tokenizer, limits)


def test_words_are_tokenised_as_in_running_text(tokenizer):
    same_as(tagged(tokenizer, SENTENCES), tokenizer([" ".join(words) for words in SENTENCES]))


@pytest.mark.parametrize("kind", ["unigram", "cased", "uncased", "bytes_prefix", "t5"])
def test_words_are_tokenised_as_transformers_tokenises_words(tokenizers, kind):
    tokenizer = tokenizers[kind]
    told = tokenizer(SENTENCES, is_split_into_words=True)
    features = tagged(tokenizer, SENTENCES)
    same_as(features, told)
    for number, labels in enumerate(sequences(features, "label")):
        words = told.word_ids(number)
        first = [
            word is not None and word != before
            for word, before in zip(words, [None, *words], strict=False)
        ]
        assert [label != TOKEN_PADDING for label in labels] == first


def test_each_word_has_a_label_at_the_first_of_its_own_tokens(tokenizer, kind):
    features = tagged(tokenizer, SENTENCES)
    for words, ids, labels in zip(
        SENTENCES, sequences(features), sequences(features, "label"), strict=True
    ):
        starts = [place for place, label in enumerate(labels) if label != TOKEN_PADDING]
        ends = [*starts[1:], len(ids)]
        told = [
            tokenizer.decode(ids[low:high], skip_special_tokens=True).strip()
            for low, high in zip(starts, ends, strict=True)
        ]
        if kind in ("bytes", "bytes_prefix"):  # the others normalise, or have no token for some
            assert told == words
        assert len(told) == len(words)


@pytest.mark.parametrize("kind", ["bytes", "bytes_prefix", "causal"])
def test_a_split_sentence_has_the_tokens_of_the_whole_one(tokenizers, kind):
    tokenizer = tokenizers[kind]
    sentences = [words for words in SENTENCES if max(map(len, encode(tokenizer, words))) < 30]
    whole = encode(tokenizer, [" ".join(words) for words in sentences])
    features = tagged(tokenizer, sentences, Limits(33))
    around = len(tokenizer("")["input_ids"]) // 2
    found = [[] for _ in sentences]
    for sentence, ids in zip(features.unit["example"], sequences(features), strict=True):
        found[sentence] += ids[around : len(ids) - around]
    assert found == whole
    assert features.truncated > 5
