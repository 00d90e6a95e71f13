"""A store's finished jobs once more, at an fsspec URL, for machines that share no folder.

Whoever finishes a job sends it there; whoever needs one fetches it from there. Names are those of
the store; a job's manifest is sent last, and one that is not whole is none. What is fetched is
checked as what lies in the store is. Nothing here keeps two runs from doing the same job.
"""

import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stilts_repro.errors import FULL, InputError, MissingError, reason
from stilts_repro.experiments.manifest import MANIFEST, Damage, entries_of
from stilts_repro.experiments.store import SCRATCH, Store
from stilts_repro.jsonio import flush

POLL = 1.0  # seconds between two looks at what another process fetches
WEIGHTS = ".safetensors"  # files that only a job which starts from another reads


class Mirrored(Store):
    """The output folder of a run, and at `url` what other machines have, and are to have, of it.

    Of a job that another machine did weights are here only once a job here starts from it.
    """

    def __init__(self, output: Path, url: str) -> None:
        super().__init__(output)
        self.remote = Remote(url)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process have it, without the leases of this one."""
        return Mirrored, (self.output, self.remote.url)

    def absolute(self) -> "Store":
        """Return it as it is to be named from another working folder."""
        return Mirrored(self.output.absolute(), self.remote.url)

    def meet(self, jobs: Iterable[str]) -> None:
        """Fetch those of `jobs` that are there alone, send those that are here alone."""
        there = self.remote.names("jobs")
        for job in jobs:
            if job in there:
                self.fetch(job)
            elif self.folder(job).is_dir() and not self.damage(job):
                self._send(job)

    def fetch(self, job: str, *, whole: bool = False) -> None:
        """Have a job, if it is there and not here; if `whole`, with its weights.

        Then another process of this machine that fetches it is waited for. Raises `Damage` where
        weights are nowhere.
        """
        while not self.folder(job).is_dir():
            with self.leases.borrowed(job) as free:
                if free:
                    self._fetch(job)
            if free or not whole:
                break
            time.sleep(POLL)
        for name in self._manifest(job) if whole else ():
            path = self.output / name
            if not path.exists() and self._is_of(job, name):
                self.remote.fetch(name, path)
            if not path.exists():
                raise Damage(f"{path}: not here, and not at {self.remote.url}")

    def set_aside(self, job: str) -> None:
        """Take a damaged job away, and have it again from there if it is whole there.

        One that is not damaged was built on what is, and goes there as well.
        """
        stale = self.damage(job) is None
        super().set_aside(job)
        if not stale:
            with suppress(Damage):
                self.fetch(job, whole=True)
                self.check(job)
                return
            super().set_aside(job)
        self.remote.remove(self._name(job))

    def _lets_be(self, name: str) -> bool:
        return name.endswith(WEIGHTS)

    def _fetch(self, job: str) -> None:
        """Bring a job but for its weights, unless it is there in part."""
        data = self.remote.read(f"{self._name(job)}/{MANIFEST}")
        entries = entries_of(data.decode(errors="replace")) if data else None
        if entries is None or not all(self._is_of(job, name) for name in entries):
            return
        scratch = self._beside(SCRATCH, job)
        scratch.mkdir()
        for name in entries:
            path = self.output / name
            if path.is_relative_to(self.folder(job)):
                path = scratch / path.relative_to(self.folder(job))
            if not name.endswith(WEIGHTS):
                self.remote.fetch(name, path)
        (scratch / MANIFEST).write_bytes(data or b"")
        flush(scratch / MANIFEST)
        scratch.rename(self.folder(job))

    def _send(self, job: str) -> None:
        try:
            for name in (*self._manifest(job), f"{self._name(job)}/{MANIFEST}"):
                self.remote.send(name, self.output / name)
        except MissingError as error:  # here it has finished all the same
            print(f"  {error}; the next run sends job {job}", file=sys.stderr, flush=True)

    def _name(self, job: str) -> str:
        """Return what a job's folder is called in manifests."""
        return str(self.folder(job).relative_to(self.output))

    def _is_of(self, job: str, name: str) -> bool:
        """Say whether `name`, of a file in a manifest from elsewhere, may be a file of `job`."""
        path = self.output / name
        own = path.is_relative_to(self.folder(job)) or path.parent == self.records
        return own and ".." not in path.parts


class Remote:
    """The files at `url`, whose names are relative to it."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        with self._reached():
            self.files, self.root = fsspec.url_to_fs(url)

    def names(self, folder: str) -> set[str]:
        """Return the names of what lies in a folder, none where there is no such."""
        with self._reached():
            self.files.invalidate_cache()
            if not self.files.isdir(f"{self.root}/{folder}"):
                return set()
            found = self.files.ls(f"{self.root}/{folder}", detail=False)
        return {str(path).rstrip("/").rpartition("/")[2] for path in found}

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where it is not there."""
        with self._reached():
            try:
                return bytes(self.files.cat_file(f"{self.root}/{name}"))
            except FileNotFoundError:
                return None

    def fetch(self, name: str, path: Path) -> None:
        """Bring a file to `path`, there whole or not at all; without it nothing happens."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
        try:
            with self._reached():
                self.files.get_file(f"{self.root}/{name}", str(part))
            flush(part)
            part.replace(path)
        except FileNotFoundError:
            pass
        finally:
            part.unlink(missing_ok=True)

    def send(self, name: str, path: Path) -> None:
        """Put the file at `path` there."""
        there = f"{self.root}/{name}"
        with self._reached():
            self.files.makedirs(there.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), there)

    def remove(self, folder: str) -> None:
        """Remove a folder and what is in it."""
        with self._reached():
            if self.files.exists(f"{self.root}/{folder}"):
                self.files.rm(f"{self.root}/{folder}", recursive=True)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Say in one line why the URL cannot be used."""
        try:
            yield
        except FileNotFoundError:
            raise
        except ImportError as error:
            raise MissingError(f"--store {self.url}: {reason(error)}") from None
        except ValueError as error:
            told = f"{reason(error)}; give a URL that fsspec knows (docs/cluster.md)"
            raise InputError(f"--store {self.url}: {told}") from None
        except Exception as error:  # each file system has its own
            if getattr(error, "errno", None) in FULL:  # here
                raise
            raise MissingError(f"--store {self.url}: cannot be reached ({reason(error)})") from None
