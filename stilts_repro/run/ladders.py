"""A study of other models than its own: `--models`, of the hub or in folders."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stilts_repro.errors import InputError
from stilts_repro.experiments.conditions import World
from stilts_repro.experiments.scales import Scale
from stilts_repro.models.families import kind_of
from stilts_repro.models.pretrained import load_config, size_of
from stilts_repro.run.grid import Claim
from stilts_repro.run.studies import Rung, Study


def of_models(
    asked: Mapping[str, Claim], scale: Scale, models: Sequence[str]
) -> tuple[dict[str, Claim], Scale]:
    """Return the studies that are `asked`, of `models`, and `scale` with a world for each of these.

    Such a world has the run's own rows, and the recipes of the scale as they are. Raises
    `InputError` where a study compares no models or cannot use these, or two have one name, and
    what loading a configuration raises.
    """
    names = [Path(model).name.partition("@")[0] for model in models]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"--models: two are called {twice[0]}; give one a folder of another name")
    rungs = [_rung(name, model) for name, model in zip(names, models, strict=True)]
    worlds = tuple(World(name, model, "") for name, model in zip(names, models, strict=True))
    return (
        {name: _compared(study, rungs) for name, study in asked.items()},
        replace(scale, worlds=worlds),
    )


def _rung(name: str, model: str) -> Rung:
    config = load_config(model)
    parameters = size_of(config)
    if not parameters:
        raise InputError(
            f"--model {model}: transformers makes no model of type {config.model_type!r}; leave "
            "it out"
        )
    return Rung(name, kind_of(config), float(parameters))


def _compared(study: Claim, rungs: Sequence[Rung]) -> Study:
    compares = study.compares if isinstance(study, Study) else None
    if compares is None:
        raise InputError(f"--models: {study.id} compares no models; leave it out")
    return compares(rungs)
