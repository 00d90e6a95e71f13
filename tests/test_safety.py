"""Nothing that is read can run code, leave the output folder, or write markup of its own."""

import ast
from pathlib import Path

import pytest
import yaml

import stilts_repro
from stilts_repro.data import card
from stilts_repro.errors import plain
from stilts_repro.experiments.manifest import Damage
from stilts_repro.experiments.store import Store
from stilts_repro.report import page

ROOT = Path(stilts_repro.__file__).parent
FILES = sorted([*ROOT.rglob("*.py"), *ROOT.parent.glob("reproduce/**/*.py")])
SMUGGLED = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
# Errors of a worker's own, in the worker: to see whether they can be sent.
OWN = {("workers.py", "pickle.loads"), ("workers.py", "pickle.dumps")}
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen"),
    *("yaml.unsafe_load", "yaml.full_load"),
    *("pickle.load", "pickle.loads", "pickle.dump", "pickle.dumps", "dill.load", "joblib.load"),
    *("pickle.Unpickler", "cloudpickle.loads", "Text.from_markup", "rich.print"),
    *("pd.read_pickle", "shelve.open", "marshal.loads"),
    *("tarfile.open", "shutil.unpack_archive"),
}


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}, node


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_call_that_would_run_what_it_reads(path):
    for name, options, node in calls(path):
        where = f"{path}:{node.lineno}: {name}"
        assert name not in FORBIDDEN or (path.name, name) in OWN, where
        assert options.get("trust_remote_code", "False") == "False", where
        assert options.get("shell", "False") == "False", where
        assert name != "torch.load" or options.get("weights_only") == "True", where
        assert name != "yaml.load" or ast.unparse(node.args[1]) == "_Loader", where
        assert options.get("allow_pickle", "False") == "False", where
        assert not name.endswith("extractall"), where


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_name_is_taken_out_of_what_runs_what_it_reads(path):
    """Which would hide its calls from the test above."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in SMUGGLED, f"{path}:{node.lineno}"


def test_no_complaint_moves_a_terminals_colours():
    told = plain("row 3:\n  \x1b[31mred\x1b[0m, \u202etxet")
    assert told == "row 3:   \\x1b[31mred\\x1b[0m, \\u202etxet"


def test_yaml_makes_plain_values_only():
    assert issubclass(card._Loader, yaml.SafeLoader | yaml.CSafeLoader)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_console_reads_no_markup(path):
    for name, options, node in calls(path):
        if name.rpartition(".")[2] == "Console":
            assert options.get("markup") == "False", f"{path}:{node.lineno}"


def test_the_report_escapes_what_it_is_given():
    (environment,) = (call for call in calls(Path(page.__file__)) if "Environment" in call[0])
    assert environment[1].get("autoescape") == "True"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "", ".."])
def test_no_name_that_is_read_leads_out_of_the_folder(tmp_path, name):
    store = Store(tmp_path / "out")
    store.prepare()
    (tmp_path / "b.json").write_text('{"job": "abc"}')
    with pytest.raises(Damage, match="no name of a"):
        store.record(name)
    with pytest.raises(Damage, match="no name of a"):
        store.result(name)
