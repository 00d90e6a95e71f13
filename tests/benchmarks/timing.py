"""How every benchmark here is timed, and what it says of itself.

A peer is timed in the same process, in turns with ours, so that what slows the machine down slows
both: `ratio` is the median over the turns of ours over the peer's (how many times as fast we are).
On a GPU the time is that between two events around a call, after all work before it is done; on a
CPU, where all runs in one thread, it is the processor's own, so that others on the machine count
little. (pytest-benchmark's columns are the wall clock's.) Rates count real tokens, never padding.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from stilts_repro.machine import Machine

TURNS = 5
Work = Callable[[], object]


def device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def machine():
    """Return this machine as the environment asks now: a test may ask for fp32."""
    return Machine.of()


def seconds(work: Work, *, wall: bool = False) -> float:
    """Return the time of one call: the processor's (or the `wall` clock's), a GPU's by events."""
    if wall:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    if device().type == "cpu":
        started = time.process_time()
        work()
        return time.process_time() - started
    torch.cuda.synchronize()
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    work()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / 1000


def measure(
    benchmark,
    work: Work,
    counts: Mapping[str, int],
    *,
    peer: tuple[str, Work] | None = None,
    model: str | None = None,
    attention: str | None = None,
    flops: float | None = None,
    turns: int = TURNS,
    before: Work = lambda: None,
    wall: bool = False,
    memory: bool = True,
) -> None:
    """Time `work` and, before each of its turns, the peer; say in `extra_info` what was found.

    `counts` says of how much of what one call is, such as {"tokens": 4096}; the first is the
    benchmark's rate. `attention` is the back end that the model is on; `flops` is what a call
    computes of real tokens; `before` is called, untimed, before every call. With `wall` time is the
    wall clock's: of what runs in many threads or processes. Without `memory` none is told: that of
    this process would say more than what `work` holds, or less.
    """
    ours: list[float] = []
    theirs: list[float] = []

    def turn() -> None:
        if peer:
            before()
            theirs.append(seconds(peer[1], wall=wall))
        before()

    def timed() -> None:
        ours.append(seconds(work, wall=wall))

    before()
    held = peak_memory(work)  # and a warm-up
    if peer:
        before()
        peer[1]()
    benchmark.pedantic(timed, setup=turn, rounds=turns)
    told = benchmark.extra_info
    for unit, count in counts.items():
        told[f"{unit}_per_second"] = significant(count / float(np.median(ours)))
    told["noise"] = significant(range_of(ours) / float(np.median(ours)))
    if memory:
        told["peak_memory"] = held
    if model:
        told["model"] = model
    if attention:
        told["attention"] = attention
    if flops:
        told["mfu"] = significant(flops / float(np.median(ours)) / peak_flops(machine().bf16))
    if peer:
        tell_ratio(benchmark, peer[0], np.array(theirs) / np.array(ours))


def tell_ratio(benchmark, peer: str, ratios: np.ndarray) -> None:
    """Put the median of `ratios` (ours over the peer's, one a turn) into `extra_info`."""
    benchmark.extra_info["peer"] = peer
    benchmark.extra_info["ratio"] = significant(float(np.median(ratios)))
    benchmark.extra_info["ratio_iqr"] = significant(range_of(ratios))


def range_of(values: Sequence[float]) -> float:
    """Return the interquartile range."""
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low)


def significant(value: float) -> float:
    """Return `value` to four digits: more are noise."""
    return float(f"{value:.4g}")


def same_logits(found: np.ndarray, expected: np.ndarray) -> None:
    """Assert that two ways of evaluating agree, to what their precision leaves of the largest.

    Batches of other sizes go through other kernels, on a GPU even in fp32; bf16 has three digits,
    of which the layers of a deep model spend one.
    """
    close = 1e-3 if device().type == "cuda" else 1e-5
    if machine().bf16:
        close = 0.03
    largest = float(np.abs(expected[np.isfinite(expected)]).max())
    np.testing.assert_allclose(found, expected, atol=close * largest, rtol=0)


def peak_memory(work: Work) -> int | None:
    """Return the most bytes held during a call of `work`; None where this machine cannot tell.

    On a GPU all that is allocated, weights too; on a CPU all of the process that is in memory,
    libraries and rows too.
    """
    if device().type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the highest so far
    except OSError:
        work()
        return None
    work()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@cache
def peak_flops(bf16: bool) -> float:
    """Return the device's arithmetic: that of the best of some matrix products, measured once.

    That is what could be reached here, whatever a data sheet says of other clocks.
    """
    size = 1024 if device().type == "cpu" else 8192
    kind = torch.bfloat16 if bf16 else torch.float32
    matrix = torch.randn(size, size, device=device()).to(kind)
    matrix @ matrix
    return 2 * size**3 / min(seconds(lambda: matrix @ matrix) for _ in range(10))
