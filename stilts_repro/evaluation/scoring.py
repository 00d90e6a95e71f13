"""From logits to predictions, and from predictions to a task's score in one language.

Every metric is in points (0 to 100); the format's `metric` names the one that is the task's score.
Predictions are what a reader of results would write down, in plain JSON (`Scored`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np

from stilts_repro.data.features import TOKEN_PADDING, Features
from stilts_repro.evaluation.accuracy import accuracy, label_f1
from stilts_repro.evaluation.span_decode import Windows, best_spans
from stilts_repro.evaluation.squad import best_threshold_scores, mlqa_scores, squad_scores
from stilts_repro.evaluation.tags import span_f1
from stilts_repro.tasks.classification import Classification
from stilts_repro.tasks.format import Example, Format
from stilts_repro.tasks.languages import LANGUAGES
from stilts_repro.tasks.span import NONE, Question
from stilts_repro.tasks.tagging import Tagged, Tagging

Metrics = dict[str, float]
NOTHING = -1  # no prediction: the model's output was not finite


@dataclass(frozen=True)
class Scored:
    """One language's metrics in points, and its predictions in the order of the examples.

    Those are label names (classification), indices of endings (multiple choice), lists with a tag
    for every word (tagging), or a mapping from a question's id to its answer (span). Where the
    model's output was not finite nothing is predicted, which counts as wrong: "", -1, "O" a word.
    """

    metrics: Metrics
    predictions: Any


def score_by_language(
    kind: Format,
    task: str,
    examples: Mapping[str, Sequence[Example]],
    features: Features,
    logits: np.ndarray,
) -> dict[str, Scored]:
    """Score the logits of several languages' examples, featurised as one, each language alone."""
    everything = list(chain.from_iterable(examples.values()))
    predicted = iter(_predicted(kind, everything, features, logits))
    return {
        code: _scored(kind, task, code, held, list(islice(predicted, len(held))))
        for code, held in examples.items()
    }


def broken_by_language(
    examples: Mapping[str, Sequence[Example]], features: Features, logits: np.ndarray
) -> dict[str, list[int]]:
    """Return, by language, the places of the examples on which the output was not finite."""
    units = _broken_units(logits)
    of = features.unit.get("question", features.unit.get("sentence"))
    broken = units if of is None else np.unique(of[units])
    ends = np.cumsum([len(held) for held in examples.values()])[:-1]
    starts = [0, *ends.tolist()]
    parts = np.split(broken, np.searchsorted(broken, ends))
    return {
        code: (places - start).tolist()
        for code, start, places in zip(examples, starts, parts, strict=True)
    }


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


def _predicted(
    kind: Format, examples: Sequence[Example], features: Features, logits: np.ndarray
) -> list[Any]:
    """Return one prediction an example: label name, ending's index, tags, or answer text."""
    if kind.name == "span":
        return [text for text, _ in _answers(examples, features, logits)]
    if isinstance(kind, Tagging):
        return _tags(kind, examples, features, logits)
    best = logits.argmax(axis=1)
    best[_broken_units(logits)] = NOTHING
    if not isinstance(kind, Classification):
        return best.tolist()
    return [kind.labels[i] if i != NOTHING else "" for i in best]


def _scored(
    kind: Format, task: str, code: str, examples: Sequence[Example], predicted: Sequence[Any]
) -> Scored:
    if kind.name == "span":
        answers = {q.id: text for q, text in zip(examples, predicted, strict=True)}
        return Scored(_answer_metrics(task, code, examples, answers), answers)
    if isinstance(kind, Tagging):
        return Scored(_tag_metrics(kind, examples, predicted), predicted)
    if not isinstance(kind, Classification):
        return Scored({"accuracy": accuracy([e.label for e in examples], predicted)}, predicted)
    gold = [kind.labels[e.label] for e in examples]
    metrics = {"accuracy": accuracy(gold, predicted)}
    if kind.positive is not None:
        f1 = label_f1(gold, predicted, kind.positive)
        metrics |= {"f1": f1, "accuracy_f1": (metrics["accuracy"] + f1) / 2}
    return Scored(metrics, predicted)


def _broken_units(logits: np.ndarray) -> np.ndarray:
    """Return the places of the units that `predict` made NaN throughout."""
    return np.flatnonzero(np.isnan(logits.reshape(len(logits), -1)[:, 0]))


def _tags(
    kind: Tagging, examples: Sequence[Tagged], features: Features, logits: np.ndarray
) -> list[list[str]]:
    """Return a tag for every word of every sentence, the pieces of a split sentence joined."""
    names = kind.known_labels()
    found: list[list[str]] = [[] for _ in examples]
    broken = set(_broken_units(logits).tolist())
    for unit, sentence in enumerate(features.unit["sentence"]):
        labels = features.token["label"][features.offsets[unit] : features.offsets[unit + 1]]
        places = np.flatnonzero(labels != TOKEN_PADDING)
        tags = [names[i] for i in logits[unit, places].argmax(axis=1)]
        found[sentence] += ["O"] * len(tags) if unit in broken else tags
    return found


def _tag_metrics(
    kind: Tagging, examples: Sequence[Tagged], predicted: Sequence[Sequence[str]]
) -> Metrics:
    gold = [e.tags for e in examples]
    if kind.metric == "accuracy":
        return {"accuracy": accuracy([*chain(*gold)], [*chain(*predicted)])}
    return vars(span_f1(gold, predicted)).copy()


def _answers(
    questions: Sequence[Question], features: Features, logits: np.ndarray
) -> list[tuple[str, float]]:
    """Return each question's best answer text and how much the null answer beats it by."""
    offsets = np.full((2, *logits.shape[:2]), NONE, np.int64)
    lengths = np.diff(features.offsets)
    inside = np.arange(logits.shape[1])[None, :] < lengths[:, None]
    offsets[0][inside] = features.token["char_start"]
    offsets[1][inside] = features.token["char_end"]
    sound = np.setdiff1d(np.arange(len(logits)), _broken_units(logits))
    windows = (features.unit["question"], *offsets)
    if len(sound) < len(logits):  # a copy of all only where there is need
        logits, windows = logits[sound], tuple(array[sound] for array in windows)
    spans = best_spans(
        logits[..., 0], logits[..., 1], Windows(*windows), [q.context for q in questions]
    )
    return [(span.text, span.null_score - span.score) for span in spans]


def _answer_metrics(
    task: str, language: str, questions: Sequence[Question], answers: Mapping[str, str]
) -> Metrics:
    golds = {q.id: [text for text, _ in q.answers] for q in questions}
    if task == "mlqa":
        # The testbed's languages have no articles, and neither has MLQA's Hindi.
        scores = mlqa_scores(golds, answers, language if language in LANGUAGES else "hi")
    else:
        scores = squad_scores(golds, answers)
    return _with_mean(scores.f1, scores.exact_match)


def _with_mean(f1: float, exact_match: float) -> Metrics:
    return {"f1_em": (f1 + exact_match) / 2, "f1": f1, "exact_match": exact_match}
