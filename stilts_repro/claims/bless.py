"""Making a run's values the reference: the only way a reference gets into a file."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stilts_repro.claims.check import SAME
from stilts_repro.claims.expected import Made, check_raw, made_of
from stilts_repro.claims.interval import FEWEST_SEEDS
from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json, write_json


def write_reference(
    path: Path, scale: str, arithmetic: str, made: Made, model: str, data: str | None = None
) -> None:
    """Put `made`, values in the claim's unit, into the file as `scale`'s reference in `arithmetic`.

    `data` is the hash of rows that are not the scale's own. The values in other arithmetic stay
    beside it where they are of the same model and rows. Seeds without the first are added to those
    that are there, if these were made alike: a reference of many need not be made in one go, nor,
    in fp32, on one kind of machine. Raises `InputError`, and leaves the file alone, on fewer than
    three seeds, on a seed that has another value now, or where the file would no longer fit its
    schema.
    """
    raw = read_json(path)
    check_raw(raw, path)
    before = raw["reference"].get(scale, {})
    same = (before.get("model"), before.get("data")) == (model, data)
    runs: Mapping[str, Any] = before["runs"] if same else {}
    if 0 not in made.seeds and arithmetic in runs:
        made = _added(path, made_of(runs[arithmetic]), arithmetic, made)
    if len(made.values) < FEWEST_SEEDS or len(set(made.seeds)) != len(made.seeds):
        raise InputError(
            f"{path}: reference for scale {scale} has {len(made.values)} values, seeds"
            f" {list(made.seeds)}; give at least {FEWEST_SEEDS}, each with a seed of its own"
        )
    entry = {"model": model, **({"data": data} if data else {})}
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(made).items()}
    raw["reference"][scale] = entry | {"runs": {**runs, arithmetic: plain}}
    check_raw(raw, path)
    write_json(path, raw)


def _added(path: Path, before: Made, arithmetic: str, made: Made) -> Made:
    """Return `before` with the seeds of `made`; `InputError` where the two were not made alike.

    Of fp32 the kind of machine may be another: by the file's own check it moves a seed's value by
    less than the tolerance, and seeds lie much further apart.
    """
    elsewhere = {*before.machines.values()} != {*made.machines.values()}
    if before.versions != made.versions or (elsewhere and arithmetic != "fp32"):
        what = "kind of machine" if before.versions == made.versions else "versions"
        raise InputError(
            f"{path}: the seeds {list(before.seeds)} are of another set-up ({what}); make all of "
            "them anew, from seed 0"
        )
    values = before.by_seed
    for seed, value in made.by_seed.items():
        if abs(values.setdefault(seed, value) - value) > SAME:
            raise InputError(
                f"{path}: seed {seed} has {values[seed]} there and {value} now: something else "
                "changed; make all seeds anew, from seed 0"
            )
    seeds = tuple(sorted(values))
    machines = made.machines | before.machines
    each = [machines[seed] for seed in seeds]
    several = tuple(machine for machine in each if machine)
    return replace(
        before,
        seeds=seeds,
        values=tuple(values[seed] for seed in seeds),
        platform=several if len({*each}) > 1 and all(each) else each[0],
        made_with=f"{before.made_with}; {made.made_with}",
    )
