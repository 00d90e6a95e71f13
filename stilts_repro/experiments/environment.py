"""What a number may depend on besides its job: libraries, code, hardware."""

import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import torch

from stilts_repro import __version__
from stilts_repro.models import attention
from stilts_repro.training.arithmetic import (
    compiles,
    has_bf16,
    threads,
    tokens_at_once,
    uses_bf16,
)

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "datasets", "safetensors", "scipy")
# What only prints or judges numbers cannot move one.
SILENT = ("claims", "report")


@cache
def versions() -> dict[str, str]:
    """Return the versions of this package, Python and the libraries."""
    found = {"stilts_repro": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


@cache
def code_hash() -> str:
    """Return a hash of the package's source, so that changed code never reuses old jobs."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        relative = file.relative_to(PACKAGE)
        if relative.parts[0] not in SILENT:
            digest.update(str(relative).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@cache
def git_state() -> dict[str, str | bool] | None:
    """Return the commit and whether the work tree differs from it; None outside git."""

    def git(*arguments: str) -> str | None:
        done = subprocess.run(["git", *arguments], cwd=PACKAGE, capture_output=True, check=False)
        return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None

    try:
        commit = git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(git("status", "--porcelain"))} if commit else None
    except OSError:  # no git on this machine
        return None


def device() -> torch.device:
    """Return the device that jobs run on: a CPU, or the GPU that is this process's current one.

    A worker's is its own, where there are several: `take_device`.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def take_device(indices: "SimpleQueue[int]") -> None:
    """Make the next GPU of `indices` this process's: "cuda" without a number then means that one.

    Each worker takes one as it starts; without it all would share the first.
    """
    torch.cuda.set_device(indices.get())


def device_name() -> str:
    """Return the device in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu ({platform.machine()})"


def precision() -> str:
    """Return the arithmetic that jobs run in."""
    return "bf16" if uses_bf16(device()) else "fp32"


def variant() -> str:
    """Return how jobs compute, where it is not as usual on this machine; otherwise ''.

    On a CPU that is in bf16 if it has it, else in fp32, on one thread, on padded batches, a step at
    once; nowhere are models compiled.
    """
    told = {}
    if device().type == "cpu":
        told = {
            precision(): uses_bf16(device()) != has_bf16(device()),
            f"{threads()} threads": threads() > 1,
            f"{attention.asked()} attention": attention.asked() not in ("", "sdpa"),
            f"{tokens_at_once(device())} tokens at once": tokens_at_once(device()) is not None,
        }
    told["compiled"] = compiles()
    return ", ".join(words for words, unusual in told.items() if unusual)


def fingerprint() -> dict[str, str]:
    """Return what must be equal for a finished job to be used again."""
    return {
        "code": code_hash(),
        "device": device().type,
        "precision": precision(),
        **({"threads": str(threads())} if threads() > 1 else {}),
        **({"attention": attention.asked()} if attention.asked() else {}),
        **({"tokens": str(at_once)} if (at_once := tokens_at_once(device())) else {}),
        **({"compiled": "yes"} if compiles() else {}),
        **{name: v for name, v in versions().items() if name != "stilts_repro"},
    }


def workers() -> int:
    """Return how many jobs to run at once: one a GPU, or as many as there are cores for."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, cores // threads())
