"""Where finished jobs lie: `jobs/<hash>/`, there whole or not at all, and checked before use.

A job works in a scratch folder beside; its last file is a manifest with the size and SHA-256 of all
the others, and then the folder gets its name by one rename. A run killed at any moment leaves
finished jobs or scratch folders, and the next run sweeps the latter. Several runs may share the
folder: `leases` say which of them does a job. Machines that share no folder have finished jobs from
each other by way of a mirror (`mirror`).
"""

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stilts_repro.errors import InputError, MissingError, reason
from stilts_repro.experiments.leases import Leases
from stilts_repro.experiments.manifest import MANIFEST, Damage, compare, entries_of, manifest_text
from stilts_repro.folders import check_name, writing
from stilts_repro.jsonio import digest, flush, parse_json, read_json, write_json, write_text

SCRATCH = ".unfinished-"
DAMAGED = ".damaged-"
RESULT = "result.json"
RECORDS = "records"  # folder in the output; and, until a job has finished, in its scratch folder
PREDICTIONS = "predictions"  # folder in a job's: `<task>.<part>.json`, by language; logits beside
MODEL = "model"  # folder in a target job's, where its model was to be kept

NAME = re.compile("[A-Za-z0-9+_-]+")


def predictions_file(folder: Path, record: Mapping[str, Any]) -> Path:
    """Return where in its job's `folder` the predictions behind `record` are."""
    return folder / PREDICTIONS / f"{record['task']}.{record['part']}.json"


class Store:
    """The output folder of a run."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.jobs = output / "jobs"
        self.records = output / RECORDS
        self.leases = Leases(output / "leases")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process have it, without the leases of this one."""
        return type(self), (self.output,)

    def absolute(self) -> "Store":
        """Return it as it is to be named from another working folder."""
        return Store(self.output.absolute())

    def meet(self, jobs: Iterable[str]) -> None:
        """Have those of `jobs` that are finished elsewhere, and let them be had from here."""

    def fetch(self, job: str, *, whole: bool = False) -> None:
        """Have a job, if it is finished elsewhere; if `whole`, with its weights."""

    def prepare(self) -> None:
        """Make the folders; `writing` says where they cannot be written."""
        check_name("--output", self.output)
        with writing("--output", self.output):
            for folder in (self.jobs, self.records, self.leases.folder):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.output) as file:
                file.write(b"\0")

    @contextmanager
    def used(self) -> Iterator[None]:
        """Use the folder for a run: before and after, sweep what nobody is at work on."""
        self._sweep()
        try:
            yield
        finally:
            with suppress(OSError):  # of a folder that is gone or read-only, which is told already
                self.leases.end()
                self._sweep()

    def done(self, job: str, *, with_model: bool = False) -> bool:
        """Say whether the job has finished undamaged, and kept its model if that is asked for."""
        self.fetch(job)
        return (
            self.folder(job).is_dir()
            and self.damage(job) is None
            and (not with_model or self.has_model(job))
        )

    def has_model(self, job: str) -> bool:
        """Say whether a finished target job kept its model."""
        return (self.folder(job) / MODEL).is_dir()

    def damage(self, job: str) -> str | None:
        """Say which file of a finished job is not what was written; None where all are."""
        try:
            self.check(job)
        except Damage as damage:
            return str(damage)
        return None

    def check(self, job: str) -> None:
        """Read all files of a finished job; raise `Damage` for the first that is not as written."""
        for name, entry in self._manifest(job).items():
            path = self.output / name
            try:
                size = path.stat().st_size
                found = (size, digest(path) if size == entry["size"] else "")
            except OSError as error:
                if self._lets_be(name) and not path.exists():
                    continue
                raise Damage(f"{path}: {reason(error)}") from None
            compare(path, found, entry)

    def result(self, job: str) -> dict[str, Any]:
        """Return what a finished job left behind; `Damage` where it is not what was written."""
        return self._read(job, self.folder(job) / RESULT)

    def folder(self, job: str) -> Path:
        """Return a finished job's folder; a phase-(ii) job's is a model directory."""
        return self.jobs / _checked("job", job)

    def checkpoints(self, job: str) -> Path:
        """Return where a job under way may keep a checkpoint of its training."""
        return self.output / "checkpoints" / job

    @contextmanager
    def working(self, job: str) -> Iterator[Path]:
        """Give a scratch folder that becomes the job's when the block ends without error.

        The block leaves `result.json` there, which names the job's records: they come to their
        place with it (`add_record`).
        """
        # Containers number their processes alike: one that was killed may have left this number's.
        scratch = self._beside(SCRATCH, job)
        scratch.mkdir()
        try:
            yield scratch
            named = self._seal(job, scratch)
            # One done before, without a model, is there until all of the new one is.
            for record in named:
                (scratch / RECORDS / record.name).replace(record)
            shutil.rmtree(scratch / RECORDS, ignore_errors=True)
            self._put_away(job, SCRATCH)
            scratch.rename(self.folder(job))
            flush(self.jobs)
            flush(self.records)
            shutil.rmtree(self.checkpoints(job), ignore_errors=True)
            self._send(job)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def set_aside(self, job: str) -> None:
        """Take a damaged job away, so that it is done again; its files stay for who wants to look.

        `python -m reproduce store gc` removes them. Where it is whole elsewhere it is had again.
        """
        self._put_away(job, DAMAGED)

    def add_record(self, folder: Path, record: dict[str, Any]) -> None:
        """Write one record under its hash into the scratch `folder` of its job."""
        (folder / RECORDS).mkdir(exist_ok=True)
        write_json(folder / RECORDS / self._record_file(record["hash"]).name, record)

    def record(self, identity: str) -> dict[str, Any]:
        """Return the record with this hash; `Damage` where it is not what its job wrote."""
        path = self._record_file(identity)
        try:
            return self._read(str(read_json(path)["job"]), path)
        except (LookupError, TypeError):
            raise Damage(f"{path}: no record") from None

    def predictions(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the predictions behind `record`, by language."""
        return self._read(record["job"], predictions_file(self.folder(record["job"]), record))

    def finished(self) -> list[str]:
        """Return the hashes of all finished jobs, damaged or not."""
        return sorted(path.name for path in self.jobs.glob("*") if NAME.fullmatch(path.name))

    def leftovers(self) -> list[Path]:
        """Return what belongs to no finished job: such as were set aside or killed, records."""
        # In this order: a job that ends meanwhile is under way, or its records are listed.
        idle = [path for path in self.records.glob("*.json") if not self._under_way(path)]
        listed = {name for job in self.finished() for name in self._listed(job)}
        lost = [path for path in idle if str(path.relative_to(self.output)) not in listed]
        checkpoints = self.checkpoints("").glob("*")
        done = [path for path in checkpoints if self.folder(path.name).is_dir()]
        return [*self.jobs.glob(f"{DAMAGED}*"), *self._unowned(), *lost, *done]

    def abandoned(self) -> list[Path]:
        """Return the checkpoints of trainings that nobody is at work on, but could go on with."""
        held = self.leases.held
        return [path for path in self.checkpoints("").glob("*") if not held(path.name)]

    def _lets_be(self, name: str) -> bool:
        """Say whether a finished job's file may be absent."""
        return False

    def _send(self, job: str) -> None:
        """Let a job that has just finished be had elsewhere."""

    def _listed(self, job: str) -> Iterable[str]:
        try:
            return self._manifest(job)
        except Damage:
            return ()

    def _under_way(self, record: Path) -> bool:
        """Say whether a record is of a job that somebody is at work on."""
        try:
            return self.leases.held(str(read_json(record)["job"]))
        except (InputError, MissingError, LookupError, TypeError):
            return False

    def _unowned(self) -> list[Path]:
        """Return the scratch folders that nobody is at work on."""
        return [
            folder
            for folder in self.jobs.glob(f"{SCRATCH}*")
            if not self.leases.held(folder.name.removeprefix(SCRATCH).partition("-")[0])
        ]

    def _record_file(self, identity: str) -> Path:
        return self.records / f"{_checked('record', identity)}.json"

    def _beside(self, kind: str, job: str) -> Path:
        return self.jobs / f"{kind}{job}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def _put_away(self, job: str, kind: str) -> None:
        away = self._beside(kind, job)
        try:
            self.folder(job).rename(away)
        except FileNotFoundError:
            return
        if kind == SCRATCH:
            shutil.rmtree(away, ignore_errors=True)

    def _seal(self, job: str, scratch: Path) -> list[Path]:
        """Write the manifest of a job that lies in `scratch`, its files being on the disk.

        Return where its records are to be.
        """
        beside = (scratch / MANIFEST, scratch / RECORDS)
        files = [p for p in scratch.rglob("*") if p.is_file() and not {p, p.parent} & {*beside}]
        named = {self.folder(job) / path.relative_to(scratch): path for path in files}
        records = [*map(self._record_file, read_json(scratch / RESULT)["records"])]
        named |= {path: scratch / RECORDS / path.name for path in records}
        entries = {}
        for name, path in sorted(named.items()):
            flush(path)
            found = {"size": path.stat().st_size, "sha256": digest(path)}
            entries[str(name.relative_to(self.output))] = found
        write_text(scratch / MANIFEST, manifest_text(entries))
        for path in (scratch / MANIFEST, scratch):
            flush(path)
        return records

    def _manifest(self, job: str) -> dict[str, dict[str, Any]]:
        path = self.folder(job) / MANIFEST
        try:
            entries = entries_of(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Damage(f"{path}: no such file") from None
        except (OSError, ValueError) as error:
            raise Damage(f"{path}: cannot be read ({reason(error)})") from None
        if entries is None:
            raise Damage(f"{path}: is not what was written")
        return entries

    def _read(self, job: str, path: Path) -> Any:
        """Return the JSON in a file of `job`, whose bytes are checked first."""
        if not self.folder(job).is_dir():
            raise MissingError(f"{self.folder(job)}: no such job")
        entry = self._manifest(job).get(str(path.relative_to(self.output)))
        if entry is None:
            raise Damage(f"{path}: no file of job {job}")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Damage(f"{path}: {reason(error)}") from None
        compare(path, (len(data), hashlib.sha256(data).hexdigest()), entry)
        return parse_json(data, path)

    def _sweep(self) -> None:
        self.leases.sweep()
        for folder in self._unowned():
            shutil.rmtree(folder, ignore_errors=True)


def _checked(kind: str, name: str) -> str:
    """Return a name from a file, which might be any text, if it leads to nowhere else."""
    if not NAME.fullmatch(name):
        raise Damage(f"{name!r}: no name of a {kind}")
    return name
