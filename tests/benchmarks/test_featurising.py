"""Rows of SQuAD 1.1 a second, from checked rows to what training reads; and once more from disk.

Next to ours stands the way of transformers' question-answering example: one call of the tokenizer
for a thousand (question, context) pairs, which cuts the windows and pads them, then a loop over the
windows that looks for the answer's tokens. Both read the same rows with the same fast tokenizer in
one process and one thread. The peer's `stride` is what windows share, ours is the step from one to
the next: at 128 ours makes more windows of a long context. The first windows are the same, and
before anything is timed both must have put the same labels there.
"""

import numpy as np
import pytest

from stilts_repro.data import cache
from stilts_repro.data.tokenizer import train_tokenizer
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import Span
from tests.benchmarks import given
from tests.benchmarks.timing import measure

pytestmark = pytest.mark.benchmark(group="featurising")

LIMITS = Limits(384, stride=128)
ROWS = 3000


@pytest.fixture(scope="module")
def examples():
    return given.training_rows("squad_v1", ROWS)


@pytest.fixture(scope="module")
def words(examples):
    """A tokenizer with whole words among its pieces, as XLM-R's has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        texts = {text for e in examples for text in (e.context, e.question)}
        yield train_tokenizer(sorted(texts), 8000, LIMITS.max_length)


def peer(examples, tokenizer):
    """Return the padded windows with their labels, and the row of each window."""
    made = {"input_ids": [], "attention_mask": [], "start": [], "end": [], "row": []}
    for first in range(0, len(examples), 1000):
        batch = examples[first : first + 1000]
        told = tokenizer(
            [e.question for e in batch],
            [e.context for e in batch],
            truncation="only_second",
            max_length=LIMITS.max_length,
            stride=128,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )
        for window, row in enumerate(told["overflow_to_sample_mapping"]):
            start, end = labels(
                batch[row].answers[0],
                told["offset_mapping"][window],
                told.sequence_ids(window),
                told["input_ids"][window].index(tokenizer.cls_token_id),
            )
            made["start"].append(start)
            made["end"].append(end)
            made["row"].append(first + row)
        made["input_ids"] += told["input_ids"]
        made["attention_mask"] += told["attention_mask"]
    return made


def labels(answer, offsets, sides, nowhere):
    """Return the places of the answer's first and last token; `nowhere` where it is not whole.

    Of several tokens that begin with its first letter the example takes the last, we the first (a
    lone `▁` has the offsets of the letter after it); here the first, so that labels can be equal.
    """
    text, begin = answer
    low = sides.index(1)
    high = len(sides) - 1 - sides[::-1].index(1)
    if offsets[low][0] > begin or offsets[high][1] < begin + len(text):
        return nowhere, nowhere
    while offsets[low][1] <= begin:
        low += 1
    while offsets[high - 1][1] >= begin + len(text):
        high -= 1
    return low, high


def first_windows(rows):
    """Return the place of each row's first window."""
    return np.unique(np.asarray(rows), return_index=True)[1]


def test_featurising_next_to_the_question_answering_example(benchmark, examples, words):
    found, other = Span().featurise(examples, words, LIMITS), peer(examples, words)
    mine, theirs = first_windows(found.unit["example"]), first_windows(other["row"])
    starts = found.unit["start"][mine]
    assert starts.tolist() == np.array(other["start"])[theirs].tolist()
    assert found.unit["end"][mine].tolist() == np.array(other["end"])[theirs].tolist()
    assert (starts > 0).mean() > 0.8
    for own, padded in zip(mine[:50], theirs[:50], strict=True):
        ids = found.ids[found.offsets[own] : found.offsets[own + 1]]
        assert ids.tolist() == other["input_ids"][padded][: len(ids)]
    measure(
        benchmark,
        lambda: Span().featurise(examples, words, LIMITS),
        {"tokens": found.tokens, "rows": len(examples)},
        peer=("the example's way", lambda: peer(examples, words)),
    )


def test_a_second_run_next_to_the_first(benchmark, examples, words, tmp_path, monkeypatch):
    """What the cache on disk saves."""
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path))
    first = cache.featurise(Span(), examples, words, LIMITS)
    second = cache.featurise(Span(), examples, words, LIMITS)
    assert isinstance(second.ids.base, np.memmap)
    assert np.array_equal(first.ids, second.ids)
    measure(
        benchmark,
        lambda: cache.featurise(Span(), examples, words, LIMITS),
        {"tokens": first.tokens, "rows": len(examples)},
        peer=("no cache", lambda: Span().featurise(examples, words, LIMITS)),
    )
