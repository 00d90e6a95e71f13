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
    names += [  # as in "from stilts_repro import report"
        f"{n.module}.{alias.name}"
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom) and n.module == "stilts_repro"
        for alias in n.names
    ]
    parts = (name.split(".") for name in names)
    return {p[1] for p in parts if p[0] == "stilts_repro" and len(p) > 1} & set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_only_those_below_it(layer):
    below = set(LAYERS[LAYERS.index(layer) :])
    for path in (ROOT / layer).rglob("*.py"):
        assert imported_layers(path) <= below, path


def test_no_module_of_the_package_imports_the_scripts():
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.partition(".")[0] == "reproduce" for name in names), path
