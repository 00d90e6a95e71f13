"""The files that a run leaves: claims.json, claims.md and report.html, a page with all of it."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stilts_repro.claims.expected import Reference, expected_claims, load_expected
from stilts_repro.claims.interval import FEWEST_SEEDS
from stilts_repro.claims.published import (
    TABLE_2,
    XTREME_TEST,
    Number,
    agreeing_headlines,
    findings,
    headlines,
    load_table,
    numbers,
)
from stilts_repro.claims.schema import EXPECTED_RESULTS, STUDIES, validate
from stilts_repro.experiments.scales import SCALES
from stilts_repro.folders import writing
from stilts_repro.jsonio import write_json, write_text
from stilts_repro.report import table
from stilts_repro.report.averages import Grid, geometry, layers

TEMPLATE = "report.html.jinja"


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
        write_text(output / "claims.md", table.markdown(result))
        write_text(output / "report.html", html(result))


def html(result: Mapping[str, Any]) -> str:
    """Return the report on `result` (claims.json's content) as one HTML document.

    Every text from `result` is escaped. Equal results give equal documents.
    """
    # Imported here: matplotlib takes half a second, and jobs should not wait for it. No window is
    # opened, and a name of one that it does not know must not end a run that is as good as done.
    os.environ.pop("MPLBACKEND", None)
    from stilts_repro.report.plots import gains_svg, languages_svg, layers_svg
    from stilts_repro.report.study_plots import study_svg

    grid = Grid(result["grid"], result["conditions"])
    by_layer = layers(result.get("retrieval", []))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = table.number
    return environment.get_template(TEMPLATE).render(
        result=result,
        table=table,
        grid=grid,
        plot=gains_svg(grid),
        details={claim["id"]: list(_details(claim)) for claim in result["claims"]},
        pictures={claim["id"]: study_svg(claim) for claim in result["claims"]},
        by_language=languages_svg(grid),
        layers=by_layer,
        geometry=geometry(result.get("retrieval", [])),
        curves=layers_svg(by_layer, result["conditions"]),
        scales=SCALES,
        evidence=_evidence(result),
        published=[_published(name) for name in (TABLE_2, XTREME_TEST)],
        findings=findings(),
    )


def _details(claim: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    """Yield a claim's details as tables: a title, and rows of a name and one text a seed."""
    seeds = claim["details"]
    for title in dict.fromkeys(key for seed in seeds for key in seed):
        values = [seed.get(title, {}) for seed in seeds]
        maps = [value if isinstance(value, dict) else {"": value} for value in values]
        names = dict.fromkeys(name for seed in maps for name in seed)
        yield title, [(name, [_text(seed.get(name)) for seed in maps]) for name in names]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    return value if isinstance(value, str) else json.dumps(value)


def _evidence(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each claim of the run, what speaks for it, one kind of evidence a key."""
    recomputed = {claim: headline.value for claim, headline in headlines().items()}
    recomputed["published_tables"] = agreeing_headlines()
    known = {
        name: folder for folder in (EXPECTED_RESULTS, STUDIES) for name in expected_claims(folder)
    }
    rows = []
    for claim in result["claims"]:
        name = claim["id"]
        expected = load_expected(name, known[name]) if name in known else None
        references = expected.reference if expected else {}
        form = table.value_form(claim)
        rows.append(
            {
                "claim": claim,
                "provenance": expected.paper.provenance if expected else "",
                "source": expected.paper.source if expected else "",
                "published": table.number(recomputed.get(claim["id"]), form),
                "references": [_reference(references.get(scale), form) for scale in SCALES],
            }
        )
    return rows


def _reference(reference: Reference | None, form: str) -> str:
    if reference is None:
        return table.NOTHING
    values = reference.main.values
    low, high = (form.format(end(values)) for end in (min, max))
    n = len(values)
    few = "" if n >= FEWEST_SEEDS else ", too few to check against"
    return f"{low} to {high} ({n} seeds{few})"


def _published(name: str) -> dict[str, Any]:
    """Return a published table, its numbers by row and target, and how many have each tag."""
    published = load_table(name)
    cells: dict[str, dict[str, list[Number]]] = {}
    for number in numbers(published):
        cells.setdefault(number.row, {}).setdefault(number.target, []).append(number)
    tags = Counter(number.provenance for number in numbers(published))
    unchecked = sum(not number.checked for number in numbers(published))
    return {"table": published, "cells": cells, "tags": tags, "unchecked": unchecked}
