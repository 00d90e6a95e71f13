"""Which of several runs on one folder does a job: whoever was first to make the job's lease.

A lease is a file that can be made only once; to make a file unless it is there is atomic on local
disks and on NFS, where locks may be absent, or kept by one machine only. Its owner renews it every
few seconds. One that nobody renews for a minute, as its watcher counts, is a dead owner's, and is
taken over; of a process of the same machine it is seen at once whether it is gone. No clock is
compared with another. An owner that was taken for dead, and wakes, lets the new one's lease be.
"""

import contextlib
import errno
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

GONE = (errno.ENOENT, errno.ESTALE)  # of a file; on NFS one may have been opened before
BEAT, PATIENCE = 10.0, 60.0  # seconds between renewals; without one, before an owner is dead


class Leases:
    """The leases of one folder, and those that this process has taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: dict[str, bytes] = {}  # by name: what is in its file
        self._seen: dict[str, tuple[Any, float]] = {}  # by name: state, and since when
        self._ended = threading.Event()

    def take(self, name: str) -> bool:
        """Take the lease `name`, if nobody alive has it; say whether this process has it now."""
        if name in self._taken:
            return True
        made = self._make(name) or (self._make(name) if self._bury(name) else None)
        if made is None:
            return False
        self._taken[name] = made
        if len(self._taken) == 1:
            self._ended = threading.Event()
            threading.Thread(target=self._renew, args=(self._ended,), daemon=True).start()
        return True

    def release(self, name: str) -> None:
        """Give the lease up, if this process has it."""
        if name in self._taken:
            if self._ours(name):
                self._path(name).unlink(missing_ok=True)
            del self._taken[name]
        if not self._taken:
            self._ended.set()

    @contextmanager
    def borrowed(self, name: str) -> Iterator[bool]:
        """Have the lease in the block, if nobody else has it; say whether it is had."""
        before = name in self._taken
        had = self.take(name)
        try:
            yield had
        finally:
            if had and not before:
                self.release(name)

    def end(self) -> None:
        """Give up all leases of this process."""
        for name in [*self._taken]:
            with contextlib.suppress(OSError):  # the folder may be gone
                self.release(name)

    def held(self, name: str) -> bool:
        """Say whether someone alive has the lease."""
        state = self._state(name)
        return state is not None and not self._dead(name, state)

    def any_held(self) -> bool:
        """Say whether someone alive has any lease."""
        return any(map(self.held, self._names()))

    def sweep(self) -> None:
        """Take dead owners' leases away: where the job is done, nobody else would."""
        for name in self._names():
            self._bury(name)

    def owner(self, name: str) -> str:
        """Return who has the lease, in words."""
        try:
            found = json.loads(self._path(name).read_text(encoding="utf-8"))
            return f"process {found['process']} on {found['host']}"
        except (OSError, ValueError, LookupError, TypeError):
            return "another run"

    def _names(self) -> list[str]:
        return [path.name for path in self.folder.glob("[!.]*")]

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _make(self, name: str) -> bytes | None:
        """Make a lease; return what is in its file, None where there is one."""
        lease = json.dumps(_self() | {"lease": uuid.uuid4().hex}).encode()
        try:
            with self._path(name).open("xb") as file:
                file.write(lease)
        except FileExistsError:
            return None
        return lease

    def _ours(self, name: str) -> bool:
        """Say whether a lease that was taken has not been taken over."""
        return self._read(self._path(name)) == self._taken.get(name)

    def _state(self, name: str) -> Any:
        """Return what changes when a lease is renewed or changes hands; None where it is not."""
        path = self._path(name)
        try:
            changed = path.stat().st_mtime_ns
        except OSError as error:
            if error.errno not in GONE:
                raise
            return None
        content = self._read(path)
        return None if content is None else (changed, content)

    def _read(self, path: Path) -> bytes | None:
        """Return what is in a lease; None where it is gone."""
        try:
            return path.read_bytes()
        except OSError as error:
            if error.errno not in GONE:
                raise
            return None

    def _dead(self, name: str, state: Any) -> bool:
        """Say whether the owner of a lease is gone, or has not been heard of for long."""
        before, since = self._seen.setdefault(name, (state, time.monotonic()))
        if before != state:
            self._seen[name] = state, time.monotonic()
            since = time.monotonic()
        gone = _gone(state[1])
        return time.monotonic() - since > PATIENCE if gone is None else gone

    def _bury(self, name: str) -> bool:
        """Take a dead owner's lease away; say whether there is none now."""
        state = self._state(name)
        if state is None:
            return True
        if not self._dead(name, state):
            return False
        grave = self.folder / f".{name}-{uuid.uuid4().hex}"
        try:
            self._path(name).rename(grave)
        except FileNotFoundError:  # another run was quicker
            return True
        found = self._read(grave)
        if found and found != state[1]:  # and has its own lease there already: give it back
            with contextlib.suppress(FileExistsError), self._path(name).open("xb") as file:
                file.write(found)
            grave.unlink(missing_ok=True)
            return False
        grave.unlink(missing_ok=True)
        return True

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(BEAT):
            for name in [*self._taken]:
                with contextlib.suppress(OSError):  # released meanwhile, or the folder is gone
                    if self._ours(name):
                        os.utime(self._path(name))


def _gone(owner: bytes) -> bool | None:
    """Say whether an owner is no more; None where it is no process of this machine."""
    try:
        found = json.loads(owner)
        if found["machine"] != _self()["machine"]:
            return None
        return bool(found["started"] != _started(found["process"]))
    except (ValueError, LookupError, TypeError):
        return None  # half written


@cache
def _self_of(process: int) -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "process": process,
        "started": _started(process),
    }


def _self() -> dict[str, Any]:
    """Return who this process is."""
    return _self_of(os.getpid())


def _machine() -> str:
    """Return what processes share that can see each other: the boot, and the process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _started(process: int) -> str | None:
    """Return when a process of this machine started, in the system's own count; None: it is not.

    A number is given to another process in time.
    """
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it may end while it is looked at
        if Path("/proc/self").exists():
            return None
    else:
        state, *rest = told.rpartition(")")[2].split()
        return None if state in "ZX" else rest[18]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""
