"""One direction, no way back: a layer imports only those below it."""

import ast
from pathlib import Path

import pytest

import stilts_repro

ROOT = Path(stilts_repro.__file__).parent
LAYERS = (
    "cli",
    "report",
    "run",
    "claims",
    "experiments",
    "evaluation",
    "training",
    "models",
    "translation",
    "tasks",
    "metrics",
    "data",
    "testbed",
)


def imported_layers(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module]
    names += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    parts = (name.split(".") for name in names)
    return {p[1] for p in parts if p[0] == "stilts_repro" and len(p) > 1} & set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_those_below_it(layer):
    below = set(LAYERS[LAYERS.index(layer) :])
    for path in (ROOT / layer).rglob("*.py"):
        assert imported_layers(path) <= below, path


def test_no_module_of_the_package_imports_the_scripts():
    for path in ROOT.rglob("*.py"):
        assert "import reproduce" not in path.read_text(encoding="utf-8"), path
