"""Output that is closed, full or without the letters ends in one line, or in none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stilts_repro.streams import Steady

DESCRIBE = "{python} -m stilts_repro.testbed describe qac"  # prints letters that ASCII lacks
CLAIM = "{python} -m reproduce published_tables --output {output}"


def sh(command, tmp_path, **variables):
    """What a shell gets from `command`: its status, stdout and stderr."""
    line = command.format(python=sys.executable, output=tmp_path / "out")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        env=os.environ | variables,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("where", "reason"), [(">&-", "not writable"), (">/dev/full", "No space left on device")]
)
def test_what_cannot_be_printed_is_one_line_and_status_3(tmp_path, where, reason):
    status, _, error = sh(f"{DESCRIBE} {where}", tmp_path)
    assert (status, error) == (
        3,
        f"testbed: standard output: {reason}; not all has been printed\n",
    )


def test_results_are_there_though_they_cannot_be_printed(tmp_path):
    status, _, error = sh(f"{CLAIM} >/dev/full", tmp_path)
    assert (status, error.count("\n")) == (0, 1)
    assert (tmp_path / "out" / "claims.json").is_file()


def test_all_that_is_standard_may_be_closed(tmp_path):
    assert sh(f"{CLAIM} <&- >&- 2>&-", tmp_path) == (0, "", "")
    assert (tmp_path / "out" / "claims.json").is_file()


def test_a_reader_may_have_seen_enough(tmp_path):
    status, printed, error = sh(f"{DESCRIBE} | head -1", tmp_path)
    assert (status, printed.count("\n"), error) == (0, 1, "")


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_complaints_that_nobody_can_read_change_no_status(tmp_path, where):
    assert sh("{python} -m stilts_repro.testbed describe xx " + where, tmp_path) == (2, "", "")


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        (DESCRIBE, {"PYTHONIOENCODING": "ascii"}),
        (DESCRIBE, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}),
        (CLAIM, {"PYTHONIOENCODING": "ascii"}),
    ],
)
def test_letters_that_the_encoding_lacks_become_question_marks(tmp_path, command, variables):
    status, printed, error = sh(command, tmp_path, **variables)
    assert (status, error) == (0, "")
    assert "?" in printed and printed.isascii()


def test_the_first_failure_is_kept_and_nothing_raises():
    class Broken:
        def __init__(self):
            self.errors = [OSError(5, "first"), ValueError("second")]

        def write(self, text):
            raise self.errors.pop(0)

        def fileno(self):
            raise OSError

    stream = Steady(Broken(), "replace")
    assert stream.write("abc") == stream.write("def") - 0 == 3
    assert str(stream.failure) == "[Errno 5] first"
