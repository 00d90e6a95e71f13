import errno
import multiprocessing
import os
import random
import signal

import pytest

from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import store as store_module
from stilts_repro.experiments.manifest import Damage
from stilts_repro.experiments.store import DAMAGED, SCRATCH, Store
from stilts_repro.jsonio import write_json

RECORD = {"hash": "r1", "job": "abc", "task": "xnli", "part": "dev", "score": 41.5}


def ready(tmp_path):
    store = Store(tmp_path / "out")
    store.prepare()
    return store


def finish(store, job="abc", records=(RECORD,)):
    """Leave a finished job with a model, a record and predictions."""
    with store.working(job) as folder:
        for record in records:
            store.add_record(folder, record)
            (folder / "predictions").mkdir()
            write_json(folder / "predictions" / "xnli.dev.json", {"en": ["a", "b"]})
        (folder / "model.safetensors").write_bytes(bytes(range(256)) * 8)
        write_json(folder / "result.json", {"records": [r["hash"] for r in records]})


def files_of(store):
    return sorted(path for path in store.output.rglob("*") if path.is_file())


def test_a_job_is_there_only_when_its_block_has_ended(tmp_path):
    store = ready(tmp_path)
    with store.working("abc") as folder:
        write_json(folder / "result.json", {"records": []})
        assert not store.done("abc")
    assert store.done("abc")
    assert store.result("abc") == {"records": []}
    assert store.finished() == ["abc"]


def test_what_was_written_is_read(tmp_path):
    store = ready(tmp_path)
    finish(store)
    assert store.done("abc") and not store.done("abc", with_model=True)
    assert store.result("abc") == {"records": ["r1"]}
    assert store.record("r1") == RECORD
    assert store.predictions(RECORD) == {"en": ["a", "b"]}


def read_all(store):
    store.check("abc")
    store.result("abc")
    store.predictions(store.record("r1"))


def test_any_flipped_byte_is_found_before_use(tmp_path):
    store = ready(tmp_path)
    finish(store)
    rng = random.Random(1)
    for path in files_of(store):
        whole = path.read_bytes()
        for place in rng.sample(range(len(whole)), min(len(whole), 25)):
            bad = bytearray(whole)
            bad[place] ^= 1 << rng.randrange(8)
            path.write_bytes(bad)
            assert str(path) in (store.damage("abc") or ""), place
            with pytest.raises((InputError, MissingError), match=path.name):
                read_all(store)
        path.write_bytes(whole)
    read_all(store)


@pytest.mark.parametrize("how", ["cut", "longer", "gone", "a folder"])
def test_a_file_that_is_not_whole_is_named(tmp_path, how):
    store = ready(tmp_path)
    finish(store)
    for path in files_of(store):
        whole = path.read_bytes()
        path.unlink()
        if how == "a folder":
            path.mkdir()
        elif how != "gone":
            path.write_bytes(whole[:-1] if how == "cut" else whole + b" ")
        assert (store.damage("abc") or "").startswith(f"{path}: ")
        assert not store.done("abc")
        path.rmdir() if how == "a folder" else path.unlink(missing_ok=True)
        path.write_bytes(whole)
    assert store.damage("abc") is None


def test_a_record_of_a_job_that_did_not_write_it_is_damage(tmp_path):
    store = ready(tmp_path)
    finish(store)
    write_json(store.records / "r2.json", {"hash": "r2", "job": "abc"})
    with pytest.raises(Damage, match=r"r2.json: no file of job abc"):
        store.record("r2")


def test_a_damaged_job_is_set_aside_with_its_files(tmp_path):
    store = ready(tmp_path)
    finish(store)
    store.set_aside("abc")
    assert not store.done("abc") and store.finished() == []
    (aside,) = store.jobs.glob(f"{DAMAGED}abc-*")
    assert (aside / "model.safetensors").is_file()
    finish(store)
    assert store.done("abc")


def test_a_job_that_is_being_done_again_stays_whole(tmp_path):
    """Its records, too: a kill in between must not make damage of it."""
    store = ready(tmp_path)
    finish(store)
    with pytest.raises(KeyboardInterrupt), store.working("abc") as folder:
        store.add_record(folder, RECORD | {"score": 1.0})
        assert store.done("abc") and store.record("r1") == RECORD
        raise KeyboardInterrupt
    assert store.done("abc") and store.record("r1") == RECORD


def test_a_job_done_again_takes_the_place_of_the_one_before(tmp_path):
    store = ready(tmp_path)
    finish(store)
    finish(store, records=())
    assert store.result("abc") == {"records": []}
    assert [path.name for path in store.jobs.iterdir()] == ["abc"]


def test_a_job_that_fails_leaves_nothing(tmp_path):
    store = ready(tmp_path)
    with pytest.raises(RuntimeError), store.working("abc"):
        raise RuntimeError
    assert list(store.jobs.iterdir()) == []


def die_in_the_middle(output):
    with Store(output).working("abc") as folder:
        write_json(folder / "result.json", {})
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_job_left_is_swept_by_the_next_run(tmp_path):
    store = ready(tmp_path)
    child = multiprocessing.get_context("spawn").Process(
        target=die_in_the_middle, args=(store.output,)
    )
    child.start()
    child.join()
    assert [path.name for path in store.jobs.iterdir()] != []
    assert not store.done("abc")
    with store.used():
        assert list(store.jobs.iterdir()) == []


def test_what_another_run_works_on_is_not_swept(tmp_path):
    store, other = ready(tmp_path), Store(tmp_path / "out")
    assert other.leases.take("abc")
    (store.jobs / f"{SCRATCH}abc-1-x").mkdir()
    (store.jobs / f"{SCRATCH}def-1-x").mkdir()
    with store.used():
        assert [path.name for path in store.jobs.iterdir()] == [f"{SCRATCH}abc-1-x"]


def test_a_record_whose_job_is_under_way_is_no_leftover(tmp_path):
    """Records are written before the manifest that lists them."""
    store, other = ready(tmp_path), Store(tmp_path / "out")
    path = store.records / "0123456789abcdef.json"
    write_json(path, {"job": "abc"})
    assert store.leftovers() == [path]
    assert other.leases.take("abc")
    assert store.leftovers() == []
    other.leases.end()


def test_a_run_that_fails_sweeps_what_its_workers_left(tmp_path):
    store = ready(tmp_path)
    with pytest.raises(RuntimeError), store.used():
        assert store.leases.take("abc")
        (store.jobs / f"{SCRATCH}abc-1-x").mkdir()
        raise RuntimeError
    assert list(store.jobs.iterdir()) == list(store.leases.folder.iterdir()) == []


def test_an_output_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match=r"--output .*out: cannot be written"):
        Store(tmp_path / "out").prepare()


def test_an_output_without_room_is_found_at_the_start(tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space left on device: '--output "):
        Store(tmp_path / "out").prepare()


def test_an_output_whose_name_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"--output .*: its name is not UTF-8"):
        Store(tmp_path / os.fsdecode(b"r\xe9sultats")).prepare()
