"""The shapes to measure, what is said of the machine in the results, and the summary at the end."""

import os
import time

import pytest
import torch
from rich.console import Console

from stilts_repro.experiments import environment
from stilts_repro.machine import PRECISION
from stilts_repro.report.throughput import read_results
from stilts_repro.throughput import show
from tests.benchmarks.shapes import BASE, LARGE, MINI
from tests.benchmarks.timing import device, machine

# Plain `tox` runs these as well, once each and untimed, so that the suite does not rot unseen: each
# asserts that two ways agree, in the precision of jobs, or that a part can be called as it is here.
CHECKS = {
    "test_all_languages_next_to_a_loop_over_them[mini]",
    "test_answers_next_to_the_question_answering_example[in_memory-flat]",
    "test_evaluation[mini-even-span]",
    "test_featurising_next_to_the_question_answering_example",
    "test_head_next_to_logits_everywhere[mini]",
    "test_loop_next_to_the_trainer[mini-32-tuned]",
    "test_mining_next_to_the_whole_matrix",
    "test_training[mini-even-tagging]",
}


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is not marked
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name in CHECKS:
            item.add_marker("check")


@pytest.fixture(autouse=True)
def as_jobs_do(precision, monkeypatch):
    """Benchmarks run as jobs do, or as asked for, not in the tests' fp32."""
    if precision is None:
        monkeypatch.delenv(PRECISION)
    else:
        monkeypatch.setenv(PRECISION, precision)


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
        "hardware": machine().name if gpu else machine_info["cpu"]["brand_raw"],
        "data": "real" if os.environ.get("STILTS_REAL_DATA") else "testbed",
        "precision": machine().precision,
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
