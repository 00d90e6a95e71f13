"""What a job's record says that it spent."""

import pytest
import torch

from stilts_repro.experiments import records
from stilts_repro.experiments.records import Meter, forget_peak, peak_memory


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless told to go on."""
    now = [100.0]
    monkeypatch.setattr(records.time, "perf_counter", lambda: now[0])

    def pass_by(seconds):
        now[0] += seconds

    return pass_by


def test_seconds_of_a_phase_within_another_count_once(clock):
    meter = Meter()
    with meter.phase("train"):
        clock(10)
        for _ in range(2):
            with meter.phase("evaluate"):
                clock(3)
                with meter.phase("tokenise"):
                    clock(1)
        clock(5)
    with meter.phase("evaluate"):
        clock(4)
    assert meter.seconds == {"train": 15.0, "evaluate": 10.0, "tokenise": 2.0}
    assert sum(meter.seconds.values()) == 27.0


def test_an_error_leaves_no_phase_open(clock):
    meter = Meter()
    with pytest.raises(ValueError, match="broken"), meter.phase("train"):
        clock(2)
        raise ValueError("broken")
    with meter.phase("score"):
        clock(1)
    assert meter.seconds == {"train": 2.0, "score": 1.0}


def test_the_peak_on_a_gpu_is_the_jobs_own(monkeypatch):
    peak = [512 * 2**20]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: peak[0])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: peak.__setitem__(0, 0))
    assert peak_memory()["device"] == 512.0
    forget_peak()
    assert peak_memory()["device"] == 0.0
