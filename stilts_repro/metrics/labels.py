"""Labels: accuracy (PAWS-X, XNLI, multiple choice), one label's F1 (QQP), F1 of spans of tags.

The last is the metric of PAN-X and of UDPOS. XTREME and jiant both score with seqeval 0.0.12,
which reads every tag by its first letter (B, I, E, S and O have a meaning, any other letter is
"inside something") and by its type, the part after the last hyphen. A part-of-speech tag has no
prefix, so it is its own type, and what is called POS accuracy in the papers is a span F1:
neighbours with the same tag merge into one span that must be right as a whole, except that words
tagged SCONJ or SYM stay alone because S reads as "single".

seqeval 1.x cuts the first letter off the type instead. There SCONJ and CCONJ become the same type
and an X before the end of a sentence is lost, so its POS scores are not those of the papers; for
tags with a prefix (PAN-X) the two versions agree.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import chain

Sentences = Sequence[Sequence[str]]


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Return the share of equal labels, in points, as XTREME's evaluate.py does.

    `gold` and `predicted` hold one label an example, in the same order.
    Raises ValueError where their lengths differ or there is no example.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold labels but {len(predicted)} predictions")
    if len(gold) == 0:  # also for arrays
        raise ValueError("accuracy of no examples")
    correct = sum(a == b for a, b in zip(gold, predicted, strict=True))
    return 100.0 * correct / len(gold)


def label_f1(gold: Sequence[Hashable], predicted: Sequence[Hashable], label: Hashable) -> float:
    """Return the F1 of finding `label`, in points; 0 where nobody has it or nothing is found.

    `gold` and `predicted` hold one label an example, in the same order.
    Raises ValueError where their lengths differ.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold labels but {len(predicted)} predictions")
    correct = sum(a == label and b == label for a, b in zip(gold, predicted, strict=True))
    total = sum(a == label for a in gold) + sum(b == label for b in predicted)
    return 200.0 * correct / total if total else 0.0


@dataclass(frozen=True)
class SpanScores:
    """Micro-averaged span F1, precision and recall, and token accuracy, in points."""

    f1: float
    precision: float
    recall: float
    accuracy: float


def span_f1(gold: Sentences, predicted: Sentences) -> SpanScores:
    """Score tag sequences as seqeval 0.0.12 does (conlleval's rules, micro average).

    `gold` and `predicted` hold one sequence a sentence and one tag a word. A predicted span counts
    where its type and both ends are those of a gold span; a score without any span to divide by
    is 0. Raises ValueError where the number of sentences or the length of one differs, or there
    is no word at all.
    """
    _check_lengths(gold, predicted)
    gold_spans, predicted_spans = _spans(gold), _spans(predicted)
    correct = len(gold_spans & predicted_spans)
    total = len(gold_spans) + len(predicted_spans)
    return SpanScores(
        f1=_points(2 * correct, total),
        precision=_points(correct, len(predicted_spans)),
        recall=_points(correct, len(gold_spans)),
        accuracy=accuracy(list(chain.from_iterable(gold)), list(chain.from_iterable(predicted))),
    )


def _points(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0


def _check_lengths(gold: Sentences, predicted: Sentences) -> None:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sentences but {len(predicted)} predicted ones")
    for index, (a, b) in enumerate(zip(gold, predicted, strict=True)):
        if len(a) != len(b):
            raise ValueError(f"sentence {index}: {len(a)} gold tags but {len(b)} predicted ones")


def _spans(sentences: Sentences) -> set[tuple[str, int, int]]:
    """Return (type, first word, last word) of every span; words count through all sentences."""
    spans = set()
    begin = 0
    before, type_before = "O", ""
    # An O after every sentence closes its last span and keeps sentences apart.
    for position, tag in enumerate(chain.from_iterable((*words, "O") for words in sentences)):
        letter, type_ = tag[0], tag.rpartition("-")[2]
        changed = type_ != type_before
        if _ends(before, letter, changed):
            spans.add((type_before, begin, position - 1))
        if _starts(before, letter, changed):
            begin = position
        before, type_before = letter, type_
    return spans


def _ends(before: str, letter: str, changed: bool) -> bool:
    """Tell whether a span ends between two neighbours, given their first letters."""
    return (
        before in "ES" or (before in "BI" and letter in "BSO") or (before not in "O." and changed)
    )


def _starts(before: str, letter: str, changed: bool) -> bool:
    """Tell whether a span starts at the second of two neighbours, given their first letters."""
    return (
        letter in "BS" or (before in "ESO" and letter in "EI") or (letter not in "O." and changed)
    )
