"""Holding JSON against the schemas in `expected_results/schema`."""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from stilts_repro.errors import InputError
from stilts_repro.jsonio import read_json

EXPECTED_RESULTS = Path(__file__).resolve().parents[2] / "expected_results"
STUDIES = EXPECTED_RESULTS / "studies"
LONGEST_MESSAGE = 200


def validate(value: Any, schema: str, source: Path | str) -> None:
    """Raise `InputError` unless `value` fits `schema` ("expected", "claims", …).

    The error's one line names `source`, the JSON path of the worst offence and what is wrong
    there. Numbers that JSON cannot hold (NaN, infinities) are refused as well.
    """
    where = what = None
    if error := best_match(_validator(schema).iter_errors(value)):
        where, what = error.json_path, _one_line(error.message)
    elif path := next(_not_finite(value, "$"), None):
        where, what = path, "is not a finite number"
    if where:
        raise InputError(
            f"{source}: {where}: {what}; correct it to fit"
            f" expected_results/schema/{schema}.schema.json"
        )


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(read_json(EXPECTED_RESULTS / "schema" / f"{schema}.schema.json"))


def _one_line(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def _not_finite(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{path}[{index}]")
