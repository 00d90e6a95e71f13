"""From a source's rows to checked examples, with a hash of what was read."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import canonical
from stilts_repro.tasks.format import Example, Format, take
from stilts_repro.tasks.languages import LANGUAGES, Language
from stilts_repro.tasks.span import Question
from stilts_repro.tasks.tables import Division, Part, TargetTask, TrainingSet


@dataclass(frozen=True)
class Examples:
    """Checked examples, in the order of their rows, and the hash of the rows' content."""

    examples: tuple[Example, ...]
    hash: str

    def __len__(self) -> int:
        return len(self.examples)


def load_training(source: Source, data: TrainingSet, limit: int | None) -> Examples:
    """Return the first `limit` English training examples; `InputError` where there is none."""
    return _load_english(source, data, data.train, limit)


def load_dev(source: Source, data: TrainingSet, limit: int | None) -> Examples:
    """Return English dev examples of a training set (how well phase (ii) learned its task)."""
    return _load_english(source, data, Part(data.dev), limit)


def load_evaluation(
    source: Source, task: TargetTask, part: Part, code: str, limit: int | None
) -> Examples | None:
    """Return one language's examples, None where they are absent or their labels withheld."""
    language = language_of(code)
    config = task.config.format(**vars(language))
    if not source.has(task.repo, config, part.split):
        return None

    def ours(row: Row) -> bool:
        if task.language_in == "column":
            return row.get("language") == code
        name = language.name.lower()
        return task.language_in == "config" or str(row.get("id", "")).startswith(name)

    where = f"{task.repo} {config}/{part.split}"
    whole = task.language_in == "config" and part.whole
    rows = source.load(task.repo, config, part.split, limit if whole else None)
    if rows and not any(ours(row) for row in rows):
        return None
    loaded = _examples(task.format, rows, where, part, limit, ours)
    questions = [example for example in loaded.examples if isinstance(example, Question)]
    if questions and all(question.withheld for question in questions):
        return None
    _refuse_blank(questions, where)
    return loaded


def load_unpaired(
    source: Source, task: TargetTask, part: Part, code: str, limit: int | None
) -> dict[str, tuple[str, ...]]:
    """Return BUCC's sentences without a translation, at most `limit` a side.

    The hub's `bucc18.*` holds gold pairs only; both sides are empty there. The comparable corpora,
    where a source has them, are a split `<split>_unpaired` with columns `id`
    (`<language>-<number>`) and `sentence`.
    """
    config = task.config.format(**vars(language_of(code)))
    split = f"{part.split}_unpaired"
    sides: dict[str, list[str]] = {"source": [], "target": []}
    if part.whole and source.has(task.repo, config, split):
        for index, row in enumerate(source.load(task.repo, config, split)):
            where = f"{task.repo} {config}/{split} row {index}"
            english = take(row, "id", str, where).startswith("en-")
            sides["target" if english else "source"].append(take(row, "sentence", str, where))
    return {side: tuple(texts[:limit]) for side, texts in sides.items()}


def choose_division(source: Source, task: TargetTask) -> Division:
    """Return the first division whose dev and test are there, with labels, in some language."""
    for division in task.divisions:
        if all(
            any(load_evaluation(source, task, part, code, 20) for code in languages(source, task))
            for part in (division.dev, division.test)
        ):
            return division
    tried = "; ".join(f"dev {d.dev}, test {d.test}" for d in task.divisions)
    raise MissingError(
        f"{task.title}: no labelled rows of {task.repo} {task.config} (tried {tried}); "
        "add them to the data directory"
    )


def languages(source: Source, task: TargetTask) -> tuple[str, ...]:
    """Return the languages to look for: the task's own, or those of the source (testbed)."""
    return task.languages if source.languages is None else source.languages


def language_of(code: str) -> Language:
    """Return the language of `code`; the testbed's private-use codes name themselves."""
    return LANGUAGES.get(code) or Language(code, code.capitalize(), code)


def _load_english(source: Source, data: TrainingSet, part: Part, limit: int | None) -> Examples:
    def ours(row: Row) -> bool:
        return not data.english_by_id or str(row.get("id", "")).startswith("english")

    whole = part.whole and not data.english_by_id
    rows = source.load(data.repo, data.config, part.split, limit if whole else None)
    where = f"{data.repo} {data.config}/{part.split}"
    loaded = _examples(data.format, rows, where, part, limit, ours)
    _refuse_blank(loaded.examples, where)
    return loaded


def _examples(
    kind: Format,
    rows: Iterable[Row],
    where: str,
    part: Part,
    limit: int | None,
    ours: Callable[[Row], bool],
) -> Examples:
    """Parse the first `limit` rows that are `ours` and in `part`; rows count from the file's 0."""
    digest = hashlib.sha256()
    examples: list[Example] = []
    for index, row in enumerate(rows):
        if limit is not None and len(examples) == limit:
            break
        if ours(row) and _in_part(row, part):
            examples.append(kind.parse(row, f"{where} row {index}"))
            digest.update(canonical(row).encode())
    if not examples:
        raise InputError(f"{where}: no rows; give a split that is not empty")
    return Examples(tuple(examples), digest.hexdigest()[:16])


def _in_part(row: Row, part: Part) -> bool:
    """Say whether a row is in `part`; rows on one context stay together, whatever their order."""
    if part.whole:
        return True
    text = str(row["context"]) if "context" in row else canonical(row)
    return part.low <= hashlib.sha256(text.encode()).digest()[0] % 10 < part.high


def _refuse_blank(examples: Sequence[Example], where: str) -> None:
    for example in examples:
        if isinstance(example, Question) and example.withheld:
            raise InputError(
                f"{where} (id {example.id}): its answer is empty text; remove the row or mend it"
            )
