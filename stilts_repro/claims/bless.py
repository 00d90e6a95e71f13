"""Making a run's values the reference: the only way a reference gets into a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stilts_repro.claims.check import FEWEST_SEEDS
from stilts_repro.claims.expected import check_raw
from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json, write_json


def write_reference(
    expected_path: Path,
    scale: str,
    values: Sequence[float],
    seeds: Sequence[int],
    versions: Mapping[str, str],
    platform: str,
    model: str,
    seconds: float,
    data: str | None = None,
) -> None:
    """Put raw `values`, one a seed and in the claim's unit, into the file as `scale`'s reference.

    `data` is the hash of rows that are not the scale's own. `seconds` is the computing time of one
    seed. Noise stays where one of the two references holds the other's seeds and values, and so
    does all else in the file. Raises `InputError`, and leaves the file alone, on fewer than three
    seeds or where the file would no longer fit its schema.
    """
    if len(values) < FEWEST_SEEDS or len(set(seeds)) != len(seeds):
        raise InputError(
            f"{expected_path}: reference for scale {scale} has {len(values)} values, seeds"
            f" {list(seeds)}; give at least {FEWEST_SEEDS}, each with a seed of its own"
        )
    raw = read_json(expected_path)
    check_raw(raw, expected_path)
    before = raw["reference"].get(scale, {})
    raw["reference"][scale] = {
        "values": list(values),
        "seeds": list(seeds),
        "versions": dict(versions),
        "platform": platform,
        "model": model,
        **({"data": data} if data else {}),
        "seconds": round(seconds, 1),
        "made_with": f"python -m reproduce {raw['claim']} --scale {scale} --seeds {len(seeds)}",
    }
    if "noise" in before and _continues(raw["reference"][scale], before):
        raw["reference"][scale]["noise"] = before["noise"]
    check_raw(raw, expected_path)
    write_json(expected_path, raw)


def _continues(entry: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Say whether one of two references of one model holds the other's seeds and values."""
    common = min(len(entry["seeds"]), len(before["seeds"]))
    return all(entry[key][:common] == before[key][:common] for key in ("seeds", "values")) and all(
        entry.get(key) == before.get(key) for key in ("model", "data", "versions", "platform")
    )


def write_noise(
    expected_path: Path, scale: str, variant: str, values: Sequence[float], seeds: Sequence[int]
) -> None:
    """Put the values of a `variant` of the arithmetic beside the reference's at `scale`.

    They measure how far rounding alone moves a claim. Raises `InputError`, and leaves the file
    alone, where there is no reference or `seeds` are not its first ones.
    """
    raw = read_json(expected_path)
    check_raw(raw, expected_path)
    entry = raw["reference"].get(scale)
    if entry is None or list(seeds) != entry["seeds"][: len(seeds)]:
        raise InputError(
            f"{expected_path}: no reference at scale {scale} with seeds {list(seeds)} first;"
            f" make that before the values in {variant}"
        )
    entry.setdefault("noise", {})[variant] = list(values)
    check_raw(raw, expected_path)
    write_json(expected_path, raw)
