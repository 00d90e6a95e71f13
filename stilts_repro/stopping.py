"""A polite end: SIGTERM lets a training finish its step and leave a checkpoint.

Schedulers send it before they kill; so does the main process to its workers when it ends, whatever
ends it.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STATUS = 128 + signal.SIGTERM  # what shells say of a process that it ended
_training = _asked = False


class Terminated(BaseException):
    """The main process was sent SIGTERM."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` in the block, the main process's, when SIGTERM comes."""

    def terminate(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def request(*_: object) -> None:
    """Handle SIGTERM in a worker: end, unless a training is under way, which is to end itself."""
    global _asked
    if not _training:
        os._exit(STATUS)
    _asked = True


@contextmanager
def training() -> Iterator[None]:
    """Let the block see to its end itself: it looks at `asked`, and calls `leave`."""
    global _training
    _training = True
    try:
        yield
    finally:
        _training = False
        leave()


@contextmanager
def heeded() -> Iterator[None]:
    """Handle SIGTERM in the block, in the main process, as a worker does."""
    before = signal.signal(signal.SIGTERM, request)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def itself() -> Iterator[None]:
    """Let the block, a training in the main process, see to its end itself when SIGTERM comes."""
    with heeded(), training():
        yield


def asked() -> bool:
    """Say whether the process has been asked to end."""
    return _asked


def leave() -> None:
    """End the process, at once and without cleaning up, if that has been asked for."""
    if _asked:
        os._exit(STATUS)
