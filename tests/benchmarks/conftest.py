"""The shapes to measure, what is said of the machine in the results, and the summary at the end."""

import os
import time

import pytest
import torch
from rich.console import Console

from stilts_repro.experiments import environment
from stilts_repro.report.throughput.results import read_results
from stilts_repro.report.throughput.table import show
from tests.benchmarks.shapes import BASE, LARGE, MINI
from tests.benchmarks.timing import device


@pytest.fixture(scope="session", autouse=True)
def precision():
    """Benchmarks run as jobs do, not in the tests' fp32."""


@pytest.fixture(params=[MINI, BASE, LARGE], ids=lambda shape: shape.name)
def shape(request):
    """A model's shape; XLM-R's own only where there is a GPU."""
    if request.param is not MINI and device().type == "cpu":
        pytest.skip(f"{request.param.name} takes minutes a step on a CPU; it needs a GPU")
    return request.param


STARTED = pytest.StashKey[float]()


def pytest_configure(config):
    config.stash[STARTED] = time.time()
    path = config.getoption("benchmark_json", None)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info.pop("node", None)  # results are shown to others: the kind of machine, not its name
    gpu = device().type == "cuda"
    machine_info |= {
        "hardware": environment.device_name() if gpu else machine_info["cpu"]["brand_raw"],
        "data": "real" if os.environ.get("STILTS_REAL_DATA") else "testbed",
        "precision": environment.precision(),
        "threads": torch.get_num_threads(),
        "versions": environment.versions(),
    }


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    path = config.getoption("benchmark_json", None)
    # Where no benchmark ran, nothing is written: the file is an earlier run's.
    if path and path.is_file() and path.stat().st_mtime >= config.stash[STARTED]:
        terminalreporter.ensure_newline()
        show(read_results(path), Console(file=terminalreporter._tw._file, width=100))
