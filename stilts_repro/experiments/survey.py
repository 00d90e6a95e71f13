"""What was found of the data before anything is trained."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments.conditions import MLM, Row
from stilts_repro.experiments.inventory import Inventory
from stilts_repro.experiments.scales import Scale
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.training_sets import intermediate_tasks


@dataclass(frozen=True)
class Survey:
    """Which data is whole, and why the rest is not; every row has been read and checked.

    targets   tasks that can be measured; `left_out` holds the reason of each that cannot
    sets      what phase (ii) can train on, as `Row.needs` names it; `without` as `left_out`
    """

    targets: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What a run is limited to: intermediate tasks, targets; None: all that its claims name."""

    intermediate: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raise `InputError` where a task is not known."""
        for option, known in (("intermediate", intermediate_tasks()), ("targets", TARGET_TASKS)):
            for name in getattr(self, option) or ():
                if name not in known:
                    raise InputError(
                        f"--{option} {name}: no such task; choose among {', '.join(known)}"
                    )

    def excludes(self, option: str, name: str) -> str:
        """Return why task `name` is not one of those that `option` lists; '' where it is."""
        listed = getattr(self, option)
        if listed is None or name in listed:
            return ""
        return f"not one of --{option} {','.join(listed)}"


EVERYTHING = Asked()


def survey(
    inventory: Inventory,
    rows: Iterable[Row],
    targets: Iterable[str],
    scale: Scale,
    *,
    skip_missing: bool,
    asked: Asked = EVERYTHING,
) -> Survey:
    """Read and check what `rows` train on at `scale`, and what trains and evaluates `targets`.

    Raises the first complaint about a task, or leaves the task out (`skip_missing`). Texts and
    translators are no data: what needs one that was not given is left out, and so is, unread, what
    is not `asked` for.
    """
    left_out: dict[str, str] = {}
    without: dict[str, str] = {}

    check = partial(_found, skip_missing)
    wanted = set(targets)
    whole = [
        check(
            partial(_look_at_target, inventory, name, scale),
            name,
            left_out,
            asked.excludes("targets", name),
        )
        for name in TARGET_TASKS
        if name in wanted
    ]
    needed = {
        (task, row.translated): rows_name for row in rows for task, rows_name in row.sets.items()
    } | {(row.then, False): row.then for row in rows if row.then}
    sets = [
        check(
            partial(inventory.intermediate_hash, task, scale.intermediate[task].rows, translated),
            needed[task, translated],
            without,
            asked.excludes("intermediate", task),
            inventory.translation if translated else True,
        )
        for task in intermediate_tasks()
        for translated in (False, True)
        if (task, translated) in needed
    ]
    if any(row.mlm for row in rows):
        read = partial(inventory.continued, scale.continued.rows)
        sets.append(check(read, MLM, without, given=inventory.texts))
    return Survey(tuple(filter(None, whole)), tuple(filter(None, sets)), left_out, without)


def _found(
    skip_missing: bool,
    look: Callable[[], object],
    name: str,
    reasons: dict[str, str],
    excluded: str = "",
    given: object = True,
) -> str | None:
    """Return `name` where `look` finds it whole; else None, with the reason in `reasons`.

    Raises what `look` does, unless missing data is to be skipped or was not `given`; what is
    `excluded`, for a reason, is not looked at.
    """
    if excluded:
        reasons[name] = excluded
        return None
    try:
        look()
    except (InputError, MissingError) as error:
        if not skip_missing and given is not None:
            raise
        reasons[name] = str(error)
        return None
    return name


def _look_at_target(inventory: Inventory, name: str, scale: Scale) -> None:
    inventory.target_hash(name)
    if train_on := TARGET_TASKS[name].train_on:
        recipe = scale.target[train_on]
        inventory.training(train_on, recipe.rows)
        if recipe.evaluate_every:
            inventory.dev(train_on)
