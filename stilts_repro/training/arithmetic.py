"""Precision, threads and memory of jobs: what is used, and how to ask for something else.

`STILTS_PRECISION` (fp32 or bf16) and `STILTS_THREADS` (a number) change what is usual for the
device. They exist to measure how much of a claim's value hangs on such things. `STILTS_TOKENS` (a
number) says how many real tokens are trained on at once; a step with more is cut into parts. With
`STILTS_COMPILE` (1) models are compiled to be trained.
"""

import os
import re
from collections.abc import Mapping

import torch

from stilts_repro.errors import InputError
from stilts_repro.models.compiling import COMPILE

PRECISION, THREADS, TOKENS = "STILTS_PRECISION", "STILTS_THREADS", "STILTS_TOKENS"
# With XLM-R Large, weights and optimiser 9 GB and about 1 MB a token: a GPU of 40 GB. None: a step
# is never cut, as on a CPU, where memory is plenty and references are of whole steps.
_AT_ONCE = {"cuda": 16384}
_MOST = {THREADS: 1024, TOKENS: 10**9}  # torch ends the process where it cannot start its threads


def uses_bf16(device: torch.device) -> bool:
    """Say whether jobs on `device` compute in bf16: where it has that, or as asked for."""
    asked = asked_for(PRECISION)
    if asked not in ("", "fp32", "bf16"):
        raise InputError(f"{PRECISION}={asked}: give fp32 or bf16")
    return asked == "bf16" if asked else has_bf16(device)


def has_bf16(device: torch.device) -> bool:
    """Say whether `device` has instructions for bf16: emulated, it is slower than fp32.

    V100 and T4 emulate it, and so do most laptops' processors. Of other processors than x86 none
    has been measured, and an older torch cannot say what a processor has.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16", False))


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which models on `device` are trained and evaluated."""
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(device))


def tokens_at_once(device: torch.device) -> int | None:
    """Return the real tokens that a training computes gradients of at once; None: all of a step."""
    return _number(TOKENS) or _AT_ONCE.get(device.type)


def threads() -> int:
    """Return the threads of a job on a CPU: one, as small models waste a second, or as asked for.

    One also makes results independent of how many cores there are.
    """
    return _number(THREADS) or 1


def compiles() -> bool:
    """Say whether trainings run on compiled models: if asked for.

    Of a small model on a CPU it takes 20 to 35 seconds and saves 1 to 3 % in fp32, a tenth in
    bf16: trainings last seconds, and what is fused rounds otherwise, so that results would hang on
    whether a machine has a compiler. On a GPU it has not been measured; there is a benchmark.
    """
    asked = asked_for(COMPILE)
    if asked not in ("", "0", "1"):
        raise InputError(f"{COMPILE}={asked}: give 0 or 1")
    return asked == "1"


def asked_for(name: str) -> str:
    """Return what the variable `name` asks for, without blanks around it; '' where nothing."""
    return os.environ.get(name, "").strip()


def _number(name: str) -> int | None:
    """Return the number that the variable `name` holds, None where it holds nothing."""
    asked, most = asked_for(name), _MOST[name]
    if not asked:
        return None
    if not re.fullmatch("[0-9]{1,10}", asked) or not 1 <= int(asked) <= most:
        raise InputError(f"{name}={asked:.40}: give a number from 1 to {most}")
    return int(asked)
