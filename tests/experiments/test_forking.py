"""The helper that workers are forked from: it must be safe to fork, and outlive nobody."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from stilts_repro.experiments import forking
from stilts_repro.experiments.workers import _enter_worker
from stilts_repro.machine import Machine

ASK = """
import threading, torch
asked = []
for name in ("is_available", "device_count", "current_device", "get_device_capability", "init"):
    setattr(torch.cuda, name, lambda *_, name=name, **__: asked.append(name) or 0)
import importlib
from stilts_repro.experiments import forking
importlib.import_module(forking.PRELOADED)
print(asked, threading.active_count())
"""

RUN = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from stilts_repro.experiments import forking
from stilts_repro.experiments.workers import _enter_worker
from stilts_repro.machine import Machine
if __name__ == "__main__":
    arguments = (dict(os.environ), Machine())
    pool = ProcessPoolExecutor(
        1, mp_context=forking.start(), initializer=_enter_worker, initargs=arguments
    )
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 60).result()
"""


def run(script, **options):
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, **options)


def test_what_is_imported_before_the_fork_starts_nothing():
    """A process that has asked CUDA anything cannot use it after a fork."""
    with run(ASK) as asking:
        assert asking.stdout.read() == b"[] 1\n"


def test_workers_have_imported_and_see_todays_variables(monkeypatch):
    forking.start()
    monkeypatch.setenv("STILTS_TEST", "set after the helper started")
    arguments = (dict(os.environ), Machine())
    with ProcessPoolExecutor(
        1, mp_context=forking.start(), initializer=_enter_worker, initargs=arguments
    ) as pool:
        assert pool.submit(os.getenv, "STILTS_TEST").result() == "set after the helper started"
        imported = f"{forking.PRELOADED!r} in __import__('sys').modules"
        assert pool.submit(eval, imported).result()
    assert not multiprocessing.active_children()


def test_workers_end_with_a_main_process_that_is_killed():
    with run(RUN, stderr=subprocess.DEVNULL) as main:
        worker = int(main.stdout.readline())
        os.kill(worker, 0)
        main.send_signal(signal.SIGKILL)
        main.wait()
        deadline = time.monotonic() + 20
        while alive(worker):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
