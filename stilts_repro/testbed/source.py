"""Rows and documents of the testbed, under the names of the hub's data sets."""

import gc
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from stilts_repro.errors import InputError, MissingError
from stilts_repro.seeds import python_rng
from stilts_repro.testbed.configs import (
    CODES,
    HELD_OUT,
    PARALLEL,
    XTREME,
    Config,
    Draw,
    Row,
    configs,
    split_of_subset,
)
from stilts_repro.testbed.corpus import Corpus
from stilts_repro.testbed.grammar import grammar
from stilts_repro.testbed.languages import language as language_of
from stilts_repro.testbed.rows import retrieval
from stilts_repro.testbed.world import Sampler, World, world

_BUCC_LANGUAGES = ("qaa", "qab", "qac", "qad")
_BUCC_GOLD, _BUCC_ALONE = 200, 400
_UNPAIRED = "_unpaired"


class TestbedSource:
    """Rows with the hub's columns and documents, in English and seven invented languages.

    Everything depends on `world_seed` alone. Disjoint between train, validation and test, over all
    tasks and languages and the corpus: the pairs of participants (agent and patient, in either
    role) of events. What is true of the world for good (who is a baker, which town is where, what
    is a tool), and which verb follows which, is shared by all splits; CommonsenseQA asks for such
    facts, and for none in two splits. The changed events of hypotheses, negatives and wrong answers
    respect the split as well.

    Rows of XNLI, PAWS-X, XQuAD and MLQA are parallel across languages; those of TyDiQA, PAN-X and
    udpos are not.

    With `unrelated`, the same meanings are said by languages that have nothing in common but how
    grammars may be: no cognates, no names, no document in two languages. What crosses between the
    languages of the testbed crosses by these, so that nothing should there.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(self, world_seed: int = 13, *, unrelated: bool = False) -> None:
        self.world_seed = world_seed
        self.unrelated = unrelated
        self.name = "testbed-unrelated" if unrelated else "testbed"
        self._corpus = Corpus(self._world)

    @cached_property
    def _world(self) -> World:
        return world(self.world_seed, self.unrelated)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, English first."""
        return CODES

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the testbed has the split."""
        entry = configs().get((repo, config))
        return (entry is not None and split in entry.sizes) or _is_retrieval(repo, config, split)

    def declared(self, repo: str) -> None:
        """Say nothing: `has` knows."""

    def load(
        self, repo: str, config: str, split: str, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the first `limit` rows (default: all) of a split, as `load(...)[:limit]`.

        Raise `MissingError` where the testbed has no such repository, config or split.
        """
        if _is_retrieval(repo, config, split):
            return self._retrieval(repo, config, split)[:limit]
        return self._drawn(repo, config, split, limit)

    def load_in(
        self,
        language: str,
        repo: str,
        config: str,
        split: str,
        limit: int | None = None,
        start: int = 0,
        step: int = 1,
    ) -> list[dict[str, Any]]:
        """Return what `load(...)[start::step]` has with its meanings said in `language`.

        These are parallel rows: row i is row i of the English ones in all but its texts;
        HellaSwag's `ctx_b` is empty, and its endings are whole sentences. Raise `InputError` for an
        unknown language and for data sets that cannot be said in another one (CCG's tags are
        English), `MissingError` as `load` does.
        """
        code = language_of(language).code
        if (repo, config) not in PARALLEL and (repo, config) in configs():
            raise InputError(
                f"{repo} {config}: the testbed has no parallel rows of it; choose one of "
                + ", ".join(" ".join(names) for names in sorted(PARALLEL))
            )
        return self._drawn(repo, config, split, limit, code, start, step)

    def revision(self, repo: str, config: str, split: str) -> None:
        """Say nothing: rows are drawn anew, and the hash of the code stands for them."""

    def documents(self, language: str, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield monolingual documents without end, from number `start` on."""
        return self._corpus.documents(language, split, start)

    def bilingual_documents(self, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield documents of sentences side by side with translations; none if unrelated."""
        return iter(()) if self.unrelated else self._corpus.bilingual_documents(split, start)

    def mixed_documents(self, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield code-mixed documents without end; none if unrelated."""
        return iter(()) if self.unrelated else self._corpus.mixed_documents(split, start)

    def _drawn(
        self,
        repo: str,
        config: str,
        split: str,
        limit: int | None,
        code: str = "",
        start: int = 0,
        step: int = 1,
    ) -> list[Row]:
        """Return the first `limit` rows of a config, in language `code` instead of its own."""
        entry = configs().get((repo, config))
        if entry is None or split not in entry.sizes:
            raise MissingError(f"the testbed has no {repo} {config} {split}")
        size = entry.sizes[split] if limit is None else min(limit, entry.sizes[split])
        numbers = range(start, size, step)
        with _uncollected():
            return list(self._rows(repo, replace(entry, code=code or entry.code), split, numbers))

    def _rows(self, repo: str, entry: Config, split: str, numbers: Iterable[int]) -> Iterator[Row]:
        share = split_of_subset(split)
        sampler = Sampler(self._world, share)
        codes = CODES if entry.interleaved else (entry.code,)
        for number in numbers:
            index, place = divmod(number, len(codes))
            code = codes[place]
            # TyDiQA has other questions in every language; the other interleaved task is parallel.
            family = f"tydiqa.{code}" if entry.family == "tydiqa" else entry.family
            rng = python_rng(self.world_seed, repo, family, split, index)
            speaker = grammar(code, self._world)
            yield entry.row(Draw(rng, sampler, speaker, share, split, index))

    def _retrieval(self, repo: str, config: str, split: str) -> list[Row]:
        """Return all rows of a Tatoeba or BUCC split."""
        task, _, code = config.partition(".")
        share = split.removesuffix(_UNPAIRED)
        source, english = grammar(code, self._world), grammar("en", self._world)
        rng = python_rng(self.world_seed, repo, task, share)
        drawn = retrieval.distinct(rng, Sampler(self._world, share))
        if task == "tatoeba":
            pairs = itertools.islice(drawn, 300)
            return [retrieval.tatoeba_row(said, source, english) for said in pairs]
        said = list(itertools.islice(drawn, _BUCC_GOLD + 2 * _BUCC_ALONE))
        rng.shuffle(said)
        bucc = retrieval.Bucc(rng, said, _BUCC_GOLD, _BUCC_ALONE)
        return (bucc.pairs if split == share else bucc.unpaired)(source, english)


def _is_retrieval(repo: str, config: str, split: str) -> bool:
    """Say whether the testbed has such a Tatoeba or BUCC split."""
    task, _, code = config.partition(".")
    if repo != XTREME or split.removesuffix(_UNPAIRED) not in HELD_OUT:
        return False
    if task == "tatoeba":
        return code in CODES[1:] and split in HELD_OUT
    return task == "bucc18" and code in _BUCC_LANGUAGES


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make many small objects, none of them in a cycle, without the collector's walks over them.

    They are a sixth of the time that rows take.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
