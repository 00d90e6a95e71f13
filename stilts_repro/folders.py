"""Folders that a user names: whose home it is, whether it can be written, and what its name is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stilts_repro.errors import FULL, InputError, reason, refusal


def expanded(name: str) -> str:
    """Return `name` with `~` and `~user` replaced by homes, where no shell has done it.

    Raises `InputError` where there is no such home: a folder called `~` is nobody's wish.
    """
    found = os.path.expanduser(name)  # noqa: PTH111 (Path's raises)
    homeless = found == name or not os.path.isabs(os.environ.get("HOME", "/"))  # noqa: PTH117
    if name.startswith("~") and homeless:
        raise InputError(f"{name}: no such home folder")
    return found


@contextmanager
def writing(option: str, folder: Path) -> Iterator[None]:
    """Say of what the system refuses in the block which `folder` that is, and which `option`'s.

    Raises `InputError`; where there is no room anywhere, `OSError`, which ends the command as well.
    """
    try:
        yield
    except Exception as error:
        refused = refusal(error)
        if refused is None:
            raise
        where, why = f"{option} {folder}", reason(refused)
        if refused.errno in FULL:
            raise OSError(refused.errno, why, where) from None
        raise InputError(f"{where}: cannot be written ({why}); choose another folder") from None


def check_name(option: str, folder: Path | str) -> None:
    """Raise `InputError` where a folder's name is not UTF-8: models cannot lie below it."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{option} {folder}: its name is not UTF-8, and safetensors and tokenizers open no "
            "such file; give it another name, or a link to it"
        ) from None
