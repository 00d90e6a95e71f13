"""What a source has: read and checked before anything is trained."""

from collections.abc import Mapping
from functools import cache

from stilts_repro.data.source import Source
from stilts_repro.errors import MissingError
from stilts_repro.jsonio import content_hash
from stilts_repro.tasks.loading import (
    Examples,
    choose_division,
    languages,
    load_dev,
    load_evaluation,
    load_training,
    load_unpaired,
)
from stilts_repro.tasks.tables import TARGET_TASKS, TRAINING_SETS, Division

PARTS = ("dev", "test")


class Inventory:
    """The data sets of one source, loaded once and kept; every row has been checked.

    `targets` are the tasks that can be measured, all of them unless `survey` leaves some out;
    `left_out` then says why.
    """

    def __init__(self, source: Source, evaluation_rows: int | None) -> None:
        self.source = source
        self.evaluation_rows = evaluation_rows
        self.training = cache(self._training)
        self.evaluation = cache(self._evaluation)
        self.unpaired = cache(self._unpaired)
        self.division = cache(self._division)
        self.dev = cache(self._dev)
        self.left_out: dict[str, str] = {}

    @property
    def targets(self) -> tuple[str, ...]:
        """The target tasks that can be measured."""
        return tuple(name for name in TARGET_TASKS if name not in self.left_out)

    def survey(self, rows: Mapping[str, int | None], *, skip_missing: bool) -> None:
        """Read and check all targets; `rows` caps the training sets.

        Raises `MissingError` for the first that is not there, or leaves it out (`skip_missing`).
        Malformed rows are an `InputError` either way.
        """
        for name, task in TARGET_TASKS.items():
            try:
                self.target_hash(name)
                if task.train_on is not None:
                    self.training_hash(task.train_on, rows[task.train_on])
            except MissingError as error:
                if not skip_missing:
                    raise
                self.left_out[name] = str(error)

    def training_hash(self, name: str, rows: int | None) -> str:
        """Return the content hash of the first `rows` rows of a training set."""
        return self.training(name, rows).hash

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
        )

    def split_name(self, name: str, part: str) -> str:
        """Return which rows of the data set play `part`, for the record."""
        return str(getattr(self.division(name), part))

    def _division(self, name: str) -> Division:
        return choose_division(self.source, TARGET_TASKS[name])

    def _training(self, name: str, rows: int | None) -> Examples:
        shares = {
            self.division(task.name).train
            for task in TARGET_TASKS.values()
            if task.train_on == name
        }
        data = TRAINING_SETS[name]
        for share in shares - {None}:
            data = data.restricted(share)
        return load_training(self.source, data, rows)

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

    def _unpaired(self, name: str, part: str, code: str) -> dict[str, tuple[str, ...]]:
        if not getattr(TARGET_TASKS[name].format, "mining", False):
            return {}
        rows = getattr(self.division(name), part)
        limit = self.evaluation_rows and 2 * self.evaluation_rows
        return load_unpaired(self.source, TARGET_TASKS[name], rows, code, limit)

    def _dev(self, name: str) -> Examples:
        limit = self.evaluation_rows and 4 * self.evaluation_rows
        return load_dev(self.source, TRAINING_SETS[name], limit)
