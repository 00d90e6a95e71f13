"""Retrieval of answers (LAReQA): a question's sentence among all sentences of all languages.

One tower encodes both: a question, and a sentence with the paragraph that it stands in. It is
trained on English pairs, each batch's other sentences being the wrong ones (XTREME-R, Ruder et al.
2021; Roy et al. 2020). The answer to a question in one language may stand in any: XQuAD-R's rows
are parallel, and equal ids are one question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import SEGMENT, Batch, Features
from stilts_repro.errors import InputError
from stilts_repro.metrics.ranking import CUT, average_precision, nearest_rows
from stilts_repro.tasks.format import Format, Limits, Metrics, Scored, broken_units
from stilts_repro.tasks.heads import Head, cross_entropy
from stilts_repro.tasks.span import Span
from stilts_repro.tasks.taking import Row, take
from stilts_repro.tasks.tokens import encode, specials_of

# After a full stop and a blank, not after "Mr." and the like; after a Chinese one, or the quotation
# mark behind it, with or without a blank.
_BREAK = re.compile(
    r"(?:(?<=[.!?।؟])(?<!\b[A-Z]\.)(?<!\b[A-Z][a-z]\.)(?<!\b[A-Z][a-z]{2}\.)\s+"
    r"|(?<=[。！？])(?![”’」』）])\s*|(?<=[。！？][”’」』）])\s*)(?=\S)"
)
QUESTION = -1  # of the column `sentence`
Place = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """A question, its paragraph, the sentences of that (half-open), and which of them answers."""

    identity: str
    question: str
    context: str
    sentences: tuple[Place, ...]
    answer: int


class DualHead(Head):
    """The vectors themselves, of length 1, and how much their cosines are stretched.

    A question's sentence is told from three others: XTREME-R's scripts add up four batches of four.
    """

    reads = "sequence"
    together = 4

    def __init__(self, hidden: int, outputs: int, dropout: float, *, bias: bool = True) -> None:
        nn.Module.__init__(self)
        self.scale = nn.Parameter(torch.empty(()))

    @torch.no_grad()
    def init(self, deviation: float, generator: torch.Generator) -> None:
        """Start with the stretch of XTREME-R."""
        self.scale.fill_(100.0)

    def forward(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Return [U, group * H]: the vectors of a unit's sequences, end to end."""
        return functional.normalize(vectors.float(), dim=-1).view(len(vectors) // batch.group, -1)

    def loss(self, logits: Tensor, batch: Batch, over: int | None = None) -> Tensor:
        """Return the mean cross-entropy of each question's sentence among those `together`."""
        question, sentence = logits.view(len(logits), 2, -1).unbind(dim=1)
        gold = torch.arange(len(logits), device=logits.device)
        block = gold // self.together
        alien = block.unsqueeze(1) != block
        cosines = self.scale * question @ sentence.T
        return cross_entropy(cosines.masked_fill(alien, float("-inf")), gold, over)


@dataclass(frozen=True)
class TwoTexts(Format):
    """What is asked for and what answers it, by one tower; with `pool` among all of the task's."""

    head = DualHead
    metric: ClassVar = "map"
    logit_names: ClassVar = ()
    pool: bool = False

    @property
    def group(self) -> int:
        """A pair's two sequences; of a pool, each by itself."""
        return 1 if self.pool else 2

    def vectors(self, logits: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return what is asked and what answers, [units, H] each; of a pool both are all units."""
        held = torch.from_numpy(np.nan_to_num(logits))
        if self.pool:
            return held, held
        asked, answers = held.view(len(held), 2, -1).unbind(dim=1)
        return asked, answers

    def metrics_of(self, found: Sequence[tuple[Sequence[int], int]]) -> Metrics:
        """Return mean average precision at 20 and how often the first is right, in points.

        `found` has the ranks of the right answers that each question found, and their number.
        """
        each = [average_precision(ranks, right) for ranks, right in found]
        first = [ranks[:1] == [1] for ranks, _ in found]
        return {"map": 100 * fmean(each), "first": 100 * fmean(first)}

    def floor(self, examples: Sequence[Any], language: str) -> float | None:
        """Return None: what takes no reading is what the model does before training."""
        return None


@dataclass(frozen=True)
class AnswerRetrieval(TwoTexts):
    """SQuAD's columns, and `sentence_breaks` where rows have them (XQuAD-R); else a rule cuts.

    Training rows are pairs. With `pool`, candidates are all sentences of all paragraphs of all
    languages together. A prediction is how many right ones there are, and then the ranks of those
    among the first twenty.
    """

    name = "answer retrieval"
    shared_column = "context"
    columns: ClassVar = Span.columns

    def parse(self, row: Row, where: str) -> Asked:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        asked = Span().parse(row, where)
        sentences = _sentences(row, asked.context, f"{where} (id {asked.id})")
        start = asked.answers[0][1]
        place = sum(end <= start for _, end in sentences[:-1])
        return Asked(asked.id, asked.question, asked.context, sentences, place)

    def featurise(
        self, examples: Sequence[Asked], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise questions, `<s> A </s>`, and sentences, `<s> A </s></s> paragraph </s>`.

        Unit columns: `example`, and of a pool `sentence`, its place in the paragraph of the
        example, or `QUESTION`. A paragraph's sentences are of the first example that has it.
        """
        one, two = specials_of(tokenizer, 1), specials_of(tokenizer)
        asked = encode(tokenizer, [example.question for example in examples])
        texts: dict[str, list[str]] = {}
        for e in examples:
            texts.setdefault(e.context, [e.context[low:high] for low, high in e.sentences])
        paragraphs = dict(zip(texts, encode(tokenizer, [*texts]), strict=True))
        sentences = {
            context: encode(tokenizer, own) if self.pool else [] for context, own in texts.items()
        }
        room, alone = two.room(limits), limits.max_question
        sequences, kinds, owners, places, cut = [], [], [], [], 0
        for number, (example, question) in enumerate(zip(examples, asked, strict=True)):
            cut += len(question) > alone
            sequences.append(one.single(question[:alone]))
            kinds.append(one.segments_of(question[:alone]))
            owners.append(number)
            places.append(QUESTION)
            paragraph = paragraphs[example.context]
            if self.pool:
                told = sentences.pop(example.context, [])
            else:
                low, high = example.sentences[example.answer]
                told = encode(tokenizer, [example.context[low:high]])
            for place, sentence in enumerate(told):
                kept = sentence[:room]
                rest = paragraph[: room - len(kept)]
                cut += len(sentence) + len(paragraph) > room
                sequences.append(two.pair(kept, rest))
                kinds.append(two.segments_of(kept, rest))
                if self.pool:
                    owners.append(number)
                    places.append(place)
        unit = {"example": owners} | ({"sentence": places} if self.pool else {})
        token = {SEGMENT: np.concatenate(kinds)} if two.segments else {}
        return Features.of(sequences, group=self.group, token=token, unit=unit, truncated=cut)

    def predict(
        self, examples: Sequence[Asked], features: Features, logits: np.ndarray
    ) -> list[list[int]]:
        """Return for each question how many answers it has, and the ranks of those found."""
        broken = broken_units(logits)
        questions, candidates = self.vectors(logits)
        if self.pool:
            place = features.unit["sentence"]
            asked = np.flatnonzero(place == QUESTION)
            told = np.flatnonzero(place != QUESTION)
            questions, candidates = questions[asked], candidates[told]
            texts = [
                (examples[owner].context, int(at))
                for owner, at in zip(features.unit["example"][told], place[told], strict=True)
            ]
        else:
            asked = np.arange(len(logits))
            texts = [(example.context, example.answer) for example in examples]
        answers: dict[str, set[tuple[str, int]]] = {}
        for example in examples:
            answers.setdefault(example.identity, set()).add((example.context, example.answer))
        right = {identity: sum(t in own for t in texts) for identity, own in answers.items()}
        found = nearest_rows(questions, candidates, CUT).tolist()
        silent = {*np.searchsorted(asked, broken[np.isin(broken, asked)]).tolist()}
        return [
            [
                right[example.identity],
                *(
                    rank
                    for rank, candidate in enumerate(found[number], 1)
                    if texts[candidate] in answers[example.identity] and number not in silent
                ),
            ]
            for number, example in enumerate(examples)
        ]

    def score(self, examples: Sequence[Asked], predictions: Sequence[Any], language: str) -> Scored:
        """Score the questions of one language: mean average precision at 20, in points."""
        found = [(ranks, right) for right, *ranks in predictions]
        return Scored(self.metrics_of(found), list(predictions))

    def gold(self, examples: Sequence[Asked]) -> list[Any]:
        """Return which sentence of its paragraph answers each question."""
        return [example.answer for example in examples]

    def named_apart(
        self, examples: Sequence[Asked], where: str, *, whole: bool
    ) -> tuple[Asked, ...]:
        """Return the questions; of one paragraph all must have the same sentences."""
        cuts: dict[str, tuple[Place, ...]] = {}
        for example in examples:
            if cuts.setdefault(example.context, example.sentences) != example.sentences:
                raise InputError(
                    f"{where} (id {example.identity}): its sentence_breaks are not those of "
                    "another row with the same context; give XQuAD-R's own"
                )
        return tuple(examples)

    def withheld(self, example: Asked) -> str:
        """Say what of an example is empty text."""
        return "" if example.question else f"(id {example.identity}): its question is empty text"


def _sentences(row: Row, context: str, where: str) -> tuple[Place, ...]:
    """Return the sentences of a paragraph, as the row says or by the rule."""
    if "sentence_breaks" not in row:
        ends = [(match.start(), match.end()) for match in _BREAK.finditer(context)]
        starts = [0, *(end for _, end in ends)]
        return tuple(zip(starts, [*(start for start, _ in ends), len(context)], strict=True))
    breaks = take(row, "sentence_breaks", (list, tuple), where)
    spans = [tuple(pair) for pair in breaks]
    sound = all(
        len(span) == 2 and all(isinstance(end, int) for end in span) and span[0] < span[1]
        for span in spans
    )
    if not spans or not sound or spans != sorted(spans) or spans[-1][1] > len(context):
        raise InputError(
            f"{where}: sentence_breaks {breaks!r:.60} are no rising pairs of places in the "
            "context; give XQuAD-R's own"
        )
    return tuple(spans)
