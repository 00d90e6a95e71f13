"""Answers cut out by tokens are the contexts' own text, whatever the tokenizer and normal form."""

import unicodedata

import numpy as np
import pyarrow.parquet as pq
import pytest

from stilts_repro.evaluation.predict import score_by_language
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import Question, Span
from tests.tokenizing import KINDS, LINES, made

WHOLE = Limits(4096)


@pytest.fixture(scope="module")
def tokenizers():
    return made()


@pytest.fixture(params=KINDS)
def tokenizer(request, tokenizers):
    return tokenizers[request.param]


def words_of(context):
    """Yield where words, and runs of a few of them, begin and end; of Thai and Chinese, letters.

    A letter is never parted from its marks.
    """
    if sum(char.isspace() for char in context) > len(context) / 10:
        ends = [place for place, char in enumerate(f"{context} ") if char.isspace()]
        starts = [0, *(place + 1 for place in ends)]
    else:
        starts = [
            place
            for place, char in enumerate(context)
            if unicodedata.category(char)[0] != "M" and not char.isspace() and char not in "ำﾞ"
        ]
        ends = [*starts[1:], len(context)]
    for first, low in enumerate(starts):
        for high in ends[first : first + 4]:
            if low < high and context[low:high] == context[low:high].strip():
                yield low, high


def can_tell(offsets, context, low, high):
    """Whether no token stands across the answer's ends (but for blanks), nor are there too many."""
    if sum(begin < high and end > low for begin, end in offsets) > 30:
        return False
    for begin, end in offsets:
        while begin < end and context[begin].isspace():
            begin += 1
        while begin < end and context[end - 1].isspace():
            end -= 1
        if begin < low < end or begin < high < end:
            return False
    return True


def asked_of(contexts, tokenizer):
    told = tokenizer(contexts, add_special_tokens=False, return_offsets_mapping=True)
    return [
        Question(f"{number} {low} {high}", "Huế?", context, ((context[low:high], low),))
        for number, context in enumerate(contexts)
        for low, high in words_of(context)
        if can_tell(told["offset_mapping"][number], context, low, high)
    ]


def assert_answered(examples, tokenizer, limits):
    """Logits that know the answers' tokens give the answers' very text."""
    features = Span().featurise(examples, tokenizer, limits)
    logits = np.zeros((len(features), int(features.unit_lengths().max()), 2), np.float32)
    logits[np.arange(len(features)), features.unit["start"], 0] = 9
    logits[np.arange(len(features)), features.unit["end"], 1] = 9
    logits[features.unit["start"] == 0] = 0
    found = score_by_language(Span(), {"en": examples}, features, logits)["en"]
    assert found.predictions == {e.id: e.answers[0][0] for e in examples}
    assert found.metrics["exact_match"] == 100


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("language", LINES)
def test_an_answer_is_the_contexts_own_text(tokenizer, language, form):
    context = unicodedata.normalize(form, LINES[language])
    examples = asked_of([context, f"{context} {context}"], tokenizer)
    assert len(examples) > 20
    assert_answered(examples, tokenizer, WHOLE)


@pytest.mark.parametrize(
    "context",
    [
        "People  in \u3000Berlin\u00a0 can\n\n read\t",  # several blanks, wide and hard ones
        " \n in Berlin",
        "\u0301in Berlin\u0301\u0302 \u0301can\u200d read\u200b.",  # marks of nothing, joiners
        "\u200fin\u200f Berlin \ufeffcan",
        "北京\u0301 河边\u3000👩\u200d👩\u200d👧 can",
        "한글 읽는다 가\u0301",
        "नदी में किताबें",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_blanks_are_left_out_and_marks_are_kept(tokenizer, context, form):
    context = unicodedata.normalize(form, context)
    words = [word for word in context.split() if word]
    starts = [context.index(word) for word in words]
    examples = [
        Question(str(n), "?", context, ((word, start),))
        for n, (word, start) in enumerate(zip(words, starts, strict=True))
    ]
    told = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
    examples = [
        e
        for e in examples
        if can_tell(told["offset_mapping"], context, e.answers[0][1], len(context))
    ]
    assert_answered(examples, tokenizer, WHOLE)


@pytest.mark.parametrize("kind", ["bytes", "bytes_prefix", "causal"])
def test_an_answer_from_any_byte_of_a_character_has_it_whole(tokenizers, kind):
    tokenizer, context = tokenizers[kind], "x 鬱👍 y"
    features = Span().featurise([Question("q", "?", context, (("鬱👍", 2),))], tokenizer, WHOLE)
    start, end = features.unit["start"][0], features.unit["end"][0]
    assert end - start >= 5  # bytes that no piece puts together
    for place in range(start, end + 1):
        low, high = features.token["char_start"][place], features.token["char_end"][place]
        assert context[low:high] in ("鬱", "👍")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("language", ["vi", "el", "ru", "th", "hi", "ar", "zh"])
def test_answers_of_real_rows_are_the_contexts_own_text(real_data, language, form):
    path = real_data / "hub-mirror/google/xtreme" / f"XQuAD.{language}/validation.parquet"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    rows = [renormalised(row, form) for row in pq.read_table(path).slice(0, 60).to_pylist()]
    examples = [Span().parse(row, "here") for row in rows if row]
    tokenizers = made(sorted({e.context for e in examples}), 1000)
    for tokenizer in tokenizers.values():
        answerable = []
        for example in examples:
            told = tokenizer(example.context, add_special_tokens=False, return_offsets_mapping=True)
            (text, start), *_ = example.answers
            if can_tell(told["offset_mapping"], example.context, start, start + len(text)):
                answerable.append(example)
        assert len(answerable) > len(examples) / 2
        assert_answered(answerable, tokenizer, Limits(4096))


def renormalised(row, form):
    """A row in another normal form; None where the answer does not stay a part of it."""
    context, text = row["context"], row["answers"]["text"][0]
    before = context[: row["answers"]["answer_start"][0]]
    context, text, before = (unicodedata.normalize(form, part) for part in (context, text, before))
    if not context.startswith(before + text) or text != text.strip():
        return None
    return row | {"context": context, "answers": {"text": [text], "answer_start": [len(before)]}}
