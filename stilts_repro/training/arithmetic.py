"""Precision and threads of trainings: what is used, and how to ask for something else.

`STILTS_PRECISION` (fp32 or bf16) and `STILTS_THREADS` (a number) change what is usual for the
device. They exist to measure how much of a claim's value hangs on such things.
"""

import os

import torch

from stilts_repro.errors import InputError

PRECISION, THREADS = "STILTS_PRECISION", "STILTS_THREADS"


def uses_bf16(device: torch.device) -> bool:
    """Say whether trainings on `device` run in bf16: on GPUs that have it, or if asked for.

    Not on CPUs: there fp32 keeps the references comparable between machines with and without bf16.
    """
    asked = os.environ.get(PRECISION, "")
    if asked not in ("", "fp32", "bf16"):
        raise InputError(f"{PRECISION}={asked}: give fp32 or bf16")
    if asked:
        return asked == "bf16"
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which trainings on `device` compute their loss."""
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(device))


def threads() -> int:
    """Return the threads of a job on a CPU: one, as small models waste a second, or as asked for.

    One also makes results independent of how many cores there are.
    """
    asked = os.environ.get(THREADS, "1")
    if not asked.isdigit() or int(asked) < 1:
        raise InputError(f"{THREADS}={asked}: give a number above zero")
    return int(asked)
