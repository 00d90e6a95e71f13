"""From start and end logits to answers, for all windows at once.

The rules are those of the classic SQuAD post-processing that jiant and XTREME run (n_best 20,
answers of at most 30 tokens), but an answer is cut out of the context by character offsets. The
classic step that aligns it with the words between blanks (get_final_text) has nothing to align in
Chinese, where it destroys the answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.integer]

# Windows handled together: their [windows, n_best, n_best] tables stay in a core's cache.
_ROWS = 256


@dataclass(frozen=True)
class Windows:
    """One row a window of (question, context); a question may have several windows.

    A token may begin an answer where `starts` is not -1 and end one where `ends` is not -1. Both
    are -1 for the question, special tokens and padding. The classic rule that a span begins only
    in the window with most context around it is expressed by -1 in `starts` alone.
    """

    question: Integers  # [W] index of the question
    starts: Integers  # [W, T] character offset in the context where the token starts, or -1
    ends: Integers  # [W, T] character offset where it ends (exclusive), or -1


class SpanPrediction(NamedTuple):
    """A question's best answer; `score` and `null_score` are sums of a start and an end logit.

    Without any valid span `text` is empty and `score` is -inf.
    """

    text: str
    score: float
    null_score: float


def best_spans(
    start_logits: Floats,
    end_logits: Floats,
    windows: Windows,
    contexts: Sequence[str],
    *,
    n_best: int = 20,
    max_answer_tokens: int = 30,
) -> list[SpanPrediction]:
    """Return the best answer to each question, in the order of `contexts` (one a question).

    The logits are float32 [W, T] and finite, but for padding, which should be -inf: `n_best` ranks
    all positions of a window, as the classic loop does, so finite logits on padding take up places.
    A span is valid where its start and its end are among the window's `n_best` of each kind, may
    begin and end an answer, and span 1 to `max_answer_tokens` tokens. The best has the highest sum
    of logits (in float64); equal sums go to the first window, then to the start ranked higher,
    then to the end ranked higher, where equal logits rank by position. `null_score` is the lowest
    sum at position 0 (`<s>`) over the question's windows, +inf for a question without windows.

    Raises ValueError where shapes or types do not fit or a window's question has no context.
    """
    _check(start_logits, end_logits, windows, contexts)
    scores, spans = _best_in_windows(start_logits, end_logits, windows, n_best, max_answer_tokens)

    null_scores = np.full(len(contexts), np.inf)
    at_null = start_logits[:, 0].astype(np.float64) + end_logits[:, 0]  # [W]
    np.minimum.at(null_scores, windows.question, at_null)

    # Rows by question, then best first; lexsort is stable, so equal scores keep the first window.
    order = np.lexsort((-scores, windows.question))
    questions, first = np.unique(windows.question[order], return_index=True)
    rows = order[first]
    answered = scores[rows] > -np.inf
    questions, rows = questions[answered], rows[answered]

    best, low, high = np.full(len(contexts), -np.inf), *np.zeros((2, len(contexts)), np.intp)
    best[questions] = scores[rows]
    low[questions] = windows.starts[rows, spans[rows, 0]]
    high[questions] = windows.ends[rows, spans[rows, 1]]  # nothing is cut out where both are 0
    answers = zip(
        contexts, low.tolist(), high.tolist(), best.tolist(), null_scores.tolist(), strict=True
    )
    return [SpanPrediction(text[i:j], score, null) for text, i, j, score, null in answers]


def _check(
    start_logits: Floats, end_logits: Floats, windows: Windows, contexts: Sequence[str]
) -> None:
    shape = (len(windows.question), *start_logits.shape[1:])
    for array in (start_logits, end_logits, windows.starts, windows.ends):
        if array.ndim != 2 or array.shape != shape:
            raise ValueError(f"expected [windows, tokens] arrays of shape {shape}: {array.shape}")
    if not start_logits.dtype == end_logits.dtype == np.float32:
        raise ValueError(f"expected float32 logits: {start_logits.dtype}, {end_logits.dtype}")
    if np.any((windows.question < 0) | (windows.question >= len(contexts))):
        raise ValueError(f"a window's question is not one of the {len(contexts)} contexts")


def _best_in_windows(
    start_logits: Floats, end_logits: Floats, windows: Windows, n_best: int, max_tokens: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return each window's best score [W], -inf where no span is valid, and its tokens [W, 2]."""
    count = len(start_logits)
    scores = np.empty(count)
    spans = np.empty((count, 2), dtype=np.intp)
    for low in range(0, count, _ROWS):
        rows = slice(low, low + _ROWS)
        # The best starts and ends of each window, and the sums of every start with every end.
        start_top, start_score = _ranked(start_logits[rows], windows.starts[rows], n_best)
        end_top, end_score = _ranked(end_logits[rows], windows.ends[rows], n_best)
        total = start_score[:, :, None] + end_score[:, None, :]  # [rows, n, n]
        # Those that are too long do not count. Without a sign, an end before its start is far
        # behind it.
        after = end_top[:, None, :] - start_top[:, :, None]
        total = np.where(after < max_tokens, total, -np.inf)
        # The best that is left: its score and both of its tokens.
        n = total.shape[1]
        best = total.reshape(len(total), n * n).argmax(axis=1)  # the first of equal sums
        each = np.arange(len(total))
        scores[rows] = total.reshape(len(total), n * n)[each, best]
        spans[rows, 0] = start_top[each, best // n]
        spans[rows, 1] = end_top[each, best % n]
    return scores, spans


def _ranked(
    logits: Floats, offsets: Integers, n_best: int
) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Return the top positions [rows, n], best and then leftmost first, and their logits.

    Positions that may not be in an answer keep their place in the ranking but score -inf.

    A logit and its position are one integer, logit first: integers are ranked many times faster
    than by a stable `argsort`, and the position decides between equal logits.
    """
    bits = (0 - logits).view(np.int32)  # from zero, for then there is no -0, which is another int
    keys = (bits ^ (bits >> 31 & 0x7FFFFFFF)).astype(np.int64)  # a float's own order
    keys = keys << 32 | np.arange(logits.shape[1])
    top = np.sort(keys, axis=1)[:, :n_best].astype(np.uint32)  # the lower half
    score = np.take_along_axis(logits, top, axis=1).astype(np.float64)
    score[np.take_along_axis(offsets, top, axis=1) < 0] = -np.inf
    return top, score
