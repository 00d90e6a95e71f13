"""What a repository's README says in its head, as on the hub: configurations, splits, classes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HEAD = re.compile(r"\s*---[\r\n]+(.*?)[\r\n]+---(?=[\r\n]|$)", re.DOTALL)

Classes = Mapping[str, tuple[str, ...]]  # the names of a column's classes, in the file's order


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads scalars as text, as they are written: a configuration may be called 2018 or no."""

    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # noqa: RUF012


@dataclass(frozen=True)
class Card:
    """The splits of each configuration (None: left open), and its columns that hold classes."""

    splits: Mapping[str, frozenset[str] | None]
    classes: Mapping[str, Classes]


def read_card(path: Path) -> Card:
    """Read the head of a README; where it has none, the card says nothing.

    Raises ValueError where it is not what a data set's card holds, and OSError.
    """
    try:
        head = HEAD.match(path.read_text(encoding="utf-8-sig"))
        told = (yaml.load(head[1], _Loader) if head else None) or {}
        configs, infos = told.get("configs") or [], told.get("dataset_info") or []
        return Card(
            {config["config_name"]: _splits(config.get("data_files")) for config in configs},
            {
                info.get("config_name", "default"): _classes(info["features"])
                for info in (*([infos] if isinstance(infos, dict) else infos), *configs)
                if info.get("features")
            },
        )
    except (TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise ValueError(str(error).splitlines()[0]) from None


def _splits(files: Any) -> frozenset[str] | None:
    """Return the splits that `data_files` names; None for paths alone, whose splits are open."""
    if isinstance(files, dict):
        return frozenset(files)
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        return None
    named = [file.get("split") for file in files]
    return None if None in named else frozenset(named)


def _classes(features: Any) -> Classes:
    """Return the columns that hold classes or lists of them, with the classes' names."""
    found = {}
    for feature in features:
        for kind in feature.values():  # under dtype, sequence or list
            if isinstance(kind, dict) and "class_label" in kind:
                names = kind["class_label"]["names"]
                if isinstance(names, dict):
                    names = [names[place] for place in sorted(names, key=int)]
                found[feature["name"]] = tuple(names)
    return found
