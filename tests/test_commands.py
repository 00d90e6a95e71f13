"""What comes out of a command's body is one line and a status that scripts can tell apart."""

import errno
import os
import re
import shlex
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from safetensors import SafetensorError

from stilts_repro.commands import Parser, ended, folder, run
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import forking

NOT_UTF8 = os.fsdecode(b"donn\xe9es")
AGAIN = "; the same command goes on from here"
NO_MEMORY = f"there is not enough memory; free some{AGAIN}"


def raising(error):
    def body(*_):
        raise error

    return body


def outcome(capsys, error, *arguments, **options):
    parser = Parser(prog="python -m stilts_repro.act")
    parser.add_argument("--output", type=folder)
    status = run(parser, raising(error), [str(argument) for argument in arguments], **options)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("act: ") and "Traceback" not in captured.err
    return status, captured.err.removeprefix("act: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("a: b; c"), 2, "a: b; c"),
        (MissingError("a: in\n  two lines"), 3, "a: in   two lines"),
        (KeyboardInterrupt(), 130, f"stopped{AGAIN}"),
        (MemoryError(), 3, NO_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), 3, NO_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 3, NO_MEMORY),
        (
            OSError(errno.EIO, "Input/output error", f"{NOT_UTF8}/a"),
            3,
            f"donn\\udce9es/a: Input/output error; mend that, or choose another folder{AGAIN}",
        ),
        (
            FileNotFoundError("No usable temporary directory found in ['/tmp']"),
            3,
            "No usable temporary directory found in ['/tmp']; mend that, or choose another folder"
            + AGAIN,
        ),
        (
            ModuleNotFoundError("No module named 'scipy'", name="scipy.stats"),
            3,
            "a library is missing or broken (No module named 'scipy'); install it anew",
        ),
    ],
)
def test_what_is_foreseen_has_its_status(capsys, error, status, line):
    assert outcome(capsys, error, resumes=True) == (status, line)


FULL = "No space left on device; free some room, or choose another folder"


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/a.json"), "out/a.json"),
        # Libraries in Rust have no errors of the system, and say it in their own words.
        (SafetensorError("Error while serializing: I/O error: x (os error 28)"), "--output {}"),
        (Exception("No space left on device (os error 28)"), "--output {}"),  # tokenizers
    ],
)
def test_a_full_disk_is_one_line_that_says_what_to_do(capsys, tmp_path, error, where):
    expected = f"{where.format(tmp_path)}: {FULL}"
    assert outcome(capsys, error, "--output", tmp_path) == (3, expected)
    assert outcome(capsys, error, "--output", tmp_path, resumes=True) == (3, expected + AGAIN)
    assert list(tmp_path.iterdir()) == []


def fault(line):
    """The file that the line names."""
    return Path(re.search(r"its traceback is in (\S+)$", line)[1])


def test_a_fault_of_ours_has_a_status_of_its_own_and_a_file(capsys, tmp_path):
    status, line = outcome(capsys, KeyError(f"no\n{NOT_UTF8}"), "--output", tmp_path)
    assert status == 4
    assert line.startswith("this is a fault of stilts_repro, not yours (KeyError: ")
    assert fault(line).parent == tmp_path
    told = fault(line).read_text(encoding="utf-8")
    assert "Traceback" in told and "in body" in told
    assert told.splitlines()[0] == shlex.join(sys.orig_argv)
    assert re.search(r"^torch==\d", told, re.MULTILINE)


@pytest.mark.parametrize("output", ["nowhere", "file"])
def test_it_is_in_the_temporary_folder_where_the_output_is_none(
    capsys, tmp_path, monkeypatch, output
):
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    _, line = outcome(capsys, TypeError("odd"), "--output", tmp_path / output)
    assert fault(line).parent == tmp_path / "temporary"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary" / "gone"))
    status, line = outcome(capsys, TypeError("odd"))
    assert (status, line.rpartition("; ")[2]) == (
        4,
        "its traceback is lost, as no file can be written",
    )


def test_an_import_of_our_own_that_fails_is_a_fault_too(capsys, tmp_path):
    error = ImportError("cannot import name 'x'", name="stilts_repro.data")
    assert outcome(capsys, error, "--output", tmp_path)[0] == 4


def test_the_traceback_of_a_worker_is_in_the_file(capsys, tmp_path):
    with ProcessPoolExecutor(1, mp_context=forking.start()) as pool:
        error = pool.submit(int, "no number").exception()
    _, line = outcome(capsys, error, "--output", tmp_path)
    told = fault(line).read_text()
    assert "_RemoteTraceback" in told and "_process_worker" in told


def test_bad_usage_and_help_leave_as_they_do(capsys):
    parser = Parser(prog="python -m stilts_repro.act")
    assert run(parser, raising(ValueError()), ["--nonsense"]) == 2
    assert capsys.readouterr().err == "act: unrecognized arguments: --nonsense (see --help)\n"
    assert run(parser, raising(ValueError()), ["--help"]) == 0
    assert ended("act", raising(SystemExit())) == 0
    assert ended("act", lambda: 1) == 1


def test_an_empty_name_is_none(capsys):
    """Of a shell's variable that is not set."""
    parser = Parser(prog="x")
    parser.add_argument("--output", type=folder)
    assert run(parser, raising(ValueError()), ["--output="]) == 2
    assert "--output: an empty name; give one, or leave the option out" in capsys.readouterr().err


def test_a_home_is_found_where_no_shell_has_looked(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    parser = Parser(prog="act")
    parser.add_argument("--output", type=folder)
    found = []
    assert run(parser, lambda options: found.append(options.output) or 0, ["--output=~/x"]) == 0
    assert found == [tmp_path / "x"]
    assert run(parser, raising(ValueError()), ["--output=~nobody-at-all/x"]) == 2
    assert "~nobody-at-all/x: no such home folder" in capsys.readouterr().err
