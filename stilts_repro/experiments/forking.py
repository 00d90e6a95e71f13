"""Worker processes are forked from one helper that has imported what they need.

Importing torch and transformers takes seconds: here it is done once, in the helper, while the main
process reads the data. The helper only imports; it never touches the GPU or starts a thread, so
that forking it is safe. This module imports nothing large: it can be used before all else.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

PRELOADED = "stilts_repro.experiments.work"
# How many kernels, each for one shape and with memory of its own, torch and oneDNN keep on a CPU.
# Batches have hundreds of lengths: with the usual 1,024 a worker grows by gigabytes.
KEPT_KERNELS = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


def keep_few_kernels() -> None:
    """Ask for few kernels to be kept, before torch is first used: in the helper's children."""
    for name in KEPT_KERNELS:
        os.environ.setdefault(name, "64")


def start() -> ForkServerContext:
    """Start the helper where it does not run yet; return the context that forks from it."""
    keep_few_kernels()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    if threading.current_thread() is not threading.main_thread():
        forkserver.ensure_running()
        return context
    # Ctrl-C goes to all processes of a terminal; the helper must leave it to the main process.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)
    return context
