"""Checkpoints inside a training, so that a long one that was stopped goes on where it was.

A checkpoint is a safetensors file, and a JSON file that names it with its hash. The latter is
replaced last: at any moment the newest whole one is there.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from stilts_repro import stopping
from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import content_hash, digest, flush, read_json, write_json

STATE = "checkpoint.json"
EVERY = 300.0  # seconds; most of the testbed's trainings are over before

Tensors = dict[str, Tensor]
Told = dict[str, Any]  # JSON


class Checkpoints:
    """The newest checkpoint of one training, in a folder of its own; one is due `every` seconds."""

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self.folder = folder
        self.every = every
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time for one, or the process has been asked to end."""
        return stopping.asked() or time.monotonic() - self._saved > self.every

    def save(self, step: int, tensors: Mapping[str, Tensor], told: Told) -> None:
        """Keep what the steps after `step` hang on, in place of the checkpoint before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{step}.safetensors"
        # A copy of each: safetensors refuses two names of one tensor.
        save_file({name: t.detach().cpu().clone() for name, t in tensors.items()}, file)
        flush(file)
        state = {"step": step, "file": file.name, "sha256": digest(file), "told": told}
        write_json(self.folder / STATE, state | {"hash": content_hash(state)})
        flush(self.folder / STATE)
        for path in self.folder.glob("*.safetensors"):
            if path != file:
                path.unlink()
        self._saved = time.monotonic()

    def load(self) -> tuple[int, Tensors, Told] | None:
        """Return the steps done, tensors and the rest; None without a checkpoint.

        One that is damaged is none, as stderr says.
        """
        try:
            state = read_json(self.folder / STATE)
            file = self.folder / state["file"]
            whole = state.pop("hash") == content_hash(state) and digest(file) == state["sha256"]
            tensors = load_file(file) if whole else {}
        except MissingError:
            return None
        except (InputError, OSError, SafetensorError, LookupError, TypeError, AttributeError):
            whole = False
        if not whole:
            told = "a damaged checkpoint; the training starts anew"
            print(f"  {self.folder}: {told}", file=sys.stderr, flush=True)
            return None
        return state["step"], tensors, state["told"]
