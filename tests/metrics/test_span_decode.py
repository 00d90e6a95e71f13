import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_repro.metrics.span_decode import (
    _ROWS,
    SpanPrediction,
    Windows,
    best_spans,
)


def plain_best_spans(start_logits, end_logits, windows, contexts, n_best, max_answer_tokens):
    """Decode with the double loop, one window after the other."""

    def top(logits):
        return sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:n_best]

    predictions = []
    for question, context in enumerate(contexts):
        text, best, null = "", -math.inf, math.inf
        for row in np.flatnonzero(windows.question == question):
            starts, ends = windows.starts[row], windows.ends[row]
            null = min(null, float(start_logits[row, 0]) + float(end_logits[row, 0]))
            for i in top(start_logits[row]):
                for j in top(end_logits[row]):
                    score = float(start_logits[row, i]) + float(end_logits[row, j])
                    allowed = starts[i] >= 0 and ends[j] >= 0
                    if allowed and i <= j < i + max_answer_tokens and score > best:
                        text, best = context[starts[i] : ends[j]], score
        predictions.append(SpanPrediction(text, best, null))
    return predictions


@st.composite
def problems(draw):
    count, width = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (count, width)
    if draw(st.booleans()):
        logits = rng.integers(-2, 3, (2, *shape)).astype(np.float32)  # many ties
    else:
        logits = rng.normal(size=(2, *shape)).astype(np.float32)
    contexts = ["".join(rng.choice(list("ab 北京"), 30)) for _ in range(draw(st.integers(1, 3)))]
    starts = np.sort(rng.integers(0, 20, shape), axis=1)
    ends = starts + rng.integers(1, 5, shape)
    starts[rng.random(shape) < 0.3] = -1
    ends[rng.random(shape) < 0.3] = -1
    logits[:, :, width - draw(st.integers(0, width - 1)) :] = -np.inf  # padding
    starts[np.isinf(logits[0])] = -1
    ends[np.isinf(logits[0])] = -1
    windows = Windows(rng.integers(0, len(contexts), count), starts, ends)
    return *logits, windows, contexts, draw(st.integers(1, 12)), draw(st.integers(1, 10))


@settings(max_examples=300, deadline=None)
@given(problems())
def test_equal_to_the_double_loop(problem):
    start_logits, end_logits, windows, contexts, n_best, longest = problem
    found = best_spans(
        start_logits, end_logits, windows, contexts, n_best=n_best, max_answer_tokens=longest
    )
    assert found == plain_best_spans(*problem)


def test_equal_to_the_double_loop_over_many_windows():
    rng = np.random.default_rng(0)
    shape = (_ROWS + 5, 6)  # more windows than are handled together
    start_logits, end_logits = rng.normal(size=(2, *shape)).astype(np.float32)
    starts = np.tile(np.arange(shape[1]), (shape[0], 1))
    windows = Windows(np.arange(shape[0]) // 2, starts, starts + 1)
    contexts = ["abcdef"] * (shape[0] // 2 + 1)
    found = best_spans(start_logits, end_logits, windows, contexts, n_best=3, max_answer_tokens=2)
    assert found == plain_best_spans(start_logits, end_logits, windows, contexts, 3, 2)


def decode(start, end, starts, ends, context="0123456789", **options):
    windows = Windows(np.zeros(1, dtype=int), np.array([starts]), np.array([ends]))
    start, end = np.array([[start], [end]], np.float32)
    return best_spans(start, end, windows, [context], **options)[0]


def test_text_is_cut_by_characters():
    found = decode(
        [0, 5.0, 0, 0], [0, 0, 5.0, 0], [-1, 2, 3, 5], [-1, 3, 5, 6], context="在中国首都北京"
    )
    assert found == SpanPrediction("国首都", 10.0, 0.0)


def test_a_span_is_at_most_so_many_tokens_and_not_reversed():
    start, end, starts, ends = [9.0, 0, 1], [0, 0, 9.0], [0, 1, 2], [1, 2, 3]
    assert decode(start, end, starts, ends, max_answer_tokens=3).text == "012"
    assert decode(start, end, starts, ends, max_answer_tokens=2).text == "2"
    assert decode([0, 0, 9.0], [9.0, 0, 1], starts, ends).text == "2"


def test_positions_outside_the_context_take_places_in_the_ranking():
    start, end = [9.0, 8.0, 1.0], [9.0, 8.0, 1.0]
    starts, ends = [-1, -1, 0], [-1, -1, 1]
    assert decode(start, end, starts, ends, n_best=2) == SpanPrediction("", -math.inf, 18.0)
    assert decode(start, end, starts, ends, n_best=3).text == "0"


def test_a_token_may_end_an_answer_that_it_may_not_begin():
    assert decode([0, 0, 9.0], [0, 0, 9.0], [-1, 0, -1], [-1, 1, 2]).text == "01"


def test_ties_go_to_the_first_window_then_the_higher_start_then_the_higher_end():
    windows = Windows(np.array([0, 0]), np.array([[0, 1], [0, 1]]), np.array([[1, 2], [1, 2]]))
    start = np.array([[1.0, 2.0], [1.0, 2.0]], np.float32)
    end = np.array([[2.0, 1.0], [2.0, 1.0]], np.float32)
    # (0, 0) and (1, 1) both sum to 3, in either window; the higher start is at 1.
    assert best_spans(start, end, windows, ["xyz"])[0].text == "y"
    later = np.array([[0], [1]])
    other = Windows(windows.question, windows.starts + later, windows.ends + later)
    assert best_spans(start, end, other, ["xyz"])[0].text == "y"


def test_the_null_is_the_weakest_over_the_windows():
    windows = Windows(np.array([1, 1]), np.array([[-1, 0]] * 2), np.array([[-1, 1]] * 2))
    logits = np.array([[4.0, 1.0], [1.0, 2.0]], np.float32)
    found = best_spans(logits, logits, windows, ["a", "b"])
    assert found == [SpanPrediction("", -math.inf, math.inf), SpanPrediction("b", 4.0, 2.0)]


def test_arrays_that_do_not_fit_are_refused():
    offsets = np.zeros((2, 3), dtype=int)
    windows = Windows(np.array([0, 1]), offsets, offsets)
    with pytest.raises(ValueError, match="shape"):
        best_spans(np.zeros((2, 3)), np.zeros((2, 4)), windows, ["a", "b"])
    logits = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="1 contexts"):
        best_spans(logits, logits, windows, ["a"])
    with pytest.raises(ValueError, match="float32"):
        best_spans(logits, logits.astype(np.float64), windows, ["a", "b"])


def test_zeros_of_either_sign_are_equal():
    # The first ends best, and is first among equals.
    assert decode([-0.0, 0.0], [1.0, 1.0], [0, 1], [1, 2]).text == "0"
    assert decode([0.0, -0.0], [1.0, 1.0], [0, 1], [1, 2]).text == "0"
