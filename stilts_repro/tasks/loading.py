"""What a source has of a task: training and evaluation rows, languages, dev and test."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from stilts_repro.data.columns import Chosen
from stilts_repro.data.source import Row, Source
from stilts_repro.errors import InputError, MissingError
from stilts_repro.tasks.examples import Examples, Numbered, joined, parsed, refuse_withheld
from stilts_repro.tasks.format import UNLABELLED, Format
from stilts_repro.tasks.languages import LANGUAGES, Language
from stilts_repro.tasks.taking import take
from stilts_repro.tasks.task import Division, Part, Rows, TargetTask, TrainingSet

CANDIDATES = Part("test")
_FEW = 20  # rows that tell whether labels are withheld
_SAY = "say in the folder's README.md what it holds, as hub repositories do, "


def load_training(source: Source, data: TrainingSet, limit: int | None) -> Examples:
    """Return at most `limit` English training examples; `InputError` where there is none.

    Where several data sets make up the training set, each gives its share of `limit`.
    """
    rows = english_rows(source, data)
    sizes = sum(part.size for part in rows)
    return joined(
        _load_english(source, data, part, part.train, limit and -(-limit * part.size // sizes))
        for part in rows
    )


def load_dev(source: Source, data: TrainingSet, limit: int | None) -> Examples:
    """Return English dev examples of a training set: how well it is learned is told by them."""
    rows = english_rows(source, data)
    return joined(
        _load_english(source, data, part, part.dev, limit and -(-limit // len(rows)))
        for part in rows
    )


def english_rows(source: Source, data: TrainingSet) -> tuple[Rows, ...]:
    """Return where a training set's rows come from: its own data sets, else a substitute."""
    if not any(source.has(part.repo, part.config, part.train.split) for part in data.parts):
        for rows in data.substitutes:
            if source.has(rows.repo, rows.config, rows.train.split):
                return (rows,)
    return data.parts


def load_evaluation(
    source: Source, task: TargetTask, part: Part, code: str, limit: int | None
) -> Examples | None:
    """Return one language's examples, None where they are absent or their labels withheld."""
    language = language_of(code)
    config = task.config.format(**vars(language))
    if not source.has(task.repo, config, part.split):
        return None

    where = f"{task.repo} {config}/{part.split}"
    most = limit if part.whole else None
    if task.language_in == "config":
        numbered = numbered_rows(source.load(task.repo, config, part.split, most))
    else:
        name = code if task.language_in == "column" else language.name.lower()
        by_language = _by_language(source, task, part.split, _in_turn(source, most))
        if by_language and name not in by_language:
            return None
        numbered = by_language.get(name, [])
    loaded = parsed(task.format, numbered, where, part, limit, language.name)
    loaded = _named_apart(task.format, loaded, part, where)
    if all(map(task.format.withheld, loaded.examples)):
        return None
    refuse_withheld(task.format, loaded.examples, where)
    return loaded


def _named_apart(kind: Format, loaded: Examples, part: Part, where: str) -> Examples:
    return replace(loaded, examples=kind.named_apart(loaded.examples, where, whole=part.whole))


@lru_cache(maxsize=8)
def _by_language(
    source: Source, task: TargetTask, split: str, limit: int | None
) -> dict[str, list[Numbered]]:
    """Return at most `limit` rows of a file by language, where it holds all, with their numbers.

    The language is in a column (XNLI), or is what the id begins with, in English (TyDiQA).
    """
    rows: dict[str, list[Numbered]] = {}
    for number, row in numbered_rows(source.load(task.repo, task.config, split, limit)):
        if task.language_in == "column":
            name = str(row.get("language"))
        else:
            name = str(row.get("id", "")).partition("-")[0]
        rows.setdefault(name, []).append((number, row))
    return rows


def _in_turn(source: Source, limit: int | None) -> int | None:
    """Return how many rows of a file in all languages to read for `limit` of each; None: all."""
    return limit * len(source.languages) if limit and source.languages else None


def load_candidates(source: Source, task: TargetTask) -> Examples | None:
    """Return those among which a target's answers are looked for; None where rows bring them.

    Raises `MissingError` where they are not there.
    """
    if not task.candidates:
        return None
    where = f"{task.repo} {task.candidates}/{CANDIDATES.split}"
    if not source.has(task.repo, task.candidates, CANDIDATES.split):
        raise MissingError(f"{task.title}: no {where}, among which to look; add it to the data")
    numbered = enumerate(source.load(task.repo, task.candidates, CANDIDATES.split))
    loaded = parsed(task.format, numbered, where, CANDIDATES, None)
    return _named_apart(task.format, loaded, CANDIDATES, where)


def load_unpaired(
    source: Source, task: TargetTask, part: Part, code: str, limit: int | None
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return BUCC's sentences without a translation, the first `limit` (id, sentence) a side.

    The hub's `bucc18.*` holds gold pairs only; both sides are empty there. The comparable corpora,
    where a source has them, are a split `<split>_unpaired` with columns `id`
    (`<language>-<number>`) and `sentence`.
    """
    config = task.config.format(**vars(language_of(code)))
    split = f"{part.split}_unpaired"
    sides: dict[str, list[tuple[str, str]]] = {"source": [], "target": []}
    if part.whole and source.has(task.repo, config, split):
        for index, row in enumerate(source.load(task.repo, config, split)):
            where = f"{task.repo} {config}/{split} row {index}"
            identity = take(row, "id", str, where)
            side = "target" if identity.startswith("en-") else "source"
            sides[side].append((identity, take(row, "sentence", str, where)))
    return {side: tuple(named[:limit]) for side, named in sides.items()}


def choose_division(source: Source, task: TargetTask, limit: int | None = None) -> Division:
    """Return the first division whose dev and test are there, with labels, in some language.

    It looks at as many rows as `limit` says will be read of a language; where all will, at a few.
    Raises `MissingError` where there is none, `InputError` where a part of the task is there.
    """
    _refuse(task, _promised(source, task))
    rows = limit or _FEW
    for division in task.divisions:
        parts = (division.dev, division.test)
        if all(any(_languages_of(source, task, part, rows)) for part in parts):
            listed = task.language_in == "config"  # in its README, where a source has one
            _refuse(task, _unaccounted(source, task, division), _SAY if listed else "")
            if task.mining:
                _refuse_apart(source, task, division, rows)
            return division
    tried = "; ".join(f"dev {d.dev}, test {d.test}" for d in task.divisions)
    raise MissingError(
        f"{task.title}: no labelled rows of {task.repo} {task.config} (tried {tried}); "
        "add them, or leave the task out with --skip-missing"
    )


def _languages_of(source: Source, task: TargetTask, part: Part, limit: int) -> Iterator[str]:
    """Yield the languages of which `part` has labelled rows."""
    for code in languages(source, task):
        if load_evaluation(source, task, part, code, limit):
            yield code


def _refuse_apart(source: Source, task: TargetTask, division: Division, limit: int) -> None:
    """Raise `InputError` where no language has dev and test: dev gives test its threshold."""
    dev, test = (
        list(_languages_of(source, task, part, limit)) for part in (division.dev, division.test)
    )
    if set(dev).isdisjoint(test):
        raise InputError(
            f"{task.title}: no language of {task.repo} has both {division.dev} (it is in "
            f"{', '.join(dev)}) and {division.test} ({', '.join(test)}); add what is missing, or "
            "leave the task out with --skip-missing"
        )


def _promised(source: Source, task: TargetTask) -> list[str]:
    """Return the splits that a folder's README lists, as hub repositories do, and that are gone."""
    configs = {task.config.format(**vars(language_of(code))) for code in task.languages}
    ours = {part.split for division in task.divisions for part in (division.dev, division.test)}
    return [
        f"{config}/{split}".rstrip("/")
        for config, split in sorted(source.declared(task.repo) or ())
        if config in configs
        and not any(source.has(task.repo, config, name) for name in ([split] if split else ours))
    ]


def _unaccounted(source: Source, task: TargetTask, division: Division) -> list[str]:
    """Return the languages that a source should have and has not.

    A folder whose README lists its configurations has no others; of the rest all languages are
    due. Where a part is carved out of a split, what is there counts.
    """
    if source.languages is not None or not (division.dev.whole and division.test.whole):
        return []
    if task.language_in != "config":
        parts = (division.dev, division.test)
        return [
            code
            for code in task.languages
            if not any(load_evaluation(source, task, part, code, 1) for part in parts)
        ]
    if source.declared(task.repo) is not None:
        return []
    configs = (task.config.format(**vars(language_of(code))) for code in task.languages)
    splits = (division.dev.split, division.test.split)
    return [c for c in configs if not any(source.has(task.repo, c, split) for split in splits)]


def _refuse(task: TargetTask, absent: Sequence[str], hint: str = "") -> None:
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise InputError(
            f"{task.title}: {task.repo} lacks {', '.join(absent[:3])}{more}; add what is missing, "
            f"{hint}or leave the task out with --skip-missing"
        )


def numbered_rows(rows: Sequence[Row]) -> list[Numbered]:
    """Return rows with their numbers in their file."""
    numbers = rows.numbers if isinstance(rows, Chosen) else range(len(rows))
    return list(zip(numbers, rows, strict=True))


def languages(source: Source, task: TargetTask) -> tuple[str, ...]:
    """Return the languages to look for: the task's own, or those of the source (testbed)."""
    return task.languages if source.languages is None else source.languages


def language_of(code: str) -> Language:
    """Return the language of `code`; the testbed's private-use codes name themselves."""
    return LANGUAGES.get(code) or Language(code, code.capitalize(), code)


def _load_english(
    source: Source, data: TrainingSet, rows_of: Rows, part: Part, limit: int | None
) -> Examples:
    def ours(row: Row) -> bool:
        return not data.english_by_id or str(row.get("id", "")).startswith("english")

    capped = limit if part.whole else None
    most = _in_turn(source, capped) if data.english_by_id else capped
    if most is not None and data.drop_unlabelled:
        most += most // 10 + 10  # SNLI has one unlabelled row in seventy
    rows = source.load(rows_of.repo, rows_of.config, part.split, most)
    where = f"{rows_of}/{part.split}"
    numbered = [(number, row) for number, row in numbered_rows(rows) if ours(row)]
    kept = numbered
    if data.drop_unlabelled:
        kept = [(number, row) for number, row in numbered if row.get("label") not in UNLABELLED]
    unlabelled = len(numbered) - len(kept)
    if not isinstance(rows, Chosen):  # rows that are all drawn alike: the first
        kept = kept[:capped]
    loaded = replace(parsed(data.format, kept, where, part, limit), unlabelled=unlabelled)
    refuse_withheld(data.format, loaded.examples, where)
    return loaded if part == rows_of.train else _named_apart(data.format, loaded, part, where)
