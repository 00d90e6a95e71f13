"""Rows and documents of the testbed, under the names of the hub's data sets."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from stilts_repro.errors import MissingError
from stilts_repro.seeds import python_rng
from stilts_repro.testbed.corpus import Corpus
from stilts_repro.testbed.grammar import Grammar, grammar
from stilts_repro.testbed.languages import LANGUAGES
from stilts_repro.testbed.rows import (
    commonsense,
    inference,
    paraphrase,
    reading,
    retrieval,
    tagging,
)
from stilts_repro.testbed.world import Sampler, World, world

Row = dict[str, Any]
_CODES = tuple(LANGUAGES)
_XTREME = "google/xtreme"
_HELD_OUT = {"validation": 500, "test": 500}
_BUCC_LANGUAGES = ("qaa", "qab", "qac", "qad")
_BUCC_GOLD, _BUCC_ALONE = 200, 400
_SQUAD_LENGTH, _MLQA_LENGTH = (3, 6), (6, 9)
_UNANSWERABLE = 1 / 3


@dataclass(frozen=True)
class _Draw:
    """All that one row may depend on; `index` counts meanings, not rows."""

    rng: random.Random
    sampler: Sampler
    speaker: Grammar
    split: str
    index: int


@dataclass(frozen=True)
class _Config:
    """How to make one config's rows.

    Configs with equal `family` share their meanings row by row. With `interleaved`, row i is in
    language i mod 8 and tells meaning i div 8.
    """

    family: str
    row: Callable[[_Draw], Row]
    sizes: dict[str, int]
    code: str = "en"
    interleaved: bool = False


def _mnli(draw: _Draw) -> Row:
    item = inference.draw(draw.rng, draw.sampler)
    return inference.mnli_row(item, draw.speaker, draw.index)


def _xnli(draw: _Draw) -> Row:
    return inference.xnli_row(inference.draw(draw.rng, draw.sampler), draw.speaker)


def _pawsx(draw: _Draw) -> Row:
    return paraphrase.row(paraphrase.draw(draw.rng, draw.sampler), draw.speaker)


def _hellaswag(draw: _Draw) -> Row:
    item = commonsense.draw(draw.rng, draw.sampler)
    return commonsense.row(item, draw.speaker, draw.index, draw.split)


def _squad(draw: _Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"squad-{draw.split}-{draw.index}", title=True)


def _squad_v2(draw: _Draw) -> Row:
    unanswerable = draw.rng.random() < _UNANSWERABLE
    make = reading.draw_unanswerable if unanswerable else reading.draw
    item = make(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"squad_v2-{draw.split}-{draw.index}", title=True)


def _xquad(draw: _Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH)
    return reading.squad_row(item, draw.speaker, f"xquad-{draw.split}-{draw.index}", title=False)


def _mlqa(draw: _Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _MLQA_LENGTH)
    return reading.squad_row(item, draw.speaker, f"mlqa-{draw.split}-{draw.index}", title=True)


def _tydiqa(draw: _Draw) -> Row:
    item = reading.draw(draw.rng, draw.sampler, _SQUAD_LENGTH, elliptical=True)
    row_id = f"{draw.speaker.language.name.lower()}-{draw.split}-{draw.index}"
    return reading.squad_row(item, draw.speaker, row_id, title=True)


def _panx(draw: _Draw) -> Row:
    return tagging.panx_row(draw.rng, draw.sampler, draw.speaker)


def _udpos(draw: _Draw) -> Row:
    return tagging.udpos_row(draw.rng, draw.sampler, draw.speaker)


@cache
def _configs() -> dict[tuple[str, str], _Config]:
    """Return every config whose rows are drawn independently of one another."""
    intermediate = {"train": 20_000, "validation": 500}
    mnli = {"train": 20_000, "validation_matched": 500}
    everywhere = {"train": 400 * len(_CODES)} | {
        split: size * len(_CODES) for split, size in _HELD_OUT.items()
    }
    in_all = {split: everywhere[split] for split in _HELD_OUT}
    table = {
        ("nyu-mll/glue", "mnli"): _Config("mnli", _mnli, mnli),
        ("rajpurkar/squad", "plain_text"): _Config("squad", _squad, intermediate),
        ("rajpurkar/squad_v2", "squad_v2"): _Config("squad_v2", _squad_v2, intermediate),
        ("Rowan/hellaswag", "default"): _Config("hellaswag", _hellaswag, intermediate),
        (_XTREME, "XNLI"): _Config("XNLI", _xnli, in_all, interleaved=True),
        (_XTREME, "tydiqa"): _Config("tydiqa", _tydiqa, everywhere, interleaved=True),
    }
    for code, language in LANGUAGES.items():
        trained = ({"train": 4_000} if code == "en" else {}) | _HELD_OUT
        table |= {
            (_XTREME, f"PAWS-X.{code}"): _Config("PAWS-X", _pawsx, trained, code),
            (_XTREME, f"PAN-X.{code}"): _Config(f"PAN-X.{code}", _panx, trained, code),
            (_XTREME, f"udpos.{language.name}"): _Config(f"udpos.{code}", _udpos, trained, code),
            (_XTREME, f"XQuAD.{code}"): _Config("XQuAD", _xquad, _HELD_OUT, code),
            (_XTREME, f"MLQA.{code}.{code}"): _Config("MLQA", _mlqa, _HELD_OUT, code),
        }
    return table


class TestbedSource:
    """Rows with the hub's columns and documents, in English and seven invented languages.

    Everything depends on `world_seed` alone. Disjoint between train, validation and test, over all
    tasks and languages and the corpus: the pairs of participants (agent and patient, in either
    role) of events. What is true of the world for good (who is a baker, which town is where, what
    is a tool), and which verb follows which, is shared by all splits. In MNLI, XNLI and PAWS-X the
    changed events of hypotheses and negatives respect the split as well.

    Rows of XNLI, PAWS-X, XQuAD and MLQA are parallel across languages; those of TyDiQA, PAN-X and
    udpos are not.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name
    name = "testbed"

    def __init__(self, world_seed: int = 13) -> None:
        self.world_seed = world_seed
        self._corpus = Corpus(self._world)

    @cached_property
    def _world(self) -> World:
        return world(self.world_seed)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, English first."""
        return _CODES

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the testbed has the split."""
        entry = _configs().get((repo, config))
        found = entry is not None and split in entry.sizes
        return found or self._retrieval(repo, config, split) is not None

    def load(
        self, repo: str, config: str, split: str, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the first `limit` rows (default: all) of a split, as `load(...)[:limit]`.

        Raise `MissingError` where the testbed has no such repository, config or split.
        """
        if retrieved := self._retrieval(repo, config, split):
            return retrieved[:limit]
        entry = _configs().get((repo, config))
        if entry is None or split not in entry.sizes:
            raise MissingError(f"the testbed has no {repo} {config} {split}")
        size = entry.sizes[split] if limit is None else min(limit, entry.sizes[split])
        return list(itertools.islice(self._rows(repo, entry, split), size))

    def documents(self, language: str, split: str = "train") -> Iterator[str]:
        """Yield monolingual documents without end."""
        return self._corpus.documents(language, split)

    def bilingual_documents(self, split: str = "train") -> Iterator[str]:
        """Yield documents of sentences side by side with translations, without end."""
        return self._corpus.bilingual_documents(split)

    def mixed_documents(self, split: str = "train") -> Iterator[str]:
        """Yield code-mixed documents without end."""
        return self._corpus.mixed_documents(split)

    def _rows(self, repo: str, entry: _Config, split: str) -> Iterator[Row]:
        share = split.removesuffix("_matched")
        sampler = Sampler(self._world, share)
        codes = _CODES if entry.interleaved else (entry.code,)
        for number in itertools.count():
            index, place = divmod(number, len(codes))
            code = codes[place]
            # TyDiQA has other questions in every language; the other interleaved task is parallel.
            family = f"tydiqa.{code}" if entry.family == "tydiqa" else entry.family
            rng = python_rng(self.world_seed, repo, family, split, index)
            speaker = grammar(code, self._world)
            yield entry.row(_Draw(rng, sampler, speaker, share, index))

    def _retrieval(self, repo: str, config: str, split: str) -> list[Row] | None:
        """Return all rows of a Tatoeba or BUCC split, or None if there is no such split."""
        task, _, code = config.partition(".")
        share = split.removesuffix("_unpaired")
        if repo != _XTREME or share not in _HELD_OUT or code not in _CODES[1:]:
            return None
        source, english = grammar(code, self._world), grammar("en", self._world)
        rng = python_rng(self.world_seed, repo, task, share)
        drawn = retrieval.distinct(rng, Sampler(self._world, share))
        if task == "tatoeba" and split == share:
            pairs = itertools.islice(drawn, 300)
            return [retrieval.tatoeba_row(said, source, english) for said in pairs]
        if task == "bucc18" and code in _BUCC_LANGUAGES:
            said = list(itertools.islice(drawn, _BUCC_GOLD + 2 * _BUCC_ALONE))
            rng.shuffle(said)
            bucc = retrieval.Bucc(rng, said, _BUCC_GOLD, _BUCC_ALONE)
            return (bucc.pairs if split == share else bucc.unpaired)(source, english)
        return None
