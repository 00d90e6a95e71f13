"""Making a run's values the reference: the only way a reference gets into a file."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stilts_repro.claims.expected import Made, check_raw
from stilts_repro.claims.interval import FEWEST_SEEDS
from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json, write_json


def write_reference(
    path: Path, scale: str, arithmetic: str, made: Made, model: str, data: str | None = None
) -> None:
    """Put `made`, values in the claim's unit, into the file as `scale`'s reference in `arithmetic`.

    `data` is the hash of rows that are not the scale's own. The values in other arithmetic stay
    beside it where they are of the same model and rows. Raises `InputError`, and leaves the file
    alone, on fewer than three seeds or where the file would no longer fit its schema.
    """
    if len(made.values) < FEWEST_SEEDS or len(set(made.seeds)) != len(made.seeds):
        raise InputError(
            f"{path}: reference for scale {scale} has {len(made.values)} values, seeds"
            f" {list(made.seeds)}; give at least {FEWEST_SEEDS}, each with a seed of its own"
        )
    raw = read_json(path)
    check_raw(raw, path)
    before = raw["reference"].get(scale, {})
    same = (before.get("model"), before.get("data")) == (model, data)
    runs: Mapping[str, Any] = before["runs"] if same else {}
    entry = {"model": model, **({"data": data} if data else {})}
    plain = asdict(made) | {"values": list(made.values), "seeds": list(made.seeds)}
    raw["reference"][scale] = entry | {"runs": {**runs, arithmetic: plain}}
    check_raw(raw, path)
    write_json(path, raw)
