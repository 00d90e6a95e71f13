import errno
import multiprocessing
import os
import signal

import pytest

from stilts_repro.errors import InputError
from stilts_repro.experiments import store as store_module
from stilts_repro.experiments.store import Store
from stilts_repro.jsonio import write_json


def ready(tmp_path):
    store = Store(tmp_path / "out")
    store.prepare()
    return store


def test_a_job_is_there_only_when_its_block_has_ended(tmp_path):
    store = ready(tmp_path)
    with store.working("abc") as folder:
        write_json(folder / "result.json", {"records": []})
        assert not store.done("abc")
    assert store.done("abc")
    assert store.result("abc") == {"records": []}


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
    with store.locked():
        assert list(store.jobs.iterdir()) == []


def test_a_folder_serves_one_run_at_a_time(tmp_path):
    store = ready(tmp_path)
    with (
        store.locked(),
        pytest.raises(InputError, match="another run"),
        Store(store.output).locked(),
    ):
        pass


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


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_told_and_used(tmp_path, monkeypatch, capsys, number):
    def none(*_):
        raise OSError(number, os.strerror(number))

    store = ready(tmp_path)
    another_runs = store.jobs / f"{store_module.SCRATCH}abc-1"
    another_runs.mkdir()
    monkeypatch.setattr(store_module.fcntl, "flock", none)
    with store.locked():
        assert another_runs.is_dir()  # who knows whether it is at work
    assert capsys.readouterr().err == (
        f"reproduce: --output {store.output}: its file system has no locks; "
        "let no other run use it\n"
    )


def test_other_errors_of_a_lock_are_errors(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    store = ready(tmp_path)
    monkeypatch.setattr(store_module.fcntl, "flock", broken)
    with pytest.raises(OSError, match="Input/output error"), store.locked():
        pass


def test_a_lock_that_cannot_be_made_is_one_clear_line(tmp_path):
    store = ready(tmp_path)
    (store.output / ".lock").mkdir()
    with pytest.raises(InputError, match="cannot be written"), store.locked():
        pass


def test_a_run_that_fails_sweeps_what_its_workers_left(tmp_path):
    store = ready(tmp_path)
    with pytest.raises(RuntimeError), store.locked():
        (store.jobs / f"{store_module.SCRATCH}abc-1").mkdir()
        raise RuntimeError
    assert list(store.jobs.iterdir()) == []
