"""What a number may depend on besides its job: libraries, code, and the machine.

Of a machine three things are said, each for a question of its own:

    fingerprint      may a finished job be used again? All of it must be equal.
    platform_name    should equal seeds give equal numbers? They do on the kind of machine that a
                     reference was made on, used the same way; so this ends with the variant.
    Machine.variant  what is unusual here? Where it is not empty, numbers are no reference, but
                     show how far such things move one.
"""

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from stilts_repro import __version__
from stilts_repro.machine import Machine

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "datasets", "safetensors", "scipy")
SILENT = ("claims", "run", "report", "cli")  # what only prints or judges numbers cannot move one
CPUINFO = Path("/proc/cpuinfo")


@cache
def versions() -> dict[str, str]:
    """Return the versions of this package, Python and the libraries."""
    installed = {"stilts_repro": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            installed[library] = version(library)
        except PackageNotFoundError:
            continue
    return installed


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


def fingerprint(machine: Machine) -> dict[str, str]:
    """Return what must be equal for a finished job to be used again."""
    libraries = {name: v for name, v in versions().items() if name != "stilts_repro"}
    return {"code": code_hash(), **machine.as_hashed(), **libraries}


@cache
def platform_name(machine: Machine) -> str:
    """Return the machine in words that decide how its arithmetic rounds.

    Architecture, processor and the instruction sets that kernels are chosen by (as torch sees them,
    and a hash of all the processor's flags) and the GPU where there is one. How many cores there
    are does not matter: a job has one thread, or a number that was asked for.
    """
    processor, flags = _processor()
    words = [
        platform.machine(),
        processor,
        torch.backends.cpu.get_cpu_capability(),
        f"flags {hashlib.sha256(flags.encode()).hexdigest()[:8]}" if flags else "",
        machine.name if machine.device == "cuda" else "",
    ]
    return ", ".join(word for word in words if word)


def _processor() -> tuple[str, str]:
    """Return the processor's name and its flags, sorted; the latter is empty where unknown."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor(), ""
    parts = (line.partition(":") for line in lines)
    known = {key.strip(): value.strip() for key, _, value in parts}
    flags = " ".join(sorted(known.get("flags", known.get("Features", "")).split()))
    names = ("model name", "cpu family", "model", "stepping")
    return " ".join(known[name] for name in names if name in known) or platform.processor(), flags
