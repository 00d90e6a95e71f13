"""A source whose rows are those of another one, translated."""

from functools import cache

from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError
from stilts_repro.tasks.format import Format
from stilts_repro.tasks.tables import TRAINING_SETS, intermediate_tasks
from stilts_repro.translation.rows import Translated, refuse, translate_rows
from stilts_repro.translation.testbed import TestbedTranslator
from stilts_repro.translation.translator import Translator


class TranslatedSource:
    """The rows of phase (ii) in a source, translated from English into one language.

    It has what the source has, and `load_training` and `load_dev` read it as any other. A split may
    be shorter than in English: what is not among its rows, and why, is in `translated`.
    """

    def __init__(
        self, source: Source, translator: Translator | TestbedTranslator, target: str
    ) -> None:
        if isinstance(translator, TestbedTranslator) and source.name != "testbed":
            raise InputError(f"{translator.name}: it has rows of the testbed only; give its source")
        self.source = source
        self.translator = translator
        self.target = target
        self.name = f"{source.name}, in {target} by {translator.name}"
        self.languages = source.languages
        self.has = source.has
        self.declared = source.declared
        self.revision = source.revision
        self.translated = cache(self._translated)

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the translations of a split's first `limit` rows, without those dropped.

        Raises what the source and the translator raise, and `InputError` for a data set that is not
        one of phase (ii), or whose rows cannot be translated.
        """
        return self.translated(repo, config, split, limit).rows

    def _translated(
        self,
        repo: str,
        config: str,
        split: str,
        limit: int | None = None,
        start: int = 0,
        step: int = 1,
    ) -> Translated:
        """Translate of the first `limit` rows those from `start` on, each `step`-th."""
        kind = format_of(repo, config)
        what = f"{repo} {config}/{split}" + (f"[{start}::{step}]" if step > 1 else "")
        refuse(kind, what)
        if isinstance(self.translator, TestbedTranslator):
            where = repo, config, split, self.target, limit, start, step
            return self.translator.load(kind, *where)
        rows = self.source.load(repo, config, split, limit)[start::step]
        return translate_rows(kind, rows, self.translator, self.target, what)


def format_of(repo: str, config: str) -> Format:
    """Return the format of a data set of phase (ii)."""
    for name in intermediate_tasks():
        data = TRAINING_SETS[name]
        if any(
            (part.repo, part.config) == (repo, config) for part in data.parts + data.substitutes
        ):
            return data.format
    raise InputError(f"{repo} {config}: no data set of phase (ii); only those are translated")
