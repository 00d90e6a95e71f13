"""CONTRIBUTING's words name what is there, and every public class of the upper layers is a word."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import stilts_repro
from stilts_repro import experiments, run

CONTRIBUTING = Path(stilts_repro.__file__).parents[1] / "CONTRIBUTING.md"
ENTRIES = re.findall(r"^\| ([a-z, ]+) \| `([\w.]+)` \| (.+) \|$", CONTRIBUTING.read_text(), re.M)


@pytest.mark.parametrize(("words", "place", "_"), ENTRIES)
def test_a_word_is_where_the_table_says(words, place, _):
    module, _, name = place.rpartition(".")
    found = getattr(importlib.import_module(f"stilts_repro.{module}"), name)
    assert inspect.isclass(found) and found.__doc__


@pytest.mark.parametrize("layer", [experiments, run], ids=lambda layer: layer.__name__)
def test_every_public_class_is_told(layer):
    told = " ".join(" ".join(entry) for entry in ENTRIES).lower()
    names = re.findall("[a-z]+", told)
    for module in pkgutil.iter_modules(layer.__path__, f"{layer.__name__}."):
        held = importlib.import_module(module.name)
        for name, value in vars(held).items():
            if inspect.isclass(value) and value.__module__ == held.__name__ and name[0] != "_":
                assert name.lower() in names, f"{module.name}.{name} is no word of CONTRIBUTING.md"
