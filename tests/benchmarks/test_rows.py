"""Rows of the testbed a second, by kind, and documents a second: they must not hold training up.

What counts is the average over all rows of all data sets: 20,000 rows a second. The kinds differ,
for a reading row has a story to tell and a tagging row one sentence. Time is the processor's own,
so that a busy machine does not make rows look slow; and it is that of rows made for the first time:
what a process keeps of words and phrases is forgotten before each turn.
"""

import functools
import gc
import time
from itertools import islice
from statistics import median

import pytest

from stilts_repro import testbed
from stilts_repro.testbed import TestbedSource
from stilts_repro.testbed.configs import CODES, configs

pytestmark = pytest.mark.benchmark(group="rows", timer=time.process_time)

ROWS = 1000
TURNS = 5


def kind(family):
    """Return the data set of a family: PAN-X, udpos and such have a family a language."""
    return family.partition(".")[0]


def parts():
    """Return (repository, config, split, rows) of all splits by the kind of their rows."""
    found = {}
    for (repo, config), entry in configs().items():
        for split, size in entry.sizes.items():
            found.setdefault(kind(entry.family), []).append((repo, config, split, size))
    return found


PARTS = parts()


def forget():
    """Empty the testbed's caches, as they are in a fresh process."""
    for held in gc.get_objects():
        # By `type`, as others' lazy modules would answer to `isinstance` by loading themselves.
        kept = type(held) is functools._lru_cache_wrapper
        if kept and held.__module__.startswith(testbed.__name__):
            held.cache_clear()
    gc.collect()  # not in a turn, where it would count


def per_second(benchmark, work, count):
    """Time `work` in turns, each as if it were the first; the first of all loads the code."""
    benchmark.pedantic(work, setup=forget, rounds=TURNS, warmup_rounds=1)
    return round(count / median(benchmark.stats.stats.data))


@pytest.mark.parametrize("name", PARTS)
def test_rows_of_a_kind(benchmark, name):
    # The split with most rows is the one that is waited for.
    repo, config, split, size = max(PARTS[name], key=lambda part: part[-1])
    count = min(size, ROWS)
    rate = per_second(benchmark, lambda: TestbedSource().load(repo, config, split, count), count)
    benchmark.extra_info["rows_per_second"] = rate


def test_rows_of_all_data_sets(benchmark):
    # All rows, not some of each: words and phrases that a pass makes once are made once here too.
    every = [part for found in PARTS.values() for part in found]

    def work():
        source = TestbedSource()
        for repo, config, split, _ in every:
            source.load(repo, config, split)

    benchmark.pedantic(work, setup=forget, rounds=1)
    total = sum(size for *_, size in every)
    benchmark.extra_info["rows_per_second"] = round(total / benchmark.stats.stats.min)


def test_documents(benchmark):
    def work():
        source = TestbedSource()
        for code in CODES:
            list(islice(source.documents(code), ROWS // len(CODES)))

    benchmark.extra_info["documents_per_second"] = per_second(benchmark, work, ROWS)
