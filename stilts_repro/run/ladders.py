"""A study of other models than its own: `--models`, of the hub or in folders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.scales import Scale, longest
from stilts_repro.models.families import kind_of
from stilts_repro.models.pretrained import check_pretrained, load_config, size_of
from stilts_repro.run.grid import Claim
from stilts_repro.run.studies import Rung, Study


def of_models(
    asked: Mapping[str, Claim], scale: Scale, models: Sequence[str]
) -> tuple[dict[str, Claim], Scale]:
    """Return the studies that are `asked`, of `models`, and `scale` with a world for each of these.

    Such a world has the run's own rows and the scale's recipes, at so many times their rates as a
    model is given with (`MODEL=2`; without, at these). Raises `InputError` where a study compares
    no models or cannot use these, or two have one name, and what checking a model raises.
    """
    worlds: dict[str, World] = {}
    rungs = []
    for given in models:
        model, rate = rated(given)
        name = Path(model).resolve().name.partition("@")[0]
        if name in worlds:
            raise InputError(f"--models: two are called {name}; give one a folder of another name")
        check_pretrained(model, longest(scale), "--models")
        config = load_config(model)
        worlds[name] = World(name, model, "", intermediate_rate=rate, target_rate=rate)
        rungs.append(Rung(name, kind_of(config), float(size_of(config))))
    studies: dict[str, Claim] = {name: _compared(study, rungs) for name, study in asked.items()}
    return studies, replace(scale, worlds=tuple(worlds.values()))


def rated(given: str) -> tuple[str, float]:
    """Return a model of `--models`, and what the learning rates are multiplied by for it.

    Raises `InputError` where a factor stands alone.
    """
    model, found, factor = given.rpartition("=")
    if not found or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", factor) or not float(factor):
        return given, 1.0
    if not model:
        raise InputError(f"--models {given}: no model is named; give MODEL=F")
    return model, float(factor)


def _compared(study: Claim, rungs: Sequence[Rung]) -> Study:
    compares = study.compares if isinstance(study, Study) else None
    if compares is None:
        raise InputError(f"--models: {study.id} compares no models; leave it out")
    return replace(compares(rungs), obstacle=lambda _: "these models are not the reference's")
