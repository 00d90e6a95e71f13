from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.errors import InputError
from stilts_repro.tasks.classification import Pair
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.multiple_choice import Choices
from stilts_repro.tasks.retrieval import Retrieval
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tokens import cut_pair, encode
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.testbed import TestbedSource

START, PAD, END, UNKNOWN = range(4)
HEAD_EXTRA = 3  # <s> before the question, </s></s> after it


def sequences(features):
    return np.split(features.ids, features.offsets[1:-1])


def columns(features, name):
    return np.split(features.token[name], features.offsets[1:-1])


# Cutting ------------------------------------------------------------------------------------------


def cut_one_by_one(first, second, room, keep_end):
    """The rule as jiant says it: drop one token of the longer text (the first if equal)."""
    first, second = list(first), list(second)
    while len(first) + len(second) > room:
        longer = first if len(first) >= len(second) else second
        longer.pop(0 if keep_end else -1)
    return first, second


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), st.booleans())
def test_cut_pairs_fit_and_lose_the_longer_texts_far_end(a, b, room, keep_end):
    first, second = list(range(a)), list(range(100, 100 + b))
    cut = cut_pair(first, second, room, keep_end=keep_end)
    assert len(cut[0]) + len(cut[1]) == min(a + b, room)
    assert cut == cut_one_by_one(first, second, room, keep_end)


def test_long_pairs_keep_their_beginnings(tokenizer):
    form = TRAINING_SETS["mnli"].format
    words = " ".join(f"w{i}" for i in range(60))
    features = form.featurise([Pair(words, "he", 1), Pair("he", "she", 0)], tokenizer, Limits(20))
    full = tokenizer(words, add_special_tokens=False)["input_ids"]
    he, she = encode(tokenizer, ["he", "she"])
    long, short = (list(ids) for ids in sequences(features))
    assert long == [START, *full[: 16 - len(he)], END, END, *he, END]
    assert short == list(tokenizer("he", "she")["input_ids"]) == [START, *he, END, END, *she, END]
    assert (len(long), features.truncated) == (20, 1)
    assert features.unit["label"].tolist() == [1, 0]


def test_multiple_choice_keeps_the_end_of_prompt_and_ending(tokenizer):
    form = TRAINING_SETS["hellaswag"].format
    prompt = " ".join(f"p{i}" for i in range(40))
    long_ending = " ".join(f"e{i}" for i in range(40))
    example = Choices(prompt, ("he", "she", long_ending, "he she"), 2)
    features = form.featurise([example], tokenizer, Limits(24))
    asked, *endings = encode(tokenizer, [prompt, *example.endings])
    found = [list(ids) for ids in sequences(features)]
    assert (len(found), len(features), features.group, features.truncated) == (4, 1, 4, 4)
    for ids, ending in zip(found, endings, strict=True):
        kept = min(len(ending), 10)
        assert ids == [START, *asked[kept - 20 :], END, END, *ending[-kept:], END]
    assert features.unit["label"].tolist() == [2]


def test_sentences_are_cut_at_the_limit(tokenizer):
    text = " ".join(f"w{i}" for i in range(60))
    features = Retrieval(mining=False).featurise([text, "he"], tokenizer, Limits(12))
    long, short = sequences(features)
    assert list(long) == [START, *encode(tokenizer, [text])[0][:10], END]
    assert list(short) == list(tokenizer("he")["input_ids"])
    assert features.truncated == 1


# Spans --------------------------------------------------------------------------------------------


def windows_of(features, tokenizer, example):
    """Each window's context ids, and where they stand in the whole context."""
    head = len(encode(tokenizer, [example.question])[0]) + HEAD_EXTRA
    return [list(ids[head:-1]) for ids in sequences(features)], head


@pytest.mark.parametrize(("max_length", "stride"), [(128, 64), (40, 8), (32, 128), (24, 1)])
def test_windows_cover_the_context_and_hold_every_answer_that_fits(tokenizer, max_length, stride):
    """Neighbouring windows share room - step tokens: no longer answer is promised a window."""
    form, promised = Span(), 0
    rows = TestbedSource().load("google/xtreme", "MLQA.qac.qac", "validation", 25)
    for row in rows:
        example = replace(form.parse(row, "here"), question="he")
        features = form.featurise([example], tokenizer, Limits(max_length, stride=stride))
        whole = tokenizer(
            example.context, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        context = whole["input_ids"]
        windows, head = windows_of(features, tokenizer, example)
        room = max_length - head - 1
        step = min(stride, max(1, room // 2))
        assert features.unit["example"].tolist() == [0] * len(windows)
        assert all(len(ids) <= max_length for ids in sequences(features))
        for number, window in enumerate(windows):
            assert window == context[number * step : number * step + room]
        assert (len(windows) - 1) * step + len(windows[-1]) == len(context)
        assert all(len(window) == room for window in windows[:-1])
        text, start = example.answers[0]
        touched = sum(
            low < start + len(text) and high > start for low, high in whole["offset_mapping"]
        )
        if touched <= room - step + 1 or len(windows) == 1:
            assert (features.unit["start"] > 0).any(), (text, max_length, stride)
            promised += 1
    assert promised > (20 if stride < 128 else 0)


@pytest.mark.parametrize(("max_length", "stride"), [(40, 8), (40, 16), (33, 5)])
def test_an_answer_may_begin_in_one_window_only(tokenizer, max_length, stride):
    """Each token is open to a start where it has most context, by the SQuAD scripts' own rule."""
    context = " ".join(TestbedSource().load("google/xtreme", "XQuAD.en", "test", 1)[0]["context"])
    example = Question("q", "he", context, ((context[0], 0),))
    features = Span().featurise([example], tokenizer, Limits(max_length, stride=stride))
    windows, head = windows_of(features, tokenizer, example)
    starts = [column[head:-1] for column in columns(features, "char_start")]
    ends = [column[head:-1] for column in columns(features, "char_end")]
    spans = [(n * stride, n * stride + len(window)) for n, window in enumerate(windows)]
    assert len(spans) > 5
    for token in range(spans[-1][1]):
        scores = {
            number: min(token - low, high - token - 1) + 0.01 * (high - low)
            for number, (low, high) in enumerate(spans)
            if low <= token < high
        }
        best = max(scores, key=scores.get)  # the first of equals
        open_in = [n for n in scores if starts[n][token - spans[n][0]] >= 0]
        assert open_in == [best]
        assert all(ends[n][token - spans[n][0]] > 0 for n in scores)


@pytest.mark.parametrize("config", ["XQuAD.en", "XQuAD.qaa", "XQuAD.qag", "MLQA.qae.qae"])
def test_answers_come_back_from_character_offsets(tokenizer, config):
    form = Span()
    rows = TestbedSource().load("google/xtreme", config, "test", 60)
    examples = [form.parse(row, "here") for row in rows]
    features = form.featurise(examples, tokenizer, Limits(128, stride=64))
    answered = set()
    for number in range(len(features)):
        example = examples[features.unit["example"][number]]
        text, place = example.answers[0]
        low = features.offsets[number]
        start, end = (features.unit[side][number] for side in ("start", "end"))
        if start == 0:
            assert end == 0
            continue
        assert features.token["char_end"][low + end] == place + len(text)
        first = features.token["char_start"][low + start]
        assert first in (place, -1)  # -1: the answer may begin in another window
        if first == place:
            answered.add(features.unit["example"][number])
    # A long answer whose first token belongs to a window that it leaves is lost (SQuAD scripts).
    assert len(answered) >= 58


def test_offsets_are_told_for_the_context_only(tokenizer):
    example = Question("q", "he she", "he she he", (("she", 3),))
    features = Span().featurise([example], tokenizer, Limits(64))
    head = len(encode(tokenizer, ["he she"])[0]) + HEAD_EXTRA
    assert features.ids.tolist() == list(tokenizer("he she", "he she he")["input_ids"])
    for side in ("char_start", "char_end"):
        assert (features.token[side][:head] == -1).all()
        assert features.token[side][-1] == -1
        assert (features.token[side][head:-1] >= 0).all()


def test_unanswerable_questions_point_at_the_start(tokenizer):
    example = Question("q", "he", "she he", ())
    features = Span(unanswerable=True).featurise([example], tokenizer, Limits(64))
    assert (features.unit["start"].tolist(), features.unit["end"].tolist()) == ([0], [0])


def test_windows_without_the_whole_answer_point_at_the_start(tokenizer):
    context = " ".join(["he"] * 40) + " she " + " ".join(["he"] * 40)
    example = Question("q", "he", context, (("she", context.index("she")),))
    features = Span().featurise([example], tokenizer, Limits(40, stride=1))
    place = len(encode(tokenizer, [" ".join(["he"] * 40)])[0])
    windows, head = windows_of(features, tokenizer, example)
    she = len(encode(tokenizer, ["she"])[0])
    for number in range(len(windows)):
        low = number
        inside = low <= place and place + she <= low + len(windows[number])
        expected = (place - low + head, place - low + head + she - 1) if inside else (0, 0)
        assert (features.unit["start"][number], features.unit["end"][number]) == expected
    assert 0 < (features.unit["start"] > 0).sum() < len(windows)


def test_long_questions_are_cut(tokenizer):
    question = " ".join(["he"] * 30)
    example = Question("q", question, "she", (("she", 0),))
    features = Span().featurise([example], tokenizer, Limits(64, max_question=5))
    asked = encode(tokenizer, [question])[0][:5]
    assert (
        features.ids.tolist()[:9] == [START, *asked, END, END, *encode(tokenizer, ["she"])[0]][:9]
    )


def test_a_question_that_leaves_no_room_is_named(tokenizer):
    example = Question("q17", " ".join(["he"] * 30), "she", (("she", 0),))
    with pytest.raises(InputError, match=r"^question q17: the question alone fills .*max_length$"):
        Span().featurise([example], tokenizer, Limits(16))


def test_chinese_answers_come_back_exactly():
    context = "北京是中国的首都。上海在东海之滨，ﬁne Ａ。"
    tokenizer = train_tokenizer([" ".join(context + "哪里")], 100, 64)  # one piece a character
    for answer in ("上海", "中国", "东海之滨", "Ａ", "北京"):
        example = Question("q", "上海在哪里", context, ((answer, context.index(answer)),))
        features = Span().featurise([example], tokenizer, Limits(64))
        start, end = features.unit["start"][0], features.unit["end"][0]
        assert start > 0
        low, high = features.token["char_start"][start], features.token["char_end"][end]
        assert context[low:high] == answer


def test_a_blank_counted_into_a_word_is_taken_out():
    """Some tokenizers count the blank before a word in; answers must not begin with it."""
    vocabulary = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    vocabulary += [("▁he", -1.0), ("▁she", -1.0)]
    raw = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, cls_token="<s>", sep_token="</s>", pad_token="<pad>"
    )
    plain = tokenizer("he she", add_special_tokens=False, return_offsets_mapping=True)
    assert plain["offset_mapping"] == [(0, 2), (2, 6)], "the test needs a blank counted in"
    example = Question("q", "he", "he she", (("she", 3),))
    features = Span().featurise([example], tokenizer, Limits(64))
    start = features.unit["start"][0]
    assert features.token["char_start"][start] == 3
    assert features.token["char_end"][start] == 6
