import multiprocessing
import os
import signal

import pytest

from stilts_repro.errors import InputError
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
