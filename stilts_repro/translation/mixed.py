"""English rows of phase (ii) with machine translations mixed in, and how good these are.

The paper says that translated rows were tried, and not how they were mixed; so this is ours. Rows
are in turn in English and in each of the languages, every row once: as English and its translations
drawn in equal shares, at the length of training on English alone.
"""

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sacrebleu.metrics import BLEU, CHRF

from stilts_repro.data.hub import check_home
from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError
from stilts_repro.folders import check_name
from stilts_repro.tasks.format import Translatable
from stilts_repro.tasks.training_sets import TRAINING_SETS, intermediate_tasks
from stilts_repro.testbed.source import TestbedSource
from stilts_repro.translation.rows import (
    Translated,
    Translator,
    Turn,
    translatable,
    translate_rows,
)
from stilts_repro.translation.seq2seq import COMMIT, Seq2SeqTranslator, is_local
from stilts_repro.translation.testbed import TestbedTranslator

WAYS = "testbed:ERROR_RATE, a model's directory, or a hub id with its commit as ID@COMMIT"
SCORED = 200  # rows of a split and language that are scored: more would not move BLEU by a point
NO_REFERENCE = "the data has no rows in this language to hold translations against"
# sacrebleu's tokenizers for languages that its default, 13a, cannot split into words.
_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char", "my": "char"}


@dataclass(frozen=True)
class Translation:
    """Who translates, and the codes of the languages that phase (ii) then reads besides English."""

    translator: Translator
    languages: tuple[str, ...]

    def versions(self) -> dict[str, str]:
        """Return, for each language, all that decides its translations."""
        return {code: self.translator.version(code) for code in self.languages}


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
        self._loaded: dict[str, list[tuple[Turn, Translated]]] = {
            code: [] for code in translation.languages
        }

    def load(self, repo: str, config: str, split: str, limit: int | None = None) -> list[Row]:
        """Return at most `limit` rows of a split.

        Raises what the source and the translator raise, and `InputError` for a data set that is not
        one of phase (ii), or whose rows cannot be translated.
        """
        rows = copy(self.source.load(repo, config, split, limit))
        translator = self.translation.translator
        for start, (code, loaded) in enumerate(self._loaded.items(), 1):
            turn = Turn(repo, config, split, len(rows), start, len(self._loaded) + 1)
            kind = _format_of(turn)
            originals = translator.originals(self.source, turn, code)
            translated = translate_rows(kind, originals, translator, code, str(turn))
            loaded.append((turn, translated))
            for number, row in translated.rows.items():
                rows[start + turn.step * number] = row
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
                    "rows": sum(len(translated.rows) for _, translated in loaded),
                    "dropped": sum(translated.dropped for _, translated in loaded),
                    "counts": dict(sum((Counter(t.counts) for _, t in loaded), Counter())),
                    **self._quality(code, loaded),
                }
                for code, loaded in self._loaded.items()
            },
        }

    def _quality(self, code: str, loaded: Sequence[tuple[Turn, Translated]]) -> dict[str, Any]:
        """Return BLEU and chrF against what the testbed itself says in `code`; else why not."""
        if self.source.name != "testbed":
            return {"quality": None, "reason": NO_REFERENCE}
        texts: list[str] = []
        perfect: list[str] = []
        for turn, translated in loaded:
            kind = _format_of(turn)
            scored = turn._replace(limit=turn.start + turn.step * SCORED)
            parallel = TestbedSource().load_in(code, *scored)
            for number, row in translated.rows.items():
                if number < SCORED:
                    texts += [text.text for text in kind.texts(row, str(turn))]
                    perfect += [text.text for text in kind.texts(parallel[number], str(turn))]
        if not texts:
            return {"quality": None, "reason": "no row was translated"}
        return {"quality": {"texts": len(texts), **quality(texts, perfect, code)}, "reason": None}


def _format_of(turn: Turn) -> Translatable:
    """Return the format of a data set of phase (ii); `InputError` where rows of it are not."""
    where = turn.repo, turn.config
    for name in intermediate_tasks():
        data = TRAINING_SETS[name]
        if where in [(part.repo, part.config) for part in data.parts + data.substitutes]:
            return translatable(data.format, str(turn))
    raise InputError(f"{' '.join(where)}: no data set of phase (ii); only those are translated")


def quality(texts: Sequence[str], references: Sequence[str], target: str = "") -> dict[str, Any]:
    """Score translations into `target` against one reference each, over the whole corpus.

    By sacrebleu (Post 2018): corpus BLEU and chrF2, 0 to 100, each with its signature. BLEU splits
    Chinese words by 'zh', Japanese, Thai and Burmese into characters, all others by '13a'. Raises
    `InputError` where there is nothing to score, or no reference for a translation.
    """
    if len(texts) != len(references) or not texts:
        raise InputError(
            f"{len(texts)} translations and {len(references)} references: "
            "give one reference for each, and one at least"
        )
    bleu, chrf = BLEU(tokenize=_TOKENIZERS.get(target, "13a")), CHRF()
    return {
        "bleu": bleu.corpus_score(texts, [references]).score,
        "chrf": chrf.corpus_score(texts, [references]).score,
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }


def translator_of(spec: str) -> Translator:
    """Return what `--translator` names; `{code}` in a model's name stands for the language.

    Raises `InputError` where it is malformed or names a directory that is not there; weights are
    read with the first translation.
    """
    check_name("--translator", spec)
    kind, _, rate = spec.partition(":")
    if kind == "testbed":
        try:
            return TestbedTranslator(float(rate))
        except (ValueError, InputError):
            raise InputError(
                f"--translator {spec}: give testbed:ERROR_RATE, a share from 0 to 1"
            ) from None
    if spec and is_local(spec):
        if "{code}" not in spec and not Path(spec).is_dir():
            raise InputError(f"--translator {spec}: no such directory; give {WAYS}")
        return Seq2SeqTranslator(spec)
    model, _, commit = spec.partition("@")
    if not (model and COMMIT.fullmatch(commit)):
        raise InputError(f"--translator {spec}: no commit of 40 hex digits in it; give {WAYS}")
    check_home()
    return Seq2SeqTranslator(model, commit)
