"""A study of other models than its own: `--models`, of the hub or in folders."""

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

    Such a world has the run's own rows, and the recipes of the scale as they are. Raises
    `InputError` where a study compares no models or cannot use these, or two have one name, and
    what checking a model raises.
    """
    worlds: dict[str, World] = {}
    rungs = []
    for model in models:
        name = Path(model).resolve().name.partition("@")[0]
        if name in worlds:
            raise InputError(f"--models: two are called {name}; give one a folder of another name")
        check_pretrained(model, longest(scale))
        config = load_config(model)
        worlds[name] = World(name, model, "")
        rungs.append(Rung(name, kind_of(config), float(size_of(config))))
    studies: dict[str, Claim] = {name: _compared(study, rungs) for name, study in asked.items()}
    return studies, replace(scale, worlds=tuple(worlds.values()))


def _compared(study: Claim, rungs: Sequence[Rung]) -> Study:
    compares = study.compares if isinstance(study, Study) else None
    if compares is None:
        raise InputError(f"--models: {study.id} compares no models; leave it out")
    return compares(rungs)
