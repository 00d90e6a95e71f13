"""Retrieval of entities (Mewsli-X): a mention in its sentence, among descriptions of entities.

One tower encodes both, as in retrieval of answers. It is trained on English pairs; candidates are
a million entities, each described in one of 50 languages (XTREME-R, Ruder et al. 2021).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from transformers import PreTrainedTokenizerBase

from stilts_repro.data.features import Features
from stilts_repro.errors import InputError
from stilts_repro.metrics.ranking import CUT, nearest_rows
from stilts_repro.tasks.answers import DualHead, TwoTexts
from stilts_repro.tasks.format import Limits, Scored, broken_units, twice
from stilts_repro.tasks.taking import Row, take
from stilts_repro.tasks.tokens import single_features

_BRACES = re.compile(r"\{(.*?)\}")
_AT_ONCE = 128  # mentions whose nearness to a million candidates is held, half a gigabyte


@dataclass(frozen=True)
class Linked:
    """A mention as it is read, and its entity with what describes it; "" for what a row lacks."""

    identity: str
    mention: str
    entity: str
    description: str


class EntityHead(DualHead):
    """An entity is told from seven others, as in XTREME-R's script."""

    together = 8


@dataclass(frozen=True)
class EntityRetrieval(TwoTexts):
    """Rows of mentions, and with `description` of pairs; candidates have nothing but that.

    With `pool`, candidates are those of the task; else the entities of the pairs themselves. A
    prediction is the first twenty entities, the nearest first.
    """

    name = "entity retrieval"
    head = EntityHead
    suffix: ClassVar = "json"
    columns: ClassVar = ("id", "text", "start", "end", "entity_id")

    def parse(self, row: Row, where: str) -> Linked:
        """Check one row and return its example; `InputError` names `where` and what is wrong."""
        entity = take(row, "entity_id", str, where)
        candidate = self.pool and "text" not in row
        description = ""
        if candidate or not self.pool:
            description = _in_line(take(row, "description", str, where))
            if not description:
                raise InputError(f"{where}: column 'description' is empty; leave the row out")
        if candidate:
            return Linked(entity, "", entity, description)
        identity, text = take(row, "id", str, where), take(row, "text", str, where)
        start, end = take(row, "start", int, where), take(row, "end", int, where)
        if not 0 <= start < end <= len(text):
            raise InputError(
                f"{where} (id {identity}): a mention from {start} to {end} in a text of "
                f"{len(text)} characters; mend the row"
            )
        return Linked(identity, marked(text, start, end), entity, description)

    def featurise(
        self, examples: Sequence[Linked], tokenizer: PreTrainedTokenizerBase, limits: Limits
    ) -> Features:
        """Tokenise mentions and descriptions, `<s> A </s>`: a sequence each."""
        texts = [
            text
            for example in examples
            for text in (example.mention, example.description)
            if text or not self.pool
        ]
        return replace(single_features(texts, tokenizer, limits), group=self.group)

    def predict(
        self, examples: Sequence[Linked], features: Features, logits: np.ndarray
    ) -> list[list[str]]:
        """Return for each mention the entities nearest to it; none where output is not finite.

        Of a pool, mentions come before candidates.
        """
        asked = [place for place, example in enumerate(examples) if example.mention]
        told: dict[str, int] = {}  # an entity may have several pairs
        for place, example in enumerate(examples):
            if example.description:
                told.setdefault(example.entity, place)
        mentions, described = self.vectors(logits)
        names, rows = [*told], [*told.values()]
        found = nearest_rows(mentions[asked], described[rows], CUT, block=_AT_ONCE)
        silent = {*broken_units(logits).tolist()}
        return [
            [] if place in silent else [names[candidate] for candidate in ranked]
            for place, ranked in zip(asked, found.tolist(), strict=True)
        ]

    def score(
        self, examples: Sequence[Linked], predictions: Sequence[Any], language: str
    ) -> Scored:
        """Score one language's mentions: mean average precision at 20, in points.

        A mention has one entity, so that this is the mean reciprocal rank.
        """
        ranks = [
            [found.index(example.entity) + 1] if example.entity in found else []
            for example, found in zip(examples, predictions, strict=True)
        ]
        return Scored(self.metrics_of([(rank, 1) for rank in ranks]), list(predictions))

    def gold(self, examples: Sequence[Linked]) -> list[Any]:
        """Return each mention's entity, in the shape of predictions."""
        return [[example.entity] for example in examples]

    def withheld(self, example: Linked) -> str:
        """Say what of an example is empty text."""
        return "" if example.entity else f"(id {example.identity}): entity_id is empty"

    def named_apart(
        self, examples: Sequence[Linked], where: str, *, whole: bool
    ) -> tuple[Linked, ...]:
        """Return the mentions, no two of one id."""
        seen: set[str] = set()
        for example in examples:
            if example.identity in seen:
                raise twice(example.identity, where)
            seen.add(example.identity)
        return tuple(examples)

    def prediction_file(self, examples: Sequence[Linked], predictions: Any) -> str:
        """Return XTREME-R's file: one object, from each mention's id to its entities."""
        told = {e.identity: found for e, found in zip(examples, predictions, strict=True)}
        return json.dumps(told, ensure_ascii=False) + "\n"


def marked(text: str, start: int, end: int) -> str:
    """Return a mention and its text, in which braces stand around it, as XTREME-R reads them.

    The mention comes first as well, so that cutting a long text leaves it. Other pairs of braces
    become round ones.
    """
    mention = text[start:end]
    left, right = (_BRACES.sub(r"(\1)", side) for side in (text[:start], text[end:]))
    return _in_line(f"{mention}: {left} {{ {mention} }} {right}")


def _in_line(text: str) -> str:
    return " ".join(text.split())
