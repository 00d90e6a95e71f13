"""What can go wrong for a user, each with the exit status that the command line returns.

A message is one line: what is wrong, where it is, and what to do about it.
"""

import errno
import os
import re

NUMPY_FULL = re.compile(r"\d+ requested and \d+ written")
# torch says in words what Python has a type for.
NO_MEMORY = re.compile(r"can(not|'t) allocate memory|out of memory", re.IGNORECASE)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # there is no room, whoever asks


class StiltsError(Exception):
    """Base of every error that a user can cause and mend; printed as one line, no traceback."""

    exit_status: int


class InputError(StiltsError):
    """Bad usage or bad input: an unknown name, a malformed row, a broken file (exit status 2)."""

    exit_status = 2


class MissingError(StiltsError):
    """Something needed is not there: data, weights, a network, hardware, room (exit status 3)."""

    exit_status = 3


def reason(error: BaseException) -> str:
    """Return in one line why `error` came: the system's words, its first line, or its type."""
    told = (error.strerror or "") if isinstance(error, OSError) else ""
    lines = (told or str(error)).strip().splitlines()
    if lines and NUMPY_FULL.fullmatch(lines[0]):
        return os.strerror(errno.ENOSPC)
    return lines[0][:160] if lines else type(error).__name__


def plain(text: str) -> str:
    """Return `text` as one line without anything that would move a terminal's cursor or colours.

    It may quote data.
    """
    line = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def short_of_memory(error: BaseException) -> bool:
    """Say whether memory was denied, the host's or a GPU's, in whatever words."""
    if isinstance(error, StiltsError):  # which may quote anything
        return False
    return isinstance(error, MemoryError) or bool(NO_MEMORY.search(str(error)))


def refusal(error: BaseException) -> OSError | None:
    """Return what the operating system refused: `error` itself, or what its text says; else None.

    safetensors and tokenizers are Rust: a full disk is in the words of an error of their own.
    """
    if isinstance(error, OSError):
        return error
    if isinstance(error, StiltsError):  # which may quote what has been seen to
        return None
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else None
