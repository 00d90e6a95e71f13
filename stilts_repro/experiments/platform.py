"""The kind of machine a reference was made on: there, equal seeds give equal numbers."""

import hashlib
import platform
from functools import cache
from pathlib import Path

import torch

from stilts_repro.experiments import environment

CPUINFO = Path("/proc/cpuinfo")


@cache
def platform_fingerprint() -> str:
    """Return the machine in words that decide how its arithmetic rounds.

    Architecture, processor and the instruction sets that kernels are chosen by (as torch sees them,
    and a hash of all the processor's flags), and the GPU where there is one. How many cores there
    are does not matter: a job has one thread, or another number is asked for and told here.
    """
    processor, flags = _processor()
    told = [platform.machine(), processor, torch.backends.cpu.get_cpu_capability()]
    if flags:
        told.append(f"flags {hashlib.sha256(flags.encode()).hexdigest()[:8]}")
    if torch.cuda.is_available():
        told.append(torch.cuda.get_device_name())
    told.append(environment.variant())
    return ", ".join(part for part in told if part)


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
