"""What jobs compute with: found out once, as a command starts, and handed down from there.

Usual is what serves the device best. These variables ask for something else, most of them to
measure how much of a claim's value hangs on such things; no other module reads them.

    STILTS_PRECISION  fp32 or bf16
    STILTS_THREADS    the threads of a job
    STILTS_ATTENTION  the back end of attention, one of `BACK_ENDS`
    STILTS_TOKENS     the real tokens trained on at once; a step with more is cut into parts
    STILTS_COMPILE    1: models are compiled to be trained
    STILTS_SHARD      1: the processes of a job share its model's weights out (`training.sharding`)
"""

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from stilts_repro.errors import InputError

PRECISION, THREADS, TOKENS = "STILTS_PRECISION", "STILTS_THREADS", "STILTS_TOKENS"
ATTENTION, COMPILE, SHARD = "STILTS_ATTENTION", "STILTS_COMPILE", "STILTS_SHARD"
BACK_ENDS = ("sdpa", "sdpa_fp32", "varlen", "flash", "block")  # `models.attention` says of what
# With XLM-R Large, weights and optimiser 9 GB and about 1 MB a token: a GPU of 40 GB. On a CPU a
# scale says so.
_AT_ONCE = {"cuda": 16384}
HALVINGS = 2  # of what is computed at once, where the memory is too small for it
PROCESSES = "WORLD_SIZE"  # how many a launcher has started
# torch ends the process where it cannot start its threads.
_MOST = {THREADS: 1024, TOKENS: 10**9, PROCESSES: 10**6}


@dataclass(frozen=True)
class Machine:
    """What jobs compute with; without arguments a CPU in fp32, as plain as can be.

    device     "cpu", or "cuda": the GPU that is a process's current one, so that workers differ
    precision  "bf16" (by autocast: weights and losses stay in fp32) or "fp32"
    threads    of a job on a CPU. Small models waste a second one; and with one, results do not
               depend on how many cores there are
    attention  the back end asked for; "": the fastest that a model can have (`models.attention`)
    tokens     real tokens that gradients are computed of at once; None: all of a step's
    compiled   whether models are compiled to be trained. Of a small model on a CPU that takes 20 to
               35 seconds and saves 1 to 3 % in fp32, a tenth in bf16: trainings last seconds, and
               what is fused rounds otherwise, so that results would hang on whether a machine has a
               compiler. On a GPU it has not been measured; there is a benchmark
    processes  that train one model together (`training.ranks`), each on a GPU of its own
    sharded    whether they share its weights out
    """

    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    attention: str = ""
    tokens: int | None = None
    compiled: bool = False
    processes: int = 1
    sharded: bool = False

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str] = os.environ,
        *,
        device: str = "",
        precision: str = "",
        at_once: int | None = None,
        processes: int = 1,
    ) -> "Machine":
        """Return this machine, used as `environ` asks; `InputError` where a value is not known.

        Its GPU is used where it has one, unless another `device` is given. What `environ` does not
        ask for is: to compute in `precision`, or else in the quickest that it has; on a CPU, of
        `at_once` tokens; and `processes` a job, which a launcher would have started.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        processes = max(processes, launched(environ))
        sharded = _choice(environ, SHARD, "0", "1") == "1"
        if sharded and processes == 1:
            raise InputError(f"{SHARD}=1: a job has one process; give --gpus-per-job, or torchrun")
        return cls(
            device,
            _choice(environ, PRECISION, "fp32", "bf16")
            or precision
            or ("bf16" if has_bf16(device) else "fp32"),
            _number(environ, THREADS) or 1,
            _choice(environ, ATTENTION, *BACK_ENDS),
            _number(environ, TOKENS) or _AT_ONCE.get(device, at_once),
            _choice(environ, COMPILE, "0", "1") == "1",
            processes,
            sharded,
        )

    @property
    def bf16(self) -> bool:
        """Whether models compute in bf16."""
        return self.precision == "bf16"

    @property
    def name(self) -> str:
        """The device in words."""
        if self.device == "cuda":
            return torch.cuda.get_device_name()
        return f"cpu ({platform.machine()})"

    def autocast(self) -> torch.autocast:
        """Return the context in which models are trained and evaluated."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.bf16)

    def make_room(self) -> None:
        """Give up what torch holds of a GPU's memory and does not use."""
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def workers(self) -> int:
        """Return how many jobs to run at once, by the GPUs or cores that each has to itself."""
        if self.device == "cuda":
            return max(1, torch.cuda.device_count() // self.processes)
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        return max(1, cores // (self.threads * self.processes))

    def as_hashed(self) -> dict[str, str]:
        """Return what a job's hash says of the machine: what was not asked for is not mentioned."""
        values = {
            "device": self.device,
            "precision": self.precision,
            "threads": str(self.threads) if self.threads > 1 else "",
            "attention": self.attention,
            "tokens": str(self.tokens or ""),
            "compiled": "yes" if self.compiled else "",
            "processes": str(self.processes) if self.processes > 1 else "",
            "sharded": "yes" if self.sharded else "",
        }
        return {name: value for name, value in values.items() if value}

    @property
    def asking(self) -> str:
        """What to set so that another machine computes alike, as in a shell."""
        asked = {
            PRECISION: self.precision,
            THREADS: self.threads if self.threads > 1 else "",
            ATTENTION: self.attention,
            TOKENS: self.tokens,
            COMPILE: int(self.compiled),
            SHARD: int(self.sharded),
        }
        return " ".join(f"{name}={value}" for name, value in asked.items() if value)

    @property
    def arithmetic(self) -> str:
        """What values hang on besides the kind of machine, as references name it.

        The precision, and what is unusual: on a CPU that is more than one thread, batches that are
        not padded, a step in parts; anywhere, models that are compiled.
        """
        cpu = self.device == "cpu"
        unusual = {
            f"{self.threads} threads": cpu and self.threads > 1,
            f"{self.attention} attention": cpu and self.attention not in ("", "sdpa"),
            f"{self.tokens} tokens at once": cpu and self.tokens is not None,
            "compiled": self.compiled,
            f"{self.processes} processes": self.processes > 1,
            "sharded": self.sharded,
        }
        return ", ".join([self.precision, *(words for words, is_so in unusual.items() if is_so)])


def has_bf16(device: str) -> bool:
    """Say whether `device` ("cpu", "cuda") has bf16: emulated, it is slower than fp32.

    V100 and T4 emulate it, and so do most laptops' processors. Of other processors than x86 none
    has been measured, and an older torch cannot say what a processor has.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16", False))


def _choice(environ: Mapping[str, str], name: str, *known: str) -> str:
    """Return the one of `known` values that the variable `name` holds, '' where it holds none."""
    value = environ.get(name, "").strip()
    if value not in ("", *known):
        raise InputError(f"{name}={value}: give {(', ' if len(known) > 2 else ' or ').join(known)}")
    return value


def launched(environ: Mapping[str, str]) -> int:
    """Return how many processes a launcher says there are; `InputError` where that is no number."""
    return _number(environ, PROCESSES) or 1


def _number(environ: Mapping[str, str], name: str) -> int | None:
    """Return the number that the variable `name` holds, None where it holds nothing."""
    value, most = environ.get(name, "").strip(), _MOST[name]
    if not value:
        return None
    if not re.fullmatch("[0-9]{1,10}", value) or not 1 <= int(value) <= most:
        raise InputError(f"{name}={value:.40}: give a number from 1 to {most}")
    return int(value)
