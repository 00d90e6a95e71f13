"""English rows of phase (ii) with machine translations mixed in.

The paper says that translated rows were tried, and not how they were mixed; so this is ours. Rows
are in turn in English and in each of the languages, every row once: as English and its translations
drawn in equal shares, at the length of training on English alone.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from stilts_repro.data.source import Row, Source
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.translation.quality import quality
from stilts_repro.translation.rows import Translated, texts
from stilts_repro.translation.source import TranslatedSource, format_of
from stilts_repro.translation.testbed import TestbedTranslator
from stilts_repro.translation.translator import Translator

SCORED = 200  # rows of a split and language that are scored: more would not move BLEU by a point
NO_REFERENCE = "the data has no rows in this language to hold translations against"


@dataclass(frozen=True)
class Translation:
    """Who translates, and the codes of the languages that phase (ii) then reads besides English."""

    translator: Translator | TestbedTranslator
    languages: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Return, for each language, all that decides its translations."""
        return {code: self.translator.version(code) for code in self.languages}


@dataclass(frozen=True)
class _Turn:
    """The rows of one split that were said in one language."""

    where: tuple[str, str, str]
    start: int
    step: int
    done: Translated

    @property
    def places(self) -> list[int]:
        """Which rows of the split the translations are."""
        return [self.start + self.step * number for number in self.done.numbers]


class MixedSource:
    """The rows of phase (ii) in a source, in turn in English and in other languages.

    `load` returns as many rows as the source has; one whose translation was dropped (an answer that
    is not in the translated context) stays English. `told` says what was loaded.
    """

    def __init__(self, source: Source, translation: Translation) -> None:
        self.source = source
        self.translation = translation
        self.name = f"{source.name} and {translation.translator.name}"
        self.languages = source.languages
        self.has = source.has
        self.declared = source.declared
        self.revision = source.revision
        self._sources = {
            code: TranslatedSource(source, translation.translator, code)
            for code in translation.languages
        }
        self._turns: dict[str, list[_Turn]] = {code: [] for code in translation.languages}

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return the first `limit` rows of a split; raises what `TranslatedSource` does."""
        rows = list(self.source.load(repo, config, split, limit))
        step = len(self._sources) + 1
        for start, (code, source) in enumerate(self._sources.items(), 1):
            done = source.translated(repo, config, split, len(rows), start, step)
            turn = _Turn((repo, config, split), start, step, done)
            self._turns[code].append(turn)
            for place, row in zip(turn.places, done.rows, strict=True):
                rows[place] = row
        return rows

    def told(self) -> dict[str, Any]:
        """Return the translator and, by language, its version, rows and quality, for records.

        `rows` are translated; `dropped` are those that stayed English, and `counts` why.
        """
        versions = self.translation.versions()
        return {
            "translator": self.translation.translator.name,
            "languages": {
                code: {
                    "version": versions[code],
                    "rows": sum(len(turn.done.rows) for turn in turns),
                    "dropped": sum(turn.done.dropped for turn in turns),
                    "counts": dict(sum((Counter(turn.done.counts) for turn in turns), Counter())),
                    **self._quality(code, turns),
                }
                for code, turns in self._turns.items()
            },
        }

    def _quality(self, code: str, turns: list[_Turn]) -> dict[str, Any]:
        """Return BLEU and chrF against what the testbed itself says in `code`; else why not."""
        if self.source.name != "testbed":
            return {"quality": None, "reason": NO_REFERENCE}
        said, perfect = [], []
        for turn in turns:
            kind, last = format_of(*turn.where[:2]), turn.start + turn.step * SCORED
            parallel = TestbedSource().load_in(code, *turn.where, last, turn.start, turn.step)
            for number, row in zip(turn.done.numbers, turn.done.rows, strict=True):
                if number < SCORED:
                    said += texts(kind, row)
                    perfect += texts(kind, parallel[number])
        scored = {"texts": len(said), **asdict(quality(said, perfect, code))} if said else None
        return {"quality": scored, "reason": None if said else "no row was translated"}
