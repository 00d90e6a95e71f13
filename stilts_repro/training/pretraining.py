"""Phase (i): a small language model of any class, trained on the corpus at hand.

The paper starts from XLM-R Large, which cannot be trained here. This makes a model of the same
class, so that the same code runs from a laptop to a cluster; nothing is claimed for it beyond that.
Or a public encoder is trained further, as a masked LM.

It is made on the CPU, also where there is a GPU: models of these sizes hardly fill one, and a run
of so many steps that was stopped goes on to the very weights of an unbroken one, which a GPU does
not promise. From scratch that is in fp32, which is the same everywhere; a public encoder is trained
in bf16 where the processor has it.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from stilts_repro import stopping
from stilts_repro.data.batches import blocks, token_batches
from stilts_repro.data.features import Batch, Features, collate
from stilts_repro.errors import InputError
from stilts_repro.jsonio import content_hash
from stilts_repro.machine import Machine
from stilts_repro.models.attention import use
from stilts_repro.models.causal import causal_loss
from stilts_repro.models.denoising import Denoising, denoising_loss
from stilts_repro.models.masked import Masking, masked_batch, mlm_loss
from stilts_repro.models.multitask import set_dropout
from stilts_repro.models.vocabulary import Narrowed
from stilts_repro.seeds import derive, numpy_rng
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.training.checkpointing import Checkpoints, take_up, weights_and_moments
from stilts_repro.training.optimiser import make_optimiser, schedule
from stilts_repro.training.shapes import PretrainRecipe, build_model

WINDOW = 3072  # sequences that are sorted by length together
TELL_EVERY, SAVE_EVERY = 30, 120  # seconds; a large vocabulary's state takes some to write

Report = Callable[["PretrainLog", float, float], None]  # log, mean of the last losses, share done


@dataclass
class PretrainLog:
    """Progress so far: optimiser steps, real tokens, seconds, and a loss every 100 steps.

    `first` holds the first ten steps' losses, by which another machine's run can be compared,
    `recent` those since the last hundred.
    """

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)


class Pretraining:
    """One pre-training run that can be stopped and go on; `parts` are the languages' documents.

    It starts from `start`, whose rows the documents are then of, or from scratch, on a CPU.
    In the folder `checkpoint` are weights, optimiser moments and the log of now and then.
    """

    def __init__(
        self,
        recipe: PretrainRecipe,
        parts: Sequence[Features],
        tokenizer: PreTrainedTokenizerBase,
        checkpoint: Path | None = None,
        start: Narrowed | None = None,
        machine: Machine = Machine(),  # noqa: B008 (frozen)
    ) -> None:
        self.recipe, self.machine = recipe, machine
        self.checkpoints = Checkpoints(checkpoint, SAVE_EVERY) if checkpoint else None
        self.features = Features.joined(parts)
        self.blocks: Features | None = None
        if recipe.block_steps:
            rng = numpy_rng(recipe.seed, "pretrain", "blocks")
            self.blocks = blocks(parts, recipe.max_length, int(tokenizer.bos_token_id), rng)
        self.model = start.model if start else build_model(recipe, tokenizer)
        if start:
            set_dropout(self.model, recipe.dropout)
        use(self.model, machine)
        self.optimiser = make_optimiser(
            self.model,
            Recipe(learning_rate=recipe.learning_rate, weight_decay=0.01, epsilon=1e-6),
        )
        masking = Masking.of(tokenizer, recipe.mask_rate)
        ends = int(tokenizer.eos_token_id), int(tokenizer.pad_token_id)
        self.denoising = Denoising(len(tokenizer), ends[1], *ends)
        self.masking = start.masking(masking) if start else masking
        pad_id = int(tokenizer.pad_token_id)
        self.pad_id = int(start.places[pad_id]) if start else pad_id
        self.log = PretrainLog()
        held = [asdict(recipe), tokenizer.get_vocab(), self.features.fingerprint]
        by = [start.origin, machine.precision] if start else []
        self.identity = content_hash([*held, *by])
        if self.checkpoints:
            self._restore(self.checkpoints)

    def run(self, report: Report | None = None) -> PretrainLog:
        """Train to the end of the recipe; `report` gets the log, the last loss and the share done.

        It is called every hundred steps, or every half a minute where these take longer.
        """
        batches, log = self._batches(), self.log
        for _ in range(log.steps):  # what was trained before a stop
            next(batches)
        self.model.train()
        started, before = time.perf_counter(), log.seconds
        told = started
        while (share := self._share()) < 1.0:
            features, units = next(batches)
            log.recent.append(self._step(collate(features, units, self.pad_id), share))
            now = time.perf_counter()
            log.seconds = before + now - started
            if log.steps <= 10:
                log.first.append(log.recent[-1])
            loss = sum(log.recent) / len(log.recent)
            whole = log.steps % 100 == 0
            if whole:
                log.losses.append((log.steps, loss))
                log.recent = []
            if report is not None and (whole or now - told > TELL_EVERY):
                report(log, loss, self._share())
                told = now
            if self.checkpoints and self.checkpoints.due():
                self._save(self.checkpoints)
                stopping.leave()
        return log

    def _batches(self) -> Iterator[tuple[Features, np.ndarray]]:
        """Yield each step's features and units: documents, then blocks."""
        recipe = self.recipe
        order = numpy_rng(recipe.seed, "pretrain", "order")
        singly = (recipe.steps or 0) - recipe.block_steps if self.blocks else None
        for features, steps in ((self.features, singly), (self.blocks, None)):
            if features:
                stream = token_batches(features, recipe.batch_tokens, order, window=WINDOW)
                yield from ((features, units) for units in islice(stream, steps))

    def _share(self) -> float:
        recipe = self.recipe
        by_steps = self.log.steps / recipe.steps if recipe.steps else 0.0
        by_time = self.log.seconds / (60 * recipe.minutes) if recipe.minutes else 0.0
        return max(by_steps, by_time)

    def _step(self, batch: Batch, share: float) -> float:
        """Train on `batch`, `share` of the run being done; return the loss."""
        # Seeded by the step, so that a run that goes on masks what an unbroken run would.
        seed, step = self.recipe.seed, self.log.steps
        torch.manual_seed(derive(seed, "pretrain", "dropout", step))
        tokens, objective = batch.tokens, self.recipe.objective
        loss_of: Callable[[], Tensor]
        if objective == "masked":
            generator = torch.Generator().manual_seed(derive(seed, "pretrain", "mask", step))
            batch = masked_batch(batch, self._masking(share), generator)
            loss_of = partial(mlm_loss, self.model, batch)
        elif objective == "causal":
            loss_of = partial(causal_loss, self.model, batch)
        else:
            rng = numpy_rng(seed, "pretrain", "spans", step)
            loss_of = partial(denoising_loss, self.model, self.denoising.apply(batch, rng))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * schedule(max(share, 1e-4), self.recipe.warmup)
        with self.machine.autocast():
            loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.log.steps += 1
        self.log.tokens += tokens
        if not math.isfinite(value := float(loss.detach())):
            raise InputError(f"pre-training: the loss at step {self.log.steps} is not finite")
        return value

    def _masking(self, share: float) -> Masking:
        first, last = self.recipe.mask_rate, self.recipe.last_mask_rate
        if last is None:
            return self.masking
        return replace(self.masking, rate=first + (last - first) * share)

    def _save(self, checkpoints: Checkpoints) -> None:
        held = weights_and_moments(self.model, self.optimiser)
        told = {"identity": self.identity, "log": asdict(self.log)}
        checkpoints.save(self.log.steps, held, told)

    def _restore(self, checkpoints: Checkpoints) -> None:
        """Go on from a checkpoint, if there is one; `InputError` where it is another run's."""
        if (found := checkpoints.load()) is None:
            return
        _, tensors, told = found
        if told["identity"] != self.identity:
            raise InputError(
                f"{checkpoints.folder}: the checkpoint of another recipe or corpus; remove it to "
                "start afresh"
            )
        take_up(self.model, self.optimiser, tensors)
        self.log = PretrainLog(**told["log"])
        self.log.losses = [(step, loss) for step, loss in self.log.losses]  # JSON has no tuples
