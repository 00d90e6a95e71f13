"""One random stream a purpose.

Every stream is seeded from a hash of the run's seed and of what the stream is for. Adding a task, a
language or an evaluation therefore never changes the numbers another one draws, and the order in
which jobs run cannot matter. (jiant shares one generator: evaluating one more task there changes
another task's score, nyu-mll/jiant#140.)
"""

import hashlib
import random

import numpy as np


def derive(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for `purpose` under `seed`; the same on every machine and Python."""
    text = "\x1f".join(map(str, (seed, *purpose))).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def python_rng(seed: int, *purpose: str | int) -> random.Random:
    """Return a `random.Random` for `purpose` under `seed`."""
    return random.Random(derive(seed, *purpose))


def numpy_rng(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a numpy generator for `purpose` under `seed`."""
    return np.random.default_rng(derive(seed, *purpose))
