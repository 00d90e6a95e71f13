"""What a source has of every task, read as it is asked for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from stilts_repro.data.source import Source
from stilts_repro.errors import MissingError
from stilts_repro.jsonio import content_hash
from stilts_repro.tasks.format import Format
from stilts_repro.tasks.loading import (
    Examples,
    choose_division,
    english_rows,
    language_of,
    languages,
    load_candidates,
    load_dev,
    load_evaluation,
    load_training,
    load_unpaired,
)
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import Division, TrainingSet
from stilts_repro.tasks.training_sets import TRAINING_SETS
from stilts_repro.translation.mixed import WAYS, MixedSource, Translation

PARTS = ("dev", "test")
Texts = Callable[[int | None], Mapping[str, Sequence[str]]]  # texts by language, so many in all


class Inventory:
    """The rows of one source, with its texts and translations: loaded once, kept, and checked."""

    def __init__(
        self,
        source: Source,
        evaluation_rows: int | None,
        texts: Texts | None = None,
        translation: Translation | None = None,
    ) -> None:
        self.source = source
        self.texts = texts
        self.translation = translation
        self.evaluation_rows = evaluation_rows
        self.training = cache(self._training)
        self.translated = cache(self._translated)
        self.continued = cache(self._continued)
        self.evaluation = cache(self._evaluation)
        self.candidates = cache(self._candidates)
        self.unpaired = cache(self._unpaired)
        self.division = cache(self._division)
        self.dev = cache(self._dev)
        self.format = cache(self._format)

    def rows(self, name: str, rows: int | None, translated: bool) -> Examples:
        """Return at most `rows` rows of a training set, with translations mixed in or not."""
        return self.translated(name, rows)[0] if translated else self.training(name, rows)

    def intermediate_hash(self, name: str, rows: int | None, translated: bool) -> str:
        """Return the content hash of an intermediate task's training and dev rows."""
        training = self.rows(name, rows, translated)
        return content_hash([training.hash, self.dev(name).hash])

    def origin(self, name: str) -> dict[str, Any]:
        """Return where a training set's rows come from, and whether it is a substitute."""
        data = TRAINING_SETS[name]
        rows = english_rows(self.source, data)
        return {
            "id": " + ".join(dict.fromkeys(str(part) for part in rows)),
            "revision": _together(
                self.source.revision(part.repo, part.config, part.train.split) for part in rows
            ),
            "substitute": rows != data.parts,
        }

    def origin_of_texts(self) -> dict[str, Any]:
        """Return where the texts of continued MLM come from, in the shape of `origin`."""
        assert self.texts is not None  # else nothing was trained on them
        languages = ", ".join(self.texts(1))
        told = f"texts of one language each, in turn: {languages}"
        return {"id": told, "revision": None, "substitute": False}

    def translation_of(self, name: str, rows: int | None) -> dict[str, Any]:
        """Return what was translated of a training set, by whom and how well, for records."""
        return self.translated(name, rows)[1].told()

    def due_languages(self, name: str) -> tuple[str, ...]:
        """Return the languages that a target should have rows in.

        The testbed's languages are its own: what it has in dev or test is all there is.
        """
        due = languages(self.source, TARGET_TASKS[name])
        if self.source.languages is None:
            return due
        held = {code for part in PARTS for code in self.evaluation(name, part)}
        return tuple(code for code in due if code in held)

    def revision(self, name: str, part: str, codes: Iterable[str]) -> str | None:
        """Return the commits that a target's rows are of, in the languages `codes` of one part."""
        task, split = TARGET_TASKS[name], getattr(self.division(name), part).split
        configs = (task.config.format(**vars(language_of(code))) for code in codes)
        return _together(self.source.revision(task.repo, config, split) for config in configs)

    def target_hash(self, name: str) -> str:
        """Return the content hash of all rows that evaluate a target."""
        return content_hash(
            {
                part: {
                    code: [examples.hash, self.unpaired(name, part, code)]
                    for code, examples in self.evaluation(name, part).items()
                }
                for part in PARTS
            }
            | {"division": str(self.division(name)), "version": TARGET_TASKS[name].version}
            | ({"candidates": pool.hash} if (pool := self.candidates(name)) else {})
        )

    def split_name(self, name: str, part: str) -> str:
        """Return which rows of the data set play `part`, for the record."""
        return str(getattr(self.division(name), part))

    def _format(self, name: str, rows: int | None) -> Format:
        """Return a training set's format; where its labels are open, with the training rows'."""
        kind = TRAINING_SETS[name].format
        return kind.fitted(lambda: self.training(name, rows).examples)

    def _division(self, name: str) -> Division:
        return choose_division(self.source, TARGET_TASKS[name], self.evaluation_rows)

    def _continued(self, rows: int | None) -> Examples:
        """Return at most `rows` texts, languages in turn."""
        if self.texts is None:
            raise MissingError("continued MLM: no text to go on with; give --corpus DIR")
        languages = self.texts(rows).values()
        turns = [text for turn in zip_longest(*languages) for text in turn if text is not None]
        return Examples(tuple(turns[:rows]), content_hash(turns[:rows]))

    def _training(self, name: str, rows: int | None) -> Examples:
        return load_training(self.source, self._training_set(name), rows)

    def _translated(self, name: str, rows: int | None) -> tuple[Examples, MixedSource]:
        """Return a set's rows with translations mixed in, and the source that mixed them."""
        if self.translation is None:
            raise MissingError(f"translated rows: no translator; give --translator: {WAYS}")
        mixed = MixedSource(self.source, self.translation)
        return load_training(mixed, self._training_set(name), rows), mixed

    def _training_set(self, name: str) -> TrainingSet:
        """Return a training set, without the rows that evaluate a target here."""
        divisions = {
            self.division(task.name)
            for task in TARGET_TASKS.values()
            if task.train_on == name and any(division.train for division in task.divisions)
        }
        data = TRAINING_SETS[name]
        for division in divisions:
            data = data.restricted(division)
        return data

    def _evaluation(self, name: str, part: str) -> dict[str, Examples]:
        task = TARGET_TASKS[name]
        rows = getattr(self.division(name), part)
        found = {
            code: load_evaluation(self.source, task, rows, code, self.evaluation_rows)
            for code in languages(self.source, task)
        }
        held = {code: examples for code, examples in found.items() if examples is not None}
        if not held:
            raise MissingError(f"{task.title}: no labelled {part} rows; add them to the data")
        return held

    def _candidates(self, name: str) -> Examples | None:
        return load_candidates(self.source, TARGET_TASKS[name])

    def _unpaired(self, name: str, part: str, code: str) -> dict[str, tuple[tuple[str, str], ...]]:
        if not TARGET_TASKS[name].mining:
            return {}
        rows = getattr(self.division(name), part)
        limit = self.evaluation_rows and 2 * self.evaluation_rows
        return load_unpaired(self.source, TARGET_TASKS[name], rows, code, limit)

    def _dev(self, name: str) -> Examples:
        limit = self.evaluation_rows and 4 * self.evaluation_rows
        return load_dev(self.source, self._training_set(name), limit)


def _together(commits: Iterable[str | None]) -> str | None:
    """Return commits as one text; None where no rows have one."""
    distinct = dict.fromkeys(commits)
    if not any(distinct):
        return None
    return " + ".join(commit or "rows without a commit" for commit in distinct)
