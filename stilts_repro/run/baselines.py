"""What baselines say of targets: in which world each can be measured."""

from collections.abc import Iterable, Mapping
from typing import Any

from stilts_repro.claims.gate import gate
from stilts_repro.experiments.conditions import Condition
from stilts_repro.run.grid import Record

Gate = dict[str, Any]  # as claims.json has it


def gates_by_world(records: Iterable[Record], worlds: Iterable[str]) -> dict[tuple[str, str], Gate]:
    """Return, by world and target, whether the baseline there says that it is measurable."""
    held: dict[tuple[str, str], list[Record]] = {}
    baselines = {str(Condition(world=name)): name for name in worlds}
    for record in records:
        name = record["intermediate"]
        if record["part"] == "dev" and name in baselines:
            held.setdefault((baselines[name], record["task"]), []).append(record)
    return {place: gate(of_it) for place, of_it in held.items()}


def worst_of(gates: Mapping[str, Mapping[str, Any]]) -> Gate:
    """Return the gate of the first world that a target cannot be measured in, else of any."""
    world, chosen = min(gates.items(), key=lambda pair: pair[1]["measurable"])
    return {**chosen, "reason": f"{world}: {chosen['reason']}"}
