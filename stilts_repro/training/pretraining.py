"""Phase (i): a small XLM-R-class masked LM, trained from scratch on the corpus at hand.

The paper starts from XLM-R Large, which cannot be trained here. This makes a model of the same
class, so that the same code runs from a laptop to a cluster; nothing is claimed for it beyond that.

It is made on the CPU, also where there is a GPU: models of these sizes hardly fill one, and a run
that was stopped goes on to the very weights of an unbroken one, which a GPU does not promise.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from stilts_repro.data.features import Features, blocks, collate, token_batches
from stilts_repro.errors import InputError, reason
from stilts_repro.jsonio import content_hash, write_json
from stilts_repro.seeds import derive, numpy_rng
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.training.mlm import Masking, mlm_loss
from stilts_repro.training.optimiser import make_optimiser, schedule

WINDOW = 3072  # sequences that are sorted by length together


@dataclass(frozen=True)
class Size:
    """Shape of the encoder."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocabulary: int


SIZES = {
    "mini": Size(layers=6, hidden=128, heads=4, intermediate=384, vocabulary=8_000),
    "small": Size(layers=8, hidden=256, heads=4, intermediate=1024, vocabulary=16_000),
}


@dataclass(frozen=True)
class PretrainRecipe:
    """How long and how to train; the run ends at `steps` or after `minutes`, whichever is given.

    `batch_tokens` is the padded size of a batch, `max_length` the longest sequence, both in tokens.
    The last `block_steps` of `steps` read blocks of `max_length` tokens of one language, as XLM-R
    does, and those before read single documents: from blocks alone, a model of this size does not
    leave its first plateau.
    """

    size: Size
    steps: int | None = None
    minutes: float | None = None
    block_steps: int = 0
    batch_tokens: int = 2048
    learning_rate: float = 2e-3
    warmup: float = 0.05
    max_length: int = 128
    dropout: float = 0.0
    mask_rate: float = 0.15
    seed: int = 0


@dataclass
class PretrainLog:
    """Progress so far: optimiser steps, real tokens, seconds, and a loss every 100 steps.

    `first` holds the first ten steps' losses, by which another machine's run can be compared.
    """

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


def build_model(
    recipe: PretrainRecipe, tokenizer: PreTrainedTokenizerBase
) -> XLMRobertaForMaskedLM:
    """Return a randomly initialised masked LM for `tokenizer`."""
    size = recipe.size
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.intermediate,
        # XLM-R counts positions from padding_idx + 1 = 2.
        max_position_embeddings=recipe.max_length + 2,
        type_vocab_size=1,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(derive(recipe.seed, "pretrain", "init"))
    model = XLMRobertaForMaskedLM(config)
    # What fine-tuning draws poolers and heads with: XLM-R Large's scale, carried over to a narrower
    # model. With 0.02 at width 96, classification does not leave its starting loss in 1,000 steps.
    model.config.initializer_range = 0.02 * math.sqrt(1024 / size.hidden)
    return model


class Pretraining:
    """One pre-training run that can be stopped and go on; `parts` are the languages' documents."""

    def __init__(
        self,
        recipe: PretrainRecipe,
        parts: Sequence[Features],
        tokenizer: PreTrainedTokenizerBase,
        checkpoint: Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.features = Features.joined(parts)
        self.blocks = self._blocks(parts, recipe, tokenizer)
        self.tokenizer = tokenizer
        self.checkpoint = checkpoint
        self.model = build_model(recipe, tokenizer)
        self.optimiser = make_optimiser(
            self.model,
            Recipe(learning_rate=recipe.learning_rate, weight_decay=0.01, epsilon=1e-6),
        )
        self.masking = Masking.of(tokenizer, recipe.mask_rate)
        self.log = PretrainLog()
        self.identity = content_hash(
            [
                asdict(recipe),
                tokenizer.get_vocab(),
                hashlib.sha256(self.features.ids.tobytes()).hexdigest(),
            ]
        )
        if checkpoint is not None and (checkpoint / "state.json").is_file():
            self._restore(checkpoint)

    def run(self, report: Callable[[PretrainLog, float], None] | None = None) -> PretrainLog:
        """Train to the end of the recipe; `report` gets the log and the share done (0..1)."""
        batches = self._batches()
        for _ in range(self.log.steps):  # what was trained before a stop
            next(batches)
        self.model.train()
        started, before, recent = time.perf_counter(), self.log.seconds, []
        saved = started
        while (share := self._share()) < 1.0:
            features, units = next(batches)
            recent.append(self._step(collate(features, units, self._pad), share))
            self.log.seconds = before + time.perf_counter() - started
            if self.log.steps <= 10:
                self.log.first.append(recent[-1])
            if self.log.steps % 100 == 0:
                self.log.losses.append((self.log.steps, sum(recent) / len(recent)))
                recent = []
                if report is not None:
                    report(self.log, self._share())
                if self.checkpoint is not None and time.perf_counter() - saved > 60:
                    self._save(self.checkpoint)
                    saved = time.perf_counter()
        return self.log

    @staticmethod
    def _blocks(
        parts: Sequence[Features], recipe: PretrainRecipe, tokenizer: PreTrainedTokenizerBase
    ) -> Features | None:
        if not recipe.block_steps:
            return None
        rng = numpy_rng(recipe.seed, "pretrain", "blocks")
        return blocks(parts, recipe.max_length, int(tokenizer.bos_token_id), rng)

    def _batches(self) -> Iterator[tuple[Features, np.ndarray]]:
        """Yield each step's features and units: documents, then blocks."""
        recipe = self.recipe
        singly = (recipe.steps or 0) - recipe.block_steps if self.blocks else None
        order = numpy_rng(recipe.seed, "pretrain", "order")
        stream = token_batches(self.features, recipe.batch_tokens, order, window=WINDOW)
        yield from ((self.features, units) for units in islice(stream, singly))
        if self.blocks:
            stream = token_batches(self.blocks, recipe.batch_tokens, order, window=WINDOW)
            yield from ((self.blocks, units) for units in stream)

    @property
    def _pad(self) -> int:
        return int(self.tokenizer.pad_token_id)

    def _share(self) -> float:
        recipe = self.recipe
        by_steps = self.log.steps / recipe.steps if recipe.steps else 0.0
        by_time = self.log.seconds / (60 * recipe.minutes) if recipe.minutes else 0.0
        return max(by_steps, by_time)

    def _step(self, batch: Any, share: float) -> float:
        # Seeded by the step, so that a run that goes on masks what an unbroken run would.
        torch.manual_seed(derive(self.recipe.seed, "pretrain", "dropout", self.log.steps))
        generator = torch.Generator().manual_seed(
            derive(self.recipe.seed, "pretrain", "mask", self.log.steps)
        )
        masked_ids, chosen = self.masking.apply(batch.input_ids, generator)
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * schedule(max(share, 1e-4), self.recipe.warmup)
        loss = mlm_loss(self.model, batch, masked_ids, chosen)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.log.steps += 1
        self.log.tokens += batch.tokens
        if not math.isfinite(value := float(loss.detach())):
            raise InputError(f"pre-training: the loss at step {self.log.steps} is not finite")
        return value

    def _save(self, folder: Path) -> None:
        """Write weights, optimiser moments and progress; the state file last, atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        moments = {
            f"{index}.{name}": value
            for index, state in self.optimiser.state_dict()["state"].items()
            for name, value in state.items()
        }
        tag = f"{self.log.steps}.safetensors"
        weights = {k: v.clone() for k, v in self.model.state_dict().items()}
        for name, tensors in (("model", weights), ("optimiser", moments)):
            save_file(tensors, folder / f"{name}-{tag}")
        write_json(folder / "state.json", asdict(self.log) | {"identity": self.identity})
        for old in folder.glob("*.safetensors"):
            if not old.name.endswith(f"-{tag}"):
                old.unlink()

    def _restore(self, folder: Path) -> None:
        with _whole(folder / "state.json") as path:
            state = json.loads(path.read_text(encoding="utf-8"))
            if state.pop("identity") != self.identity:
                raise InputError(
                    f"{folder}: the checkpoint of another recipe or corpus; remove it to start "
                    "afresh"
                )
            self.log = _log_of(state)
        tag = f"{self.log.steps}.safetensors"
        with _whole(folder / f"model-{tag}") as path:
            self.model.load_state_dict(load_file(path))
        with _whole(folder / f"optimiser-{tag}") as path:
            moments: dict[int, dict[str, Any]] = {}
            for key, value in load_file(path).items():
                index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = value
            groups = self.optimiser.state_dict()["param_groups"]
            self.optimiser.load_state_dict({"state": moments, "param_groups": groups})


def _log_of(state: dict[str, Any]) -> PretrainLog:
    """Return the log that a state file holds; `ValueError` where it holds another thing."""
    log = PretrainLog(**state)
    log.losses = [(int(step), float(loss)) for step, loss in log.losses]
    log.first = [float(loss) for loss in log.first]
    if asdict(PretrainLog()).keys() != state.keys() or not (
        type(log.steps) is type(log.tokens) is int and 0 <= float(log.seconds) < math.inf
    ):
        raise ValueError("not what a run has written")
    return log


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Turn all that a damaged file of a checkpoint may raise in the block into one line."""
    try:
        yield path
    except (InputError, MemoryError):
        raise
    except Exception as error:  # half a file, other JSON, other tensors: anything
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise  # it cannot be read, which does not mean that it is damaged
        raise InputError(
            f"{path}: damaged, or of no checkpoint ({reason(error)}); "
            f"remove {path.parent} to start afresh"
        ) from None
