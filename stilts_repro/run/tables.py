"""The tables of claims.json beside its claims: what was measured, from the records of a run."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from stilts_repro.experiments.plan import Plan
from stilts_repro.run.grid import Record


def tables_of(
    plan: Plan, results: Iterable[Mapping[str, Any]], records: Sequence[Record]
) -> dict[str, Any]:
    """Return all tables of a plan's finished jobs, by the name that each has in claims.json."""
    return {
        "conditions": _conditions(plan),
        "languages": _languages(records),
        "grid": _grid(records),
        "intermediate": intermediate(results),
        "retrieval": _retrieval(records),
    }


def intermediate(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what phase (ii) came to: steps, weights, loss, and its own tasks' dev metrics."""
    return [
        {
            "intermediate": result["job"]["intermediate"],
            "seed": result["job"]["seed"],
            "steps": result["steps"],
            "tokens": result["tokens"],
            "weights": result["sampler"]["weights"],
            "last_loss": result["last_loss"],
            "dev": result["dev"],
            "data": result["data"],
        }
        for result in results
        if result["job"]["kind"] == "intermediate"
    ]


def _conditions(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return, by name, every condition's baseline and whether it is a control."""
    return {
        str(condition): {
            "baseline": str(condition.baseline),
            "world": condition.world,
            "control": condition.row.control or plan.worlds[condition.world].control,
        }
        for condition in dict.fromkeys(cell.condition for cell in plan.cells)
    }


def _languages(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Return, for each part of each target measured, how many languages are due and absent."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        of = len(record["languages"]) + len(record["absent"])
        told = {"of": of, "absent": record["absent"]}
        # The unrelated testbed's languages are as many.
        found.setdefault(record["task"], {})[record["part"]] = told
    return found


def _grid(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return every score with its languages."""
    return [
        {
            "intermediate": record["intermediate"],
            "target": record["task"],
            "seed": record["seed"],
            "part": record["part"],
            "split": record["split"],
            "score": record["score"],
            "metric": record["metric"],
            "languages": {code: v["score"] for code, v in record["languages"].items()},
            **({"not_finite": held} if (held := record.get("not_finite")) else {}),
        }
        for record in records
    ]


def _retrieval(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the development scores of every layer, where a record has them."""
    return [
        {
            "intermediate": record["intermediate"],
            "target": record["task"],
            "seed": record["seed"],
            **{key: record["retrieval"][key] for key in ("layer", "pooling", "scoring")},
            "layers": _mean_by_layer([*record["retrieval"]["by_layer"].values()]),
            "geometry": _geometry(record["retrieval"]["geometry"]),
        }
        for record in records
        if record["part"] == "dev" and record.get("retrieval", {}).get("by_layer")
    ]


def _mean_by_layer(languages: Sequence[Sequence[float]]) -> dict[str, float]:
    return {str(layer): fmean(values) for layer, values in enumerate(zip(*languages, strict=True))}


def _geometry(by_language: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    names = dict.fromkeys(name for held in by_language.values() for name in held)
    return {name: _mean_by_layer([held[name] for held in by_language.values()]) for name in names}
