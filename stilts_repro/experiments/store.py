"""Where finished jobs lie: `jobs/<hash>/`, there whole or not at all.

A job works in a scratch folder beside; the folder gets its name by one rename, last of all. A run
killed at any moment leaves finished jobs or scratch folders, and the next run sweeps the latter; a
run that ends otherwise has done so itself.
"""

import errno
import fcntl
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from stilts_repro.errors import InputError, StiltsError
from stilts_repro.folders import check_name, writing
from stilts_repro.jsonio import read_json, write_json

SCRATCH = ".unfinished-"
PREDICTIONS = "predictions"  # folder in a job's: `<task>.<part>.json`, predictions by language
MODEL = "model"  # folder in a target job's, where its model was to be kept
NO_LOCKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)


def predictions_file(folder: Path, record: Mapping[str, Any]) -> Path:
    """Return where in its job's `folder` the predictions behind `record` are."""
    return folder / PREDICTIONS / f"{record['task']}.{record['part']}.json"


class Store:
    """The output folder of a run."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.jobs = output / "jobs"
        self.records = output / "records"

    def prepare(self) -> None:
        """Make the folders; `writing` says where they cannot be written."""
        check_name("--output", self.output)
        with writing("--output", self.output):
            for folder in (self.jobs, self.records):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.output) as file:
                file.write(b"\0")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run; `InputError` where another run holds it.

        Before and after, what unfinished jobs have left is swept. Where the file system has no
        locks, stderr says so and nothing is swept: it might be that other run's.
        """
        with writing("--output", self.output):
            lock = (self.output / ".lock").open("w")
        with lock:
            held = self._hold(lock)
            if held:
                self._sweep()
            try:
                yield
            finally:
                if held:
                    self._sweep()

    def _hold(self, lock: IO[str]) -> bool:
        """Lock the folder; say whether its file system can do that."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"--output {self.output}: another run is using it; wait, or choose another"
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            told = "its file system has no locks; let no other run use it"
            print(f"reproduce: --output {self.output}: {told}", file=sys.stderr, flush=True)
            return False
        return True

    def done(self, job: str, *, with_model: bool = False) -> bool:
        """Say whether the job has finished, and kept its model if it is asked for.

        One whose result or records are gone or cannot be read has not: it is to be done again.
        """
        try:
            for record in self.result(job)["records"]:
                self.record(record)
        except (StiltsError, LookupError, TypeError):
            return False
        return not with_model or (self.folder(job) / MODEL).is_dir()

    def result(self, job: str) -> dict[str, Any]:
        """Return what a finished job left behind."""
        return read_json(self.jobs / job / "result.json")

    def folder(self, job: str) -> Path:
        """Return a finished job's folder; a phase-(ii) job's is a model directory."""
        return self.jobs / job

    @contextmanager
    def working(self, job: str) -> Iterator[Path]:
        """Give a scratch folder that becomes the job's when the block ends without error."""
        # Containers number their processes alike: one that was killed may have left this number's.
        scratch = self.jobs / f"{SCRATCH}{job}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        scratch.mkdir()
        try:
            yield scratch
            shutil.rmtree(self.jobs / job, ignore_errors=True)  # one done before, without a model
            scratch.rename(self.jobs / job)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def add_record(self, record: dict[str, Any]) -> None:
        """Write one record under its hash."""
        write_json(self.records / f"{record['hash']}.json", record)

    def record(self, identity: str) -> dict[str, Any]:
        """Return the record with this hash."""
        return read_json(self.records / f"{identity}.json")

    def _sweep(self) -> None:
        for folder in self.jobs.glob(f"{SCRATCH}*"):
            shutil.rmtree(folder, ignore_errors=True)
