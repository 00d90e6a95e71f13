"""Writing a run's result: the checked JSON first, then what is made from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stilts_repro.claims.schema import validate
from stilts_repro.folders import writing
from stilts_repro.jsonio import write_json, write_text
from stilts_repro.report.page import html
from stilts_repro.report.table import markdown


def write_claims(output: Path, result: Mapping[str, Any]) -> None:
    """Write `result` to claims.json, claims.md and report.html in `output`.

    Raises `InputError` (one line), and writes nothing, where `result` breaks
    `expected_results/schema/claims.schema.json`; what `writing` does where `output` cannot be
    written.
    """
    validate(result, "claims", output / "claims.json")
    with writing("--output", output):
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / "claims.json", result)
        write_text(output / "claims.md", markdown(result))
        write_text(output / "report.html", html(result))
