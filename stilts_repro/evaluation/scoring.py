"""From logits to a target task's score in one language, a function a format.

Every function returns metrics in points (0..100) by name, and the name of the one that is the
task's score is in `MAIN_METRIC`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.evaluation.accuracy import accuracy
from stilts_repro.evaluation.span_decode import Windows, best_spans
from stilts_repro.evaluation.squad import best_threshold_scores, mlqa_scores, squad_scores
from stilts_repro.evaluation.tags import span_f1
from stilts_repro.tasks.format import Example, Format
from stilts_repro.tasks.languages import LANGUAGES
from stilts_repro.tasks.span import NONE, Question
from stilts_repro.tasks.tagging import Tagging

Metrics = dict[str, float]

MAIN_METRIC = {
    "classification": "accuracy",
    "multiple_choice": "accuracy",
    "tagging": "f1",  # of spans, for part of speech too (XTREME)
    "span": "f1_em",  # the mean of F1 and exact match (XTREME)
    "retrieval": "accuracy",
    "mining": "f1",
}


def metrics_by_language(
    kind: Format,
    task: str,
    examples: Mapping[str, Sequence[Example]],
    features: Features,
    logits: np.ndarray,
) -> dict[str, Metrics]:
    """Score the logits of several languages' examples, featurised as one, each language alone."""
    if kind.name == "span":
        answers = iter(_answers([e for held in examples.values() for e in held], features, logits))
        return {
            code: _score_answers(task, code, held, [next(answers) for _ in held])
            for code, held in examples.items()
        }
    found, start = {}, 0
    for code, held in examples.items():
        units = np.arange(start, start + len(held))
        start += len(held)
        if isinstance(kind, Tagging):
            found[code] = _score_tags(kind, features, units, logits)
        else:
            gold = features.unit["label"][units].tolist()
            predicted = logits[units].argmax(axis=1).tolist()
            found[code] = {"accuracy": accuracy(gold, predicted)}
    return found


def best_threshold_metrics(
    questions: Sequence[Question], features: Features, logits: np.ndarray
) -> Metrics:
    """Score SQuAD 2.0: F1 and exact match at the best no-answer threshold (official script)."""
    answers = _answers(questions, features, logits)
    scores = best_threshold_scores(
        {q.id: [text for text, _ in q.answers] for q in questions},
        {q.id: text for q, (text, _) in zip(questions, answers, strict=True)},
        {q.id: null for q, (_, null) in zip(questions, answers, strict=True)},
    )
    return _with_mean(scores.f1, scores.exact_match)


def _score_tags(
    kind: Tagging, features: Features, units: np.ndarray, logits: np.ndarray
) -> Metrics:
    gold, predicted = [], []
    for unit in units:
        tags = features.token["label"][features.offsets[unit] : features.offsets[unit + 1]]
        places = np.flatnonzero(tags != TOKEN_PADDING)
        gold.append([kind.labels[tag] for tag in tags[places]])
        predicted.append([kind.labels[tag] for tag in logits[unit, places].argmax(axis=1)])
    scores = span_f1(gold, predicted)
    return {
        "f1": scores.f1,
        "precision": scores.precision,
        "recall": scores.recall,
        "accuracy": scores.accuracy,
    }


def _answers(
    questions: Sequence[Question], features: Features, logits: np.ndarray
) -> list[tuple[str, float]]:
    """Return each question's best answer text and how much the null answer beats it by."""
    offsets = np.full((2, *logits.shape[:2]), NONE, np.int64)
    lengths = np.diff(features.offsets)
    inside = np.arange(logits.shape[1])[None, :] < lengths[:, None]
    offsets[0][inside] = features.token["char_start"]
    offsets[1][inside] = features.token["char_end"]
    spans = best_spans(
        logits[..., 0],
        logits[..., 1],
        Windows(features.unit["question"], offsets[0], offsets[1]),
        [q.context for q in questions],
    )
    return [(span.text, span.null_score - span.score) for span in spans]


def _score_answers(
    task: str,
    language: str,
    questions: Sequence[Question],
    answers: Sequence[tuple[str, float]],
) -> Metrics:
    golds = {q.id: [text for text, _ in q.answers] for q in questions}
    predictions = {q.id: text for q, (text, _) in zip(questions, answers, strict=True)}
    if task == "mlqa":
        # The testbed's languages have no articles, and neither has MLQA's Hindi.
        scores = mlqa_scores(golds, predictions, language if language in LANGUAGES else "hi")
    else:
        scores = squad_scores(golds, predictions)
    return _with_mean(scores.f1, scores.exact_match)


def _with_mean(f1: float, exact_match: float) -> Metrics:
    return {"f1_em": (f1 + exact_match) / 2, "f1": f1, "exact_match": exact_match}
