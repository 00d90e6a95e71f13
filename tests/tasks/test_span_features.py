"""`Span.featurise` against the same thing written token by token, on invented and real rows."""

import unicodedata

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from stilts_repro.data.features import Features
from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.errors import InputError
from stilts_repro.experiments.scales import TESTBED_MODEL
from stilts_repro.tasks import span
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import Question, Span
from stilts_repro.tasks.tokens import encode
from stilts_repro.tasks.windows import BLANKS

LETTERS = "ab cd\u3000é北京。ไทย\nﬁ\u00a0👍e\u0301ｶ\uff9e"
REAL = ["SQuAD", "XQuAD.en", "XQuAD.zh", "XQuAD.th", "XQuAD.ar", "MLQA.zh.zh", "MLQA.hi.hi"]


# The plain version ------------------------------------------------------------------------


def plain_features(examples, tokenizer, limits):
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    sequences = []
    token = {"char_start": [], "char_end": []}
    unit = {"example": [], "start": [], "end": []}
    for index, question in enumerate(examples):
        asked = encode(tokenizer, [question.question])[0][: limits.max_question]
        told = tokenizer(
            question.context, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        ids = told["input_ids"]
        offsets = list(own_characters(told["offset_mapping"], question.context))
        answer = answer_tokens(question, offsets)
        head = len(asked) + 3
        windows = windows_of(len(ids), limits.max_length - head - 1, limits.stride)
        for number, (low, high) in enumerate(windows):
            sequences.append([start, *asked, end, end, *ids[low:high], end])
            starts = [
                offsets[place][0] if owner(place, windows) == number else -1
                for place in range(low, high)
            ]
            ends = [offsets[place][1] for place in range(low, high)]
            token["char_start"].append([-1] * head + starts + [-1])
            token["char_end"].append([-1] * head + ends + [-1])
            inside = answer is not None and low <= answer[0] and answer[1] < high
            unit["example"].append(index)
            unit["start"].append(answer[0] - low + head if inside else 0)
            unit["end"].append(answer[1] - low + head if inside else 0)
    return Features.of(sequences, token=token, unit=unit)


def windows_of(length, room, stride):
    step = min(stride, max(1, room // 2))
    starts = range(0, max(1, length - room + step), step)
    return [(start, min(start + room, length)) for start in starts]


def owner(place, windows):
    """The first window with most context around a token."""
    best, found = -1.0, 0
    for number, (low, high) in enumerate(windows):
        if low <= place < high:
            around = min(place - low, high - 1 - place) + 0.01 * (high - low)
            if around > best:
                best, found = around, number
    return found


def own_characters(pairs, context):
    """Ranges without blanks at their ends, and with what no token has and is next to them."""
    covered = {place for pair in pairs for place in range(*pair) if not context[place].isspace()}

    def clings(place):
        inside = 0 <= place < len(context) and place not in covered
        category = unicodedata.category(context[place]) if inside else "Cc"
        return category[0] not in "PZ" and category != "Cc"

    for low, high in pairs:
        while low < len(context) and context[low].isspace():
            low += 1
        while high > 0 and context[high - 1].isspace():
            high -= 1
        while clings(high):
            high += 1
        first = low
        while clings(first - 1):
            first -= 1
        yield low if first - 1 in covered else first, high


def answer_tokens(question, offsets):
    if not question.answers or not question.answers[0][0]:
        return None
    text, start = question.answers[0]
    end = start + len(text)
    touched = [i for i, (low, high) in enumerate(offsets) if low < end and high > start]
    return (touched[0], touched[-1]) if touched else None


# Both -------------------------------------------------------------------------------------


def assert_same(examples, tokenizer, limits):
    found = Span().featurise(examples, tokenizer, limits)
    plain = plain_features(examples, tokenizer, limits)
    assert (found.group, found.truncated) == (plain.group, plain.truncated) == (1, 0)
    pairs = [(found.ids, plain.ids), (found.offsets, plain.offsets)]
    for name in ("token", "unit"):
        ours, theirs = getattr(found, name), getattr(plain, name)
        assert list(ours) == list(theirs)
        pairs += [(ours[column], theirs[column]) for column in theirs]
    for ours, theirs in pairs:
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)
    return found


def blank_in_tokens():
    """A tokenizer that counts the blank before a word into its first token."""
    vocabulary = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>", "▁")]
    vocabulary += [(letter, -1.0) for letter in dict.fromkeys(LETTERS) if letter != "▁"]
    vocabulary += [(piece, -1.5) for piece in ("▁a", "▁cd", "▁北", "ab", "京。")]
    raw = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    raw.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        **{"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
    )


@pytest.fixture(scope="module")
def tokenizers():
    return [train_tokenizer([LETTERS, "ab cd", "北京"] * 9, 60, 64), blank_in_tokens()]


@st.composite
def questions(draw, context):
    text = draw(st.sampled_from(context))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    answers = draw(st.sampled_from([(), ((text[start:end], start),), ((text[:1], 0), (text, 0))]))
    asked = draw(st.text(LETTERS, max_size=12))
    return Question("q", asked, text, answers)


lists = st.lists(st.text(LETTERS, max_size=60), min_size=1, max_size=4).flatmap(
    lambda contexts: st.lists(questions(contexts), min_size=1, max_size=9)
)
limits_of = st.builds(
    Limits,
    max_length=st.integers(5, 60),
    max_question=st.integers(0, 12),
    stride=st.integers(1, 40),
)
EMPTY = [Question("q", "", "", ())]


@settings(max_examples=400, deadline=None)
@given(lists, limits_of, st.integers(0, 1), st.sampled_from([1, 2, 5, 1024]))
@example(EMPTY, Limits(64), 0, 1)
@example([Question("q", "", "é" * 201, ())], Limits(204), 0, 1)  # windows of unlike lengths
@example([Question("q", "ab", " \n ", ((" ", 0),))], Limits(64), 1, 1)
def test_the_features_are_those_of_the_plain_version(tokenizers, examples, limits, which, chunk):
    tokenizer = tokenizers[which]
    longest = max(len(ids) for ids in encode(tokenizer, [e.question for e in examples]))
    assume(limits.max_length > min(longest, limits.max_question) + 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(span, "CHUNK", chunk)
        assert_same(examples, tokenizer, limits)


def test_the_first_question_without_room_is_named_whatever_its_chunk(tokenizers, monkeypatch):
    monkeypatch.setattr(span, "CHUNK", 2)
    short, long = Question("short", "a", "ab", ()), Question("long", "abab" * 9, "ab", ())
    with pytest.raises(InputError, match=r"^question long: "):
        Span().featurise([short, short, short, long], tokenizers[0], Limits(16))


def test_every_blank_is_known():
    assert [chr(place) for place in BLANKS] == [
        chr(place) for place in range(0x110000) if chr(place).isspace()
    ]


@pytest.mark.parametrize("limits", [Limits(384), Limits(64, stride=7, max_question=12)], ids=str)
@pytest.mark.parametrize("name", REAL)
def test_real_rows_give_the_features_of_the_plain_version(real_data, name, limits):
    mirror = real_data / "hub-mirror"
    xtreme = mirror / "google" / "xtreme" / name / "validation.parquet"
    path = mirror / "rajpurkar/squad/plain_text/train.parquet" if name == "SQuAD" else xtreme
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    rows = pq.read_table(path).slice(0, 100).to_pylist()
    examples = [Span().parse(row, "here") for row in rows]
    # Trained on other scripts, the testbed's cuts these texts into many tokens and unknown ones;
    # one trained on the rows themselves has long pieces.
    own = train_tokenizer([e.context for e in examples], 2000, 512)
    for tokenizer in (own, AutoTokenizer.from_pretrained(TESTBED_MODEL)):
        found = assert_same(examples, tokenizer, limits)
        assert (found.unit["start"] > 0).sum() > len(examples) // 2
