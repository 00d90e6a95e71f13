"""F1 and exact match of extracted answers: SQuAD 1.1, SQuAD 2.0 and MLQA.

XTREME scores XQuAD and TyDiQA with the English SQuAD 1.1 script whatever the language (so Chinese
and Thai answers are one long token) and MLQA with the MLQA script.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Golds = Mapping[str, Sequence[str]]
Scorer = Callable[[Sequence[str], str], tuple[float, float]]

# The words that the MLQA script takes out; `ال` goes wherever it occurs, inside a word as well,
# since that script's pattern for it has no word boundary. Hindi and Chinese have no articles.
_MLQA_ARTICLES = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "ar": "ال",
    "hi": None,
    "zh": None,
}
_CHINESE_CHARACTER = re.compile("[\u4e00-\u9fa5]")
_ASCII_PUNCTUATION = frozenset(string.punctuation)


@dataclass(frozen=True)
class QaScores:
    """Mean token F1 and exact match over the questions, in points."""

    f1: float
    exact_match: float


def squad_scores(golds: Golds, predictions: Mapping[str, str]) -> QaScores:
    """Score answers as the official SQuAD scripts do; each question takes its best gold answer.

    `golds` maps a question's id to its gold answers, `predictions` an id to the answer; ids that
    are not in `golds` are ignored. The data decide the script: one question without a gold answer
    makes the set SQuAD 2.0, otherwise it is 1.1. They differ only in empty text: in 2.0 a question
    without (non-empty) gold answers scores 1 where the prediction is empty, else 0; in 1.1 two
    texts that normalise to nothing match exactly but share no token, so their F1 is 0.
    A missing prediction scores 0 (as in 1.1; the 2.0 script leaves the question out instead).
    Raises ValueError where there is no question.
    """
    is_v2 = any(not answers for answers in golds.values())
    return _mean_scores(golds, predictions, _score_v2 if is_v2 else _score_v1)


def best_threshold_scores(
    golds: Golds, predictions: Mapping[str, str], no_answer_scores: Mapping[str, float]
) -> QaScores:
    """Return best_f1 and best_exact of the official SQuAD 2.0 script.

    Each is what the best threshold for it gives; a question is answered where its
    `no_answer_scores` entry is at most the threshold. `predictions` are the answers before any
    threshold. As in the official script, questions are switched to "answered" one at a time, in the
    order of their score and then of the mapping, so among equal scores (jiant passes 0 for every
    question) the best number may be one that no threshold can reach.
    Raises ValueError where there is no question, or one lacks a prediction or a score.
    """
    if not golds:
        raise ValueError("scores of no questions")
    for name, given in (("prediction", predictions), ("no-answer score", no_answer_scores)):
        missing = [key for key in golds if key not in given]
        if missing:
            raise ValueError(f"{len(missing)} questions without a {name}, first {missing[0]!r}")
    known = (key for key in no_answer_scores if key in golds)
    order = sorted(known, key=lambda key: no_answer_scores[key])
    gains = [_gain(golds[key], predictions[key]) for key in order]
    unanswerable = sum(not answers for answers in golds.values())
    totals = np.cumsum([(unanswerable, unanswerable), *gains], axis=0)  # the first i answered
    f1, exact = 100.0 * totals.max(axis=0) / len(gains)
    return QaScores(float(f1), float(exact))


def mlqa_scores(golds: Golds, predictions: Mapping[str, str], language: str) -> QaScores:
    """Score answers as the MLQA script does, for context language en, es, de, vi, ar, hi or zh.

    It differs from SQuAD 1.1 in what it takes out (the language's own articles, punctuation of all
    of Unicode) and in its tokens: Chinese counts every character from U+4E00 to U+9FA5 alone and
    splits the rest at blanks ("mixed segmentation"); the other languages split at blanks.
    A missing prediction scores 0.
    Raises ValueError for another language, where there is no question, or one has no gold answer.
    """
    if language not in _MLQA_ARTICLES:
        raise ValueError(f"MLQA has no language {language!r}, only {', '.join(_MLQA_ARTICLES)}")

    def score(answers: Sequence[str], prediction: str) -> tuple[float, float]:
        predicted = _mlqa_tokens(prediction, language)
        return _best_answer([_mlqa_tokens(answer, language) for answer in answers], predicted)

    return _mean_scores(golds, predictions, score)


def squad_tokens(text: str) -> list[str]:
    """Return the tokens that the SQuAD scripts compare.

    In this order: lower case, ASCII punctuation out, a/an/the out, split at blanks.
    """
    words = "".join(char for char in text.lower() if char not in _ASCII_PUNCTUATION)
    return re.sub(r"\b(?:a|an|the)\b", " ", words).split()


def _mlqa_tokens(text: str, language: str) -> list[str]:
    words = "".join(char for char in text.lower() if not _is_punctuation(char))
    articles = _MLQA_ARTICLES[language]
    if articles is not None:
        words = re.sub(articles, " ", words)
    if language == "zh":
        words = _CHINESE_CHARACTER.sub(r" \g<0> ", words)
    return words.split()


def _is_punctuation(char: str) -> bool:
    return char in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


def _score_v1(answers: Sequence[str], prediction: str) -> tuple[float, float]:
    return _best_answer([squad_tokens(answer) for answer in answers], squad_tokens(prediction))


def _score_v2(answers: Sequence[str], prediction: str) -> tuple[float, float]:
    golds = [tokens for tokens in map(squad_tokens, answers) if tokens]
    predicted = squad_tokens(prediction)
    if golds:
        return _best_answer(golds, predicted)
    agrees = float(not predicted)
    return agrees, agrees


def _best_answer(golds: Sequence[list[str]], predicted: list[str]) -> tuple[float, float]:
    """Return the best F1 and the best exact match (0 to 1) over the gold answers' tokens."""
    f1 = max(_token_f1(gold, predicted) for gold in golds)
    return f1, float(predicted in golds)


def _token_f1(gold: list[str], predicted: list[str]) -> float:
    shared = (Counter(gold) & Counter(predicted)).total()
    return 2 * shared / (len(gold) + len(predicted)) if shared else 0.0


def _mean_scores(golds: Golds, predictions: Mapping[str, str], score: Scorer) -> QaScores:
    if not golds:
        raise ValueError("scores of no questions")
    scores = [
        score(answers, predictions[key]) if key in predictions else (0.0, 0.0)
        for key, answers in golds.items()
    ]
    f1, exact = 100.0 * np.mean(scores, axis=0)
    return QaScores(f1=float(f1), exact_match=float(exact))


def _gain(answers: Sequence[str], prediction: str) -> tuple[float, float]:
    """Return what F1 and exact match gain where a question is answered, not left empty."""
    if answers:
        return _score_v2(answers, prediction)
    loss = -float(bool(prediction))
    return loss, loss
