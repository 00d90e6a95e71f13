"""Mining in blocks: as fast as the whole matrix of similarities, in memory that is bounded.

Memory is that of a process of its own (Linux). `-m slow` runs BUCC's own size, some minutes.
"""

import subprocess
import sys

import pytest
import torch

from stilts_repro.metrics.retrieval import mine
from tests.benchmarks.timing import device, measure

pytestmark = pytest.mark.benchmark(group="mining")

WIDTH = 256
K = 4
BOUND = 4 * 2**30

CHILD = """
import sys, time, torch
from stilts_repro.metrics.retrieval import mine
torch.set_num_threads(1)
rows, width = map(int, sys.argv[1:])
torch.manual_seed(0)
source = torch.randn(rows, width)
target = source + 0.1 * torch.randn(rows, width)
started = time.process_time()
found = mine(source, target)
seconds = time.process_time() - started
assert bool((found.source == found.target).all()) and len(found.source) == rows
status = open("/proc/self/status").read().split()
print(seconds, 1024 * int(status[status.index("VmHWM:") + 1]))
"""


def embeddings(rows):
    """Return two sides of which row i is row i's translation."""
    torch.manual_seed(0)
    source = torch.randn(rows, WIDTH, device=device())
    return source, source + 0.8 * torch.randn(rows, WIDTH, device=device())


def dense(source, target):
    """Return the mined pairs, best first, from all similarities and all margins at once."""
    source, target = (torch.nn.functional.normalize(side, dim=1) for side in (source, target))
    cosine = source @ target.T
    forward, backward = cosine.topk(K, dim=1), cosine.topk(K, dim=0)
    means = forward.values.double().mean(1)[:, None] + backward.values.double().mean(0)
    margin = 2 * cosine / means
    by_source = margin.gather(1, forward.indices).max(1)
    by_target = margin.gather(0, backward.indices).max(0)
    chosen = forward.indices.gather(1, by_source.indices[:, None])[:, 0]
    reverse = backward.indices.gather(0, by_target.indices[None])[0]
    proposed = [
        *zip(by_source.values.tolist(), range(len(source)), chosen.tolist(), strict=True),
        *zip(by_target.values.tolist(), reverse.tolist(), range(len(target)), strict=True),
    ]
    used, found = (set(), set()), []
    for best, i, j in sorted(proposed, key=lambda pair: -pair[0]):
        if best > 0 and i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            found.append((i, j))
    return found


def test_mining_next_to_the_whole_matrix(benchmark):
    rows = 4000
    source, target = embeddings(rows)
    mined = mine(source, target)
    pairs = list(zip(mined.source.tolist(), mined.target.tolist(), strict=True))
    assert sorted(pairs) == sorted(dense(source, target))
    measure(
        benchmark,
        lambda: mine(source, target, k=K),
        {"similarities": rows * rows},
        peer=("the whole matrix", lambda: dense(source, target)),
        turns=3,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the process's peak memory is read from /proc")
@pytest.mark.parametrize("rows", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_memory_of_mining(benchmark, rows):
    command = [sys.executable, "-c", CHILD, str(rows), str(WIDTH)]

    def child():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, memory = done.stdout.split()
        return float(seconds), int(memory)

    seconds, memory = benchmark.pedantic(child, rounds=1)
    benchmark.extra_info["similarities_per_second"] = round(rows * rows / seconds)
    benchmark.extra_info["peak_memory"] = memory
    assert memory < BOUND
