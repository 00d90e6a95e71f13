"""A made-up result in the shape of claims.json; its numbers mean nothing."""

from typing import Any

import pytest

from stilts_repro.seeds import python_rng

INTERMEDIATES = ("none", "squad_v2", "mnli", "hellaswag", "multitask")
TARGETS = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba")
LANGUAGES = ("en", "qaa", "qab", "qac", "qad", "qae", "qaf", "qag")
SEEDS = (0, 1, 2)


def score(intermediate: str, target: str, seed: int, part: str) -> dict[str, Any]:
    rng = python_rng(seed, intermediate, target, part)
    lift = 0 if intermediate == "none" else 25 if target == "tatoeba" else 4
    languages = {code: 40 + lift + rng.uniform(-5, 5) for code in LANGUAGES}
    return {
        "intermediate": intermediate,
        "target": target,
        "seed": seed,
        "part": part,
        "split": "validation" if part == "dev" else "test",
        "score": sum(languages.values()) / len(languages),
        "metric": "accuracy",
        "languages": languages,
    }


def condition(baseline: str = "none", *, control: bool = False) -> dict[str, Any]:
    return {"baseline": baseline, "world": "", "control": control}


def gate(*, measurable: bool) -> dict[str, Any]:
    mean = 20.0 if measurable else 0.5
    margins = {
        part: {"mean": mean, "low": mean - 3.0, "needed": needed}
        for part, needed in (("en", 5.0), ("others", 2.0))
    }
    return {
        "measurable": measurable,
        "reason": f"en +{mean} over the floor, at least +{mean - 3.0} (5 needed)",
        "seeds": 3,
        "largest_share": 0.41,
        "floor": margins,
    }


def claim(id: str, paper: float | None, verdict: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id,
        "statement": f"What {id} says, in as many words as a claim of its kind takes to say it.",
        "unit": "points",
        "paper": paper,
        "reference": {
            **{"mean": 6.5, "low": 5.4, "high": 7.6, "n": 5, "agreeing": 4},
            "by": "interval",
        },
        "observed": {"value": 6.4, "values": [6.1, 6.4, 6.7]},
        "verdict": verdict,
        "direction": "agrees",
        "reason": "6.40 is inside 5.40 to 7.60",
        "detectable_change": 1.31,
        "details": [],
        "targets": list(TARGETS),
        "not_measurable": [],
        "left_out": {"bucc2018": "the data has no config bucc18.de"},
        "without": {},
        "records": ["0011223344556677"],
        "seconds": 9.8,
    } | changes


def claims() -> list[dict[str, Any]]:
    """One claim a verdict, and what may come with it."""
    chosen = [{"chosen": dict.fromkeys(TARGETS, "mnli"), "gains": dict.fromkeys(TARGETS, 5.0)}]
    return [
        claim("squad_gain", 8.2, "pass"),
        claim(
            "mnli_gain",
            7.5,
            "fail",
            observed={"value": -2.0, "values": [-2.0, -2.5, -1.5]},
            direction="disagrees",
            reason="-2.00 is below 5.40 to 7.60",
        ),
        claim(
            "hellaswag_gain",
            7.0,
            "no_reference",
            reference=None,
            detectable_change=None,
            reason="0 reference seeds at scale testbed; an interval needs 3",
        ),
        claim("xtreme_gain", 5.4, "pass", details=chosen * len(SEEDS)),
        claim(
            "multitask_gain",
            8.7,
            "not_run",
            reference=None,
            detectable_change=None,
            direction=None,
            observed={"value": None, "values": []},
            reason="the claim was not measured",
            records=[],
        ),
        claim(
            "published_tables",
            5,
            "pass",
            unit="headline numbers",
            reference={"mean": 5, "low": 5, "high": 5, "n": 0, "agreeing": 0, "by": "paper"},
            observed={"value": 5, "values": [5]},
            reason="5 against the paper's 5, tolerance 0",
            detectable_change=0,
            targets=[],
            left_out={},
            records=[],
        ),
    ]


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "scale": "testbed",
        "data": "testbed",
        "model": "testbed-mlm@1a2b3c4d",
        "settings": {"precision": "fp32", "crosses": "encoder"},
        "seconds": 712.3,
        "versions": {"python": "3.11.2", "torch": "2.10.0", "transformers": "5.16.0"},
        "jobs": {"total": 120, "reused": 7},
        "claims": claims(),
        "conditions": {name: condition() for name in INTERMEDIATES},
        "gates": {"xnli": gate(measurable=False), "tydiqa": gate(measurable=True)},
        "grid": [
            score(intermediate, target, seed, part)
            for intermediate in INTERMEDIATES
            for target in TARGETS
            for part in (("dev", "test") if target == "xnli" else ("dev",))
            for seed in SEEDS
        ],
        "retrieval": [
            {
                "intermediate": intermediate,
                "target": "tatoeba",
                "seed": seed,
                "layer": 2,
                "pooling": "mean",
                "scoring": "cosine",
                "layers": {"0": 20.0, "1": 30.0 + seed, "2": 44.0, "3": 41.0},
                "geometry": {
                    "centred": {"0": 21.0, "1": 36.5, "2": 48.0, "3": 47.0},
                    "cosine": {"0": 0.1, "1": 0.25, "2": 0.875, "3": 0.9},
                    "variance": {"0": 12.0, "1": 14.0, "2": 61.5, "3": 70.0},
                },
            }
            for intermediate in INTERMEDIATES
            for seed in SEEDS
        ],
    }
