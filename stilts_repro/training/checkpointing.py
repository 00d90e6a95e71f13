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
from torch import Tensor, nn
from torch.optim import Optimizer

from stilts_repro import stopping
from stilts_repro.errors import InputError, MissingError
from stilts_repro.jsonio import content_hash, digest, flush, read_json, write_json
from stilts_repro.training.sharding import like, whole

STATE = "checkpoint.json"
EVERY = 300.0  # seconds; most of the testbed's trainings are over before

Tensors = dict[str, Tensor]
Told = dict[str, Any]  # JSON


def weights_and_moments(model: nn.Module, optimiser: Optimizer) -> Tensors:
    """Return what a step changes of both, by names that `take_up` knows."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for number, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{number}/{name}": value for name, value in values.items()}
    return {name: whole(value) for name, value in tensors.items()}


def take_up(model: nn.Module, optimiser: Optimizer, tensors: Tensors) -> None:
    """Give both what `weights_and_moments` returned."""
    weights = within("model", tensors)
    model.load_state_dict({k: like(weights[k], now) for k, now in model.state_dict().items()})
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    moments: dict[int, Tensors] = {}
    for name, value in within("optimiser", tensors).items():
        number, _, rest = name.partition("/")
        # A step count is one number, and nobody's part of anything.
        moment = like(value, parameters[int(number)]) if value.dim() else value
        moments.setdefault(int(number), {})[rest] = moment
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})


def within(kind: str, tensors: Tensors) -> Tensors:
    """Return those of `tensors` whose names begin with `kind`, by the rest of their names."""
    start = f"{kind}/"
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}


class Checkpoints:
    """The newest checkpoint of one training, in a folder of its own; one is due `every` seconds."""

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self.folder = folder
        self.every = every
        self._saved = time.monotonic()

    def due(self, last: bool = False) -> bool:
        """Say whether it is time for one, or the process has been asked to end.

        After the `last` step it is sooner: what follows is not trained again then.
        """
        waited = time.monotonic() - self._saved
        return stopping.asked() or waited > (self.every / 5 if last else self.every)

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
            file = self.folder / Path(state["file"]).name
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
