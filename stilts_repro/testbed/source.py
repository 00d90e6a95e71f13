"""The testbed as a source of data: rows under the names of the hub's data sets, and documents."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from stilts_repro.errors import InputError, MissingError
from stilts_repro.seeds import python_rng
from stilts_repro.testbed.configs import PARALLEL, Config, configs, split_of_subset
from stilts_repro.testbed.corpus import Corpus
from stilts_repro.testbed.grammar import grammar
from stilts_repro.testbed.languages import CODES, Kind
from stilts_repro.testbed.languages import language as language_of
from stilts_repro.testbed.rows import Draw, Row, retrieval
from stilts_repro.testbed.world import Sampler, World, world

WORLD_SEED = 13


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

    The same meanings are said in worlds of every `kind`. Languages that are "unrelated" have
    nothing in common but how grammars may be: no cognates, no names, no document in two languages.
    What crosses between the languages of the testbed crosses by these, so that nothing should
    there. Where "morphology" alone differs there are several worlds, whose seeds follow the first.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(self, world_seed: int = WORLD_SEED, *, kind: Kind = "") -> None:
        self.world_seed = world_seed
        self.kind: Kind = kind
        number = f"-{world_seed - WORLD_SEED + 1}" if kind == "morphology" else ""
        self.name = f"testbed-{kind}{number}" if kind else "testbed"
        self._corpus = Corpus(self._world)

    @property
    def _apart(self) -> bool:
        """Whether no document has two languages."""
        return self.kind == "unrelated"

    @cached_property
    def _world(self) -> World:
        return world(self.world_seed, self.kind)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, English first."""
        return CODES

    def has(self, repo: str, config: str, split: str) -> bool:
        """Say whether the testbed has the split."""
        entry = configs().get((repo, config))
        return (entry is not None and split in entry.sizes) or retrieval.has(repo, config, split)

    def declared(self, repo: str) -> None:
        """Say nothing: `has` knows."""

    def load(
        self, repo: str, config: str, split: str, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the first `limit` rows (default: all) of a split, as `load(...)[:limit]`.

        Raise `MissingError` where the testbed has no such repository, config or split.
        """
        if retrieval.has(repo, config, split):
            return retrieval.rows(self._world, config, split)[:limit]
        return self._load(repo, config, split, "", slice(limit))

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
        return self._load(repo, config, split, code, slice(start, limit, step))

    def revision(self, repo: str, config: str, split: str) -> None:
        """Say nothing: rows are drawn anew, and the hash of the code stands for them."""

    def documents(self, language: str, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield monolingual documents without end, from number `start` on."""
        return self._corpus.documents(language, split, start)

    def bilingual_documents(self, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield documents of sentences side by side with translations; none if unrelated."""
        return (
            iter(()) if self.kind == "unrelated" else self._corpus.bilingual_documents(split, start)
        )

    def mixed_documents(self, split: str = "train", start: int = 0) -> Iterator[str]:
        """Yield code-mixed documents without end; none if unrelated."""
        return iter(()) if self._apart else self._corpus.mixed_documents(split, start)

    def _load(self, repo: str, config: str, split: str, code: str, which: slice) -> list[Row]:
        """Return the rows `which` of a split, in language `code`, or in the config's own if ''."""
        entry = configs().get((repo, config))
        if entry is None or split not in entry.sizes:
            raise MissingError(f"the testbed has no {repo} {config} {split}")
        numbers = range(entry.sizes[split])[which]
        codes = CODES if entry.interleaved else (code or entry.code,)
        with _uncollected():
            return list(self._rows(repo, entry, split, codes, numbers))

    def _rows(
        self, repo: str, entry: Config, subset: str, codes: Sequence[str], numbers: Iterable[int]
    ) -> Iterator[Row]:
        sampler = Sampler(self._world, split_of_subset(subset))
        for number in numbers:
            index, place = divmod(number, len(codes))
            code = codes[place]
            family = entry.family.format(code=code)
            rng = python_rng(self.world_seed, repo, family, subset, index)
            yield entry.row(Draw(rng, sampler, grammar(code, self._world), subset, index))


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
