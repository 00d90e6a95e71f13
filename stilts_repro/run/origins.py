"""Which models and machines are behind a claim's records."""

from collections.abc import Iterable, Mapping
from typing import Any

from stilts_repro.experiments.conditions import MAIN
from stilts_repro.run.grid import Claim, Record


def models_behind(claim: Claim, records: Iterable[Record]) -> str:
    """Return the hashes of the phase (i) models behind a claim's value, `+` between several.

    They are those of the worlds that it cannot do without: what it tells besides, where other
    worlds are there, does not move its value.
    """
    worlds = {condition.world for condition in claim.essential} or {MAIN}
    names = {str(condition) for condition in claim.measured() if condition.world in worlds}
    return "+".join(sorted({r["model"]["hash"] for r in records if r["intermediate"] in names}))


def platform_of(records: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the kind of machine that `records` were made on; None where there is not one kind.

    A results folder may come from elsewhere: what counts is where its jobs were run.
    """
    kinds = {record["platform"] for record in records}
    return kinds.pop() if len(kinds) == 1 else None
