"""Answers from start and end logits, next to the way of transformers' question-answering example.

The example looks at one window after the other: it ranks the logits, tries every pair of the best
20 starts and ends, keeps each pair that can be an answer, and in the end sorts a question's pairs
and gives the best 20 with their probabilities. It is timed as it ships, its windows in a
`datasets.Dataset` that it reads through once and then twice a window, and on the same windows as
lists in memory, which is its loop alone. All must give the same answers before anything is timed.

How long it takes hangs on how many pairs can be answers. `flat` logits, of a model that knows
nothing, put starts and ends anywhere; `peaked` ones, of one that has learned, put them near each
other.
"""

from collections import defaultdict
from itertools import cycle, islice

import datasets
import numpy as np
import pytest

from stilts_repro.metrics.span_decode import Windows, best_spans
from stilts_repro.tasks.format import Limits
from stilts_repro.tasks.span import NONE, Span
from tests.benchmarks import given
from tests.benchmarks.timing import measure

pytestmark = pytest.mark.benchmark(group="answers")

WINDOWS = 5000
BEST = 20
LONGEST = 30  # tokens of an answer
LIMITS = Limits(384, stride=128)  # the example's


class Asked:
    """Questions with `WINDOWS` windows, logits for them, and the example's own columns."""

    def __init__(self, logits):
        rows = list(islice(cycle(given.training_rows("squad_v1", WINDOWS)), WINDOWS))
        features = Span().featurise(rows, given.tokenizer(), LIMITS)
        self.question = features.unit["example"][:WINDOWS]
        self.contexts = [row.context for row in rows[: self.question[-1] + 1]]
        lengths = np.diff(features.offsets)[:WINDOWS]
        self.start, self.end = logits(lengths, np.random.default_rng(0))
        inside = np.arange(lengths.max()) < lengths[:, None]
        self.char_start, self.char_end = np.full((2, *inside.shape), NONE, np.int64)
        self.char_start[inside] = features.token["char_start"][: lengths.sum()]
        self.char_end[inside] = features.token["char_end"][: lengths.sum()]
        self.opens = (self.char_start != NONE).tolist()  # where a window has most context
        self.windows = [self._window(w, int(n)) for w, n in enumerate(lengths)]

    def _window(self, window, length):
        """Return the example's columns of a window, padded to the length limit."""
        # Where an answer may not begin there is no first character; the example asks `opens` then.
        pairs = zip(self.char_start[window].tolist(), self.char_end[window].tolist(), strict=True)
        offsets = [[low, high] if high != NONE else None for low, high in pairs]
        padding = LIMITS.max_length - length
        return {
            "example_id": str(self.question[window]),
            "input_ids": [5] * length + [1] * padding,
            "attention_mask": [1] * length + [0] * padding,
            "offset_mapping": offsets[:length] + [None] * padding,
        }


def flat(lengths, rng):
    """Return start and end logits [2, W, T] that are noise; minus infinity at padding."""
    logits = rng.normal(size=(2, len(lengths), lengths.max())).astype(np.float32)
    logits[:, np.arange(lengths.max()) >= lengths[:, None]] = -np.inf
    return logits


def peaked(lengths, rng):
    """Return logits [2, W, T] that fall off from one place, some tokens later for the end."""
    places = np.arange(lengths.max())
    start = rng.integers(lengths)[:, None]
    end = start + rng.integers(4, size=(len(lengths), 1))
    distance = np.stack([np.abs(places - start), np.abs(places - end)])
    return flat(lengths, rng) - distance.astype(np.float32) / 2


def ours(asked):
    windows = Windows(asked.question, asked.char_start, asked.char_end)
    return [span.text for span in best_spans(asked.start, asked.end, windows, asked.contexts)]


def theirs(asked, windows, questions):
    """Return the answers from the example's columns: lists in memory, or data sets."""
    of_question = defaultdict(list)
    for place, window in enumerate(windows):
        of_question[window["example_id"]].append(place)
    return [
        best_answer(asked, row["context"], windows, of_question[row["id"]]) for row in questions
    ]


def best_answer(asked, context, windows, places):
    """Return the first of the question's best answers, all of which are written out."""
    pairs = []
    for place in places:
        offsets = windows[place]["offset_mapping"]
        windows[place].get("token_is_max_context")  # asked for; it is `opens` here
        pairs += possible(asked.start[place], asked.end[place], offsets, asked.opens[place])
    pairs = sorted(pairs, key=lambda pair: pair["score"], reverse=True)[:BEST]
    for pair in pairs:
        low, high = pair.pop("offsets")
        pair["text"] = context[low:high]
    scores = np.array([pair["score"] for pair in pairs])
    weights = np.exp(scores - scores.max(initial=-np.inf))
    for pair, probability in zip(pairs, weights / weights.sum(), strict=True):
        pair["probability"] = probability
    return pairs[0]["text"] if pairs else ""


def possible(start, end, offsets, opens):
    """Return the pairs of one window's best starts and ends that can be an answer."""
    found = []
    ends = np.argsort(end)[: -BEST - 1 : -1].tolist()
    for first in np.argsort(start)[: -BEST - 1 : -1].tolist():
        for last in ends:
            if offsets[first] is None or offsets[last] is None:
                continue
            if last < first or last - first + 1 > LONGEST or not opens[first]:
                continue
            found.append(
                {
                    "offsets": (offsets[first][0], offsets[last][1]),
                    "score": start[first] + end[last],
                    "start_logit": start[first],
                    "end_logit": end[last],
                }
            )
    return found


@pytest.mark.parametrize("logits", [flat, peaked])
@pytest.mark.parametrize("shipped", [True, False], ids=["shipped", "in_memory"])
def test_answers_next_to_the_question_answering_example(benchmark, logits, shipped):
    asked = Asked(logits)
    windows = asked.windows
    questions = [{"id": str(i), "context": text} for i, text in enumerate(asked.contexts)]
    if shipped:
        windows, questions = (datasets.Dataset.from_list(rows) for rows in (windows, questions))
    assert len(asked.question) == WINDOWS
    assert ours(asked) == theirs(asked, windows, questions)
    measure(
        benchmark,
        lambda: ours(asked),
        {"windows": WINDOWS},
        peer=(
            "the example as it ships" if shipped else "the example's loop in memory",
            lambda: theirs(asked, windows, questions),
        ),
        turns=3,
    )
