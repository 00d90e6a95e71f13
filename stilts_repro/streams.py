"""Output that cannot fail a run: closed, on a full disk, or in an encoding that lacks letters."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast


def silence_libraries() -> None:
    """Let transformers and the hub say nothing: what their tries come to is told in our words."""
    from huggingface_hub.utils import logging as hub_logging
    from transformers.utils import logging

    logging.set_verbosity_error()
    hub_logging.set_verbosity_error()


class Steady:
    """A text stream that takes everything: what cannot be written is lost, and no more than that.

    Letters that the stream's encoding lacks become `?`, on stderr their escapes. `failure` is the
    first error, but for a reader that has seen enough (`| head`).
    """

    def __init__(self, stream: TextIO | None, letters: str) -> None:
        self.failure: Exception | None = None
        closed = Path(os.devnull).open  # what can only be read refuses the first write
        self._stream = stream or cast(TextIO, closed())
        with suppress(AttributeError, ValueError, OSError):  # pytest's, or closed
            cast(TextIOWrapper, self._stream).reconfigure(errors=letters)

    def write(self, text: str) -> int:
        """Write `text`, or lose it."""
        return self._steadily(lambda: self._stream.write(text)) or len(text)

    def flush(self) -> None:
        """Write what waits, or lose it."""
        self._steadily(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _steadily(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (OSError, ValueError) as error:
            if not isinstance(error, BrokenPipeError):
                self.failure = self.failure or error
            with suppress(OSError, ValueError):  # what waits would fail again as Python ends
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def steady() -> Steady:
    """Make this process's stdout and stderr steady; return the former."""
    for number in range(3):  # else the next file that is opened gets the number of a closed one
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if not isinstance(sys.stdout, Steady):
        sys.stdout = cast(TextIO, Steady(sys.stdout, "replace"))
    if not isinstance(sys.stderr, Steady):
        sys.stderr = cast(TextIO, Steady(sys.stderr, "backslashreplace"))
    return cast(Steady, sys.stdout)


@contextmanager
def steadied() -> Iterator[Steady]:
    """Make stdout and stderr steady for a block."""
    before = sys.stdout, sys.stderr
    try:
        yield steady()
    finally:
        sys.stdout, sys.stderr = before


@cache
def say_once(text: str) -> None:
    """Print `text` on stderr, unless this process has done so before."""
    print(text, file=sys.stderr, flush=True)
