"""Who does a job, where several runs could."""

import json
import multiprocessing
import os
import time

import pytest

from stilts_repro.experiments import leases as module
from stilts_repro.experiments.leases import Leases


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "leases"
    path.mkdir()
    return path


def test_one_of_two_gets_a_lease_until_it_is_released(folder):
    one, other = Leases(folder), Leases(folder)
    assert one.take("abc") and one.take("abc")
    assert not other.take("abc") and other.held("abc")
    assert other.owner("abc").startswith(f"process {os.getpid()} on ")
    assert other.take("def")
    one.release("abc")
    assert not other.held("abc") and other.take("abc")
    other.end()
    assert list(folder.iterdir()) == []


def take_and_die(folder):
    assert Leases(folder).take("abc")
    os._exit(1)


def test_the_lease_of_a_process_that_is_gone_is_taken_over_at_once(folder):
    child = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(folder,))
    child.start()
    child.join()
    left = Leases(folder)
    assert (folder / "abc").is_file() and not left.held("abc")
    assert left.take("abc")
    left.end()
    assert list(folder.iterdir()) == []


def test_dead_owners_leases_are_swept_and_no_others(folder):
    child = multiprocessing.get_context("spawn").Process(target=take_and_die, args=(folder,))
    child.start()
    child.join()
    owner = Leases(folder)
    assert owner.take("def")
    Leases(folder).sweep()
    assert [path.name for path in folder.iterdir()] == ["def"]
    owner.end()


def of_another_machine(folder):
    path = folder / "abc"
    path.write_text(json.dumps({"machine": "elsewhere", "process": 1, "started": "1", "host": "b"}))
    return path


def test_another_machines_lease_is_dead_when_it_has_not_been_renewed_for_long(folder, monkeypatch):
    path, watcher = of_another_machine(folder), Leases(folder)
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    for _ in range(3):  # its owner goes on renewing, whatever its clock says
        assert not watcher.take("abc")
        now += module.PATIENCE - 1
        os.utime(path, (now, now - 1e6))
    assert not watcher.take("abc")
    now += module.PATIENCE + 1
    assert watcher.take("abc")
    watcher.end()


def test_a_lease_that_is_half_written_is_somebodys(folder):
    (folder / "abc").write_text('{"machine": ')
    assert not Leases(folder).take("abc")
    assert Leases(folder).owner("abc") == "another run"


def test_an_owner_renews_what_it_has(folder, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)
    owner = Leases(folder)
    assert owner.take("abc")
    os.utime(folder / "abc", (1, 1))
    deadline = time.monotonic() + 30
    while (folder / "abc").stat().st_mtime == 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (folder / "abc").stat().st_mtime > 1
    owner.end()


def test_an_owner_that_was_taken_for_dead_lets_the_new_ones_lease_be(folder, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)
    owner, new = Leases(folder), Leases(folder)
    assert owner.take("abc")
    with monkeypatch.context() as asleep:  # elsewhere, for long
        asleep.setattr(Leases, "_dead", lambda *_: True)
        assert new.take("abc")
    new._ended.set()  # it does not renew
    os.utime(folder / "abc", (1, 1))
    time.sleep(0.2)
    assert (folder / "abc").stat().st_mtime == 1
    owner.end()
    assert (folder / "abc").is_file()
    new.end()
    assert not (folder / "abc").exists()


def test_a_process_of_this_machine_that_lives_is_not_dead_however_long_it_sleeps(
    folder, monkeypatch
):
    owner, watcher = Leases(folder), Leases(folder)
    assert owner.take("abc") and not watcher.take("abc")
    now = time.monotonic() + 10 * module.PATIENCE
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    assert not watcher.take("abc") and watcher.held("abc")
    owner.end()


def test_a_lease_that_changed_hands_meanwhile_is_given_back(folder, monkeypatch):
    """Two find the same dead owner; the slower one must not take the quicker one's lease."""
    of_another_machine(folder)
    quick, slow = Leases(folder), Leases(folder)
    monkeypatch.setattr(Leases, "_dead", lambda self, name, state: b"elsewhere" in state[1])
    seen = slow._state("abc")
    assert quick.take("abc")
    monkeypatch.setattr(slow, "_state", lambda name: seen)
    assert not slow.take("abc")
    monkeypatch.undo()
    assert not slow.take("abc") and quick.held("abc")
    quick.end()


def race(folder, barrier, found):
    leases = Leases(folder)
    barrier.wait(60)
    found.put(sum(leases.take(f"job{number}") for number in range(200)))
    barrier.wait(60)  # nobody's owner dies before all have tried


def test_of_many_processes_each_lease_has_one_owner(folder):
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(3), context.SimpleQueue()
    racers = [context.Process(target=race, args=(folder, barrier, found)) for _ in range(3)]
    for racer in racers:
        racer.start()
    assert sum(found.get() for _ in racers) == 200
    for racer in racers:
        racer.join()
