"""What all commands share: complaints of one line, and an end that a script can tell apart.

Whatever comes out of a command's body becomes a line on stderr and an exit status: that of a
`StiltsError`; 3 where memory, room on a disk or the use of a file is denied; 130 where it was
stopped from the keyboard; and 4 for what nobody foresaw, a fault of this package, whose traceback
then lies in a file. Nothing large is imported here: imports can fail and be stopped as well.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from stilts_repro.errors import (
    FULL,
    InputError,
    MissingError,
    StiltsError,
    plain,
    reason,
    refusal,
    short_of_memory,
)
from stilts_repro.folders import expanded
from stilts_repro.stopping import STATUS, Terminated
from stilts_repro.streams import steadied

FAULT, STOPPED = 4, 130
OURS = ("stilts_repro", "reproduce")


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line; its subcommands' parsers are of its class."""

    @property
    def name(self) -> str:
        """What the command's complaints begin with."""
        return self.prog.removeprefix("python -m ").removeprefix("stilts_repro.")

    def error(self, message: str) -> NoReturn:
        """Leave with status 2."""
        _complain(self.name, f"{message} (see --help)")
        sys.exit(2)


def named(name: str) -> str:
    """Return what an option names, `~` expanded: after `--output=` no shell does it."""
    if not name:  # a shell's variable that is not set
        raise argparse.ArgumentTypeError("an empty name; give one, or leave the option out")
    try:
        return expanded(name)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def folder(name: str) -> Path:
    """Return the folder or file that an option names."""
    return Path(named(name))


def run(
    parser: Parser,
    body: Callable[[argparse.Namespace], int],
    arguments: Sequence[str] | None = None,
    *,
    resumes: bool = False,
) -> int:
    """Return the exit status of `body`, which gets the parsed `arguments`; nothing is raised.

    `resumes` says that the same command goes on from where it was stopped. A command with
    `--output` has its results there: that they cannot be printed as well changes no status.
    """
    options = argparse.Namespace()

    def parsed() -> int:
        parser.parse_args(arguments, options)
        return body(options)

    return ended(parser.name, parsed, options, resumes=resumes)


def ended(
    name: str,
    body: Callable[[], int],
    options: argparse.Namespace | None = None,
    *,
    resumes: bool = False,
) -> int:
    """Return the exit status of `body`; what it raises is told in one line. See `run`."""
    with steadied() as printed:
        try:
            status = body()
        except SystemExit as leaving:  # argparse's
            status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        except BaseException as error:
            line, status = told(error, getattr(options, "output", None), resumes)
            _complain(name, line)
        printed.flush()
        if failure := printed.failure:
            printed.failure = None  # told once
            _complain(name, f"standard output: {reason(failure)}; not all has been printed")
            status = status or (0 if getattr(options, "output", None) else MissingError.exit_status)
    return status


def told(error: BaseException, output: Path | None, resumes: bool) -> tuple[str, int]:
    """Return the line that says what `error` is, and the exit status.

    Of a fault of this package the traceback is written to a file.
    """
    again = "; the same command goes on from here" if resumes else ""
    if isinstance(error, StiltsError):
        return str(error), error.exit_status
    if isinstance(error, KeyboardInterrupt | Terminated):
        return f"stopped{again}", STOPPED if isinstance(error, KeyboardInterrupt) else STATUS
    if short_of_memory(error):
        return f"there is not enough memory; free some{again}", MissingError.exit_status
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] not in OURS:
        line = f"a library is missing or broken ({reason(error)}); install it anew"
        return line, MissingError.exit_status
    if (refused := refusal(error)) is None:
        return _fault(error, output), FAULT
    full = refused.errno in FULL
    where = refused.filename or (f"--output {output}" if full and output else "")
    what = ": ".join(filter(None, (where if isinstance(where, str) else "", reason(refused))))
    do = "free some room" if full else "mend that"
    return f"{what}; {do}, or choose another folder{again}", MissingError.exit_status


def _fault(error: BaseException, output: Path | None) -> str:
    """Return the line about a fault of this package, after writing its traceback to a file.

    The file is in `output` if that can be written, else in the temporary folder. What a worker
    process raised has the worker's part as its cause.
    """
    from importlib import metadata  # half of what this module's imports would take, for nothing

    lines = [shlex.join(sys.orig_argv), time.ctime(), f"Python {sys.version}", ""]
    lines += ["".join(traceback.format_exception(error))]
    lines += sorted(f"{found.name}=={found.version}" for found in metadata.distributions())
    kept = _kept("\n".join(lines), output) or _kept("\n".join(lines), None)
    return (
        f"this is a fault of stilts_repro, not yours ({type(error).__name__}: {reason(error)}); "
        f"its traceback is {f'in {kept}' if kept else 'lost, as no file can be written'}"
    )


def _kept(text: str, folder: Path | None) -> str | None:
    """Write `text` to a new file in `folder` (None: the temporary one); None where that fails."""
    name = None
    try:
        number, name = tempfile.mkstemp(".txt", "fault-", folder)
        os.close(number)
        Path(name).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        if name:
            Path(name).unlink(missing_ok=True)
        return None
    return name


def _complain(name: str, line: str) -> None:
    print(f"{name}: {plain(line)}", file=sys.stderr, flush=True)
