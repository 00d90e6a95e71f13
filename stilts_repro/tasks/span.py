"""Extractive question answering: SQuAD 1.1 and 2.0, XQuAD, MLQA, TyDiQA-GoldP."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.metrics.span_decode import SpanPrediction, Windows, best_spans
from stilts_repro.metrics.squad import best_threshold_scores, mlqa_scores, squad_scores
from stilts_repro.tasks.format import Format, Limits, Metrics, Scored, Text, broken_units, twice
from stilts_repro.tasks.heads import SpanHead
from stilts_repro.tasks.languages import LANGUAGES
from stilts_repro.tasks.taking import Row, take, take_list
from stilts_repro.tasks.tokens import specials_of
from stilts_repro.tasks.windows import NONE, Question, windows_of

STRIPPED = 10  # blanks before a context that a loader may have taken off
CHUNK = 1024  # questions featurised together: few enough for the arrays to stay in cache


@dataclass(frozen=True)
class Span(Format):
    """The SQuAD columns; `unanswerable` allows questions without an answer (SQuAD 2.0).

    `script` is whose evaluation script scores answers in each language.
    """

    name = "span"
    head = SpanHead
    classes = "MODEL_FOR_QUESTION_ANSWERING_MAPPING"
    shared_column = "context"
    suffix = "json"
    metric: ClassVar = "f1_em"  # the mean of F1 and exact match
    columns: ClassVar = ("id", "context", "question", "answers")
    logit_names: ClassVar = ("start", "end")
    unanswerable: bool = False
    script: Literal["squad", "mlqa"] = "squad"

    def parse(self, row: Row, where: str) -> Question:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        identity = take(row, "id", str, where)
        where = f"{where} (id {identity})"
        context = take(row, "context", str, where)
        answers = take(row, "answers", dict, where)
        texts = take_list(answers, "text", str, where)
        starts = take_list(answers, "answer_start", int, where)
        if len(texts) != len(starts):
            raise InputError(f"{where}: {len(texts)} answer texts and {len(starts)} offsets")
        if not texts and not self.unanswerable:
            raise InputError(f"{where}: it has no answer, and this data set has no such questions")
        told = zip(texts, starts, strict=True)
        answers = tuple((text, _place(context, text, start, where)) for text, start in told)
        return Question(identity, take(row, "question", str, where), context, answers)

    def texts(self, row: Row, where: str) -> list[Text]:
        """Return the question, and the context with its answers, for a translator."""
        asked = self.parse(row, where)
        answers = tuple((start, start + len(text)) for text, start in asked.answers)
        return [Text(asked.question), Text(asked.context, answers)]

    def with_texts(
        self, row: Row, texts: Sequence[Text], counts: Counter[str]
    ) -> dict[str, Any] | None:
        """Return the row with a translated question, context, and the answers that are in it.

        None, counted as `answer not found`, where it has answers and none of them is.
        """
        question, context = texts
        places = context.answers or ()
        if row["answers"]["text"] and not places:
            counts["answer not found"] += 1
            return None
        answers = {
            **row["answers"],
            "text": [context.text[low:high] for low, high in places],
            "answer_start": [low for low, _ in places],
        }
        return {**row, "question": question.text, "context": context.text, "answers": answers}

    def featurise(
        self, examples: Sequence[Question], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Cut each context into overlapping windows, each read with its question.

        Unit columns: `example` (index into `examples`), `start` and `end` (token places of the
        first answer; 0, the `<s>`, where the window does not hold it whole). Token columns:
        `char_start` and `char_end`, offsets in the context; -1 where an answer may not begin or
        end.
        """
        specials = specials_of(tokenizer)
        parts = [
            windows_of(examples[at : at + CHUNK], at, tokenizer, limits, specials)
            for at in range(0, len(examples), CHUNK)
        ]
        return Features.joined(parts)

    def withheld(self, example: Question) -> str:
        """Say that all answers are empty text, where there are answers."""
        if example.answers and not any(text for text, _ in example.answers):
            return f"(id {example.id}): its answer is empty text"
        return ""

    def named_apart(
        self, examples: Sequence[Question], where: str, *, whole: bool
    ) -> tuple[Question, ...]:
        """Return the questions with an id each, by which their answers are scored.

        In rows carved out of a split, a training file's perhaps, ids need not differ: there the
        second of an id gets its place added.
        """
        ids: set[str] = set()
        questions = []
        for place, question in enumerate(examples):
            if question.id in ids and not whole:
                question = replace(question, id=f"{question.id}#{place}")
            if question.id in ids:
                raise twice(question.id, where)
            ids.add(question.id)
            questions.append(question)
        return tuple(questions)

    def predict(
        self, examples: Sequence[Question], features: Features, logits: np.ndarray
    ) -> list[str]:
        """Return each question's best answer; "" where none of its windows has finite logits."""
        return [span.text for span in _best_spans(examples, features, logits)]

    def gold(self, examples: Sequence[Question]) -> Any:
        """Return the texts of the answers, by id."""
        return {q.id: [text for text, _ in q.answers] for q in examples}

    def score(
        self, examples: Sequence[Question], predictions: Sequence[str], language: str
    ) -> Scored:
        """Score answers by F1 and exact match; the predictions that are kept are by id."""
        answers = {q.id: text for q, text in zip(examples, predictions, strict=True)}
        if self.script == "mlqa":
            # The testbed's languages have no articles, and neither has MLQA's Hindi.
            known = language if language in LANGUAGES else "hi"
            scores = mlqa_scores(self.gold(examples), answers, known)
        else:
            scores = squad_scores(self.gold(examples), answers)
        return Scored(_with_mean(scores.f1, scores.exact_match), answers)

    def floor(self, examples: Sequence[Question], language: str) -> None:
        """Return nothing: there is no answer to give always; an untrained model stands for it."""

    def dev_metrics(
        self, examples: Sequence[Question], features: Features, logits: np.ndarray
    ) -> Metrics:
        """Score dev rows; those of SQuAD 2.0 at the best no-answer threshold (official script)."""
        if not self.unanswerable:
            return super().dev_metrics(examples, features, logits)
        spans = _best_spans(examples, features, logits)
        scores = best_threshold_scores(
            self.gold(examples),
            {q.id: span.text for q, span in zip(examples, spans, strict=True)},
            {q.id: span.null_score - span.score for q, span in zip(examples, spans, strict=True)},
        )
        return _with_mean(scores.f1, scores.exact_match)

    def prediction_file(self, examples: Sequence[Question], predictions: Any) -> str:
        """Return answers by id, as JSON."""
        # Plain ASCII: evaluate.py opens files in the encoding of whoever runs it.
        return json.dumps(predictions, indent=2)

    def label_file(self, examples: Sequence[Question], title: str) -> str:
        """Return the questions in SQuAD's format: one article, a paragraph a context."""
        paragraphs: dict[str, list[dict[str, Any]]] = {}
        for question in examples:
            answers = [{"text": text, "answer_start": start} for text, start in question.answers]
            paragraphs.setdefault(question.context, []).append(
                {"id": question.id, "question": question.question, "answers": answers}
            )
        texts = [{"context": context, "qas": qas} for context, qas in paragraphs.items()]
        article = {"title": title, "paragraphs": texts}
        return json.dumps({"version": "1.1", "data": [article]})


def _best_spans(
    questions: Sequence[Question], features: Features, logits: np.ndarray
) -> list[SpanPrediction]:
    """Return each question's best answer from the windows whose logits are finite."""
    offsets = np.full((2, *logits.shape[:2]), NONE, np.int64)
    lengths = np.diff(features.offsets)
    inside = np.arange(logits.shape[1])[None, :] < lengths[:, None]
    offsets[0][inside] = features.token["char_start"]
    offsets[1][inside] = features.token["char_end"]
    finite = np.setdiff1d(np.arange(len(logits)), broken_units(logits))
    windows = (features.unit["example"], *offsets)
    if len(finite) < len(logits):  # a copy of all only where there is need
        logits, windows = logits[finite], tuple(array[finite] for array in windows)
    contexts = [question.context for question in questions]
    return best_spans(logits[..., 0], logits[..., 1], Windows(*windows), contexts)


def _with_mean(f1: float, exact_match: float) -> Metrics:
    return {"f1_em": (f1 + exact_match) / 2, "f1": f1, "exact_match": exact_match}


def _place(context: str, text: str, start: int, where: str) -> int:
    """Return where an answer begins: at `start`, or where that is without the blanks before it.

    Some of the hub's loaders strip contexts and leave answer_start as it was; TyDiQA's begin with
    up to five blanks. Raises `InputError` where the answer is at neither.
    """
    for place in range(start, max(start - STRIPPED, -1), -1):
        if context.startswith(text, place):
            return place
        if not context[:1].strip():  # it was not stripped
            break
    raise InputError(
        f"{where}: answer {text!r:.60} is not at character {start} of its context; "
        "mend answer_start"
    )
