"""The fine-tuning loop: phases (ii) and (iii), one task or several."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import torch

from stilts_repro import stopping
from stilts_repro.data.batches import training_batches
from stilts_repro.data.features import Batch, Features, collate
from stilts_repro.data.packing import cut
from stilts_repro.errors import MissingError, short_of_memory
from stilts_repro.machine import HALVINGS, Machine
from stilts_repro.models.attention import ready
from stilts_repro.models.embeddings import moved
from stilts_repro.models.masked import Masking, masked_batch
from stilts_repro.models.multitask import MultiTaskModel, set_dropout
from stilts_repro.seeds import derive, numpy_rng
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.training.checkpointing import Checkpoints
from stilts_repro.training.optimiser import make_optimiser, schedule
from stilts_repro.training.ranks import Ranks
from stilts_repro.training.sampler import PROPORTIONAL, Sampler, draw_tasks
from stilts_repro.training.sharding import idle, spread
from stilts_repro.training.state import Best, Losses, State, TrainingLog

Progress = Callable[[int, int], None]  # step, steps
Evaluate = Callable[[], float]  # score of the model as it is, higher is better


@dataclass(frozen=True)
class TrainingTask:
    """The features of one task and the recipe that says how often to see them.

    With `masking` its tokens are masked anew each time (continued MLM).
    """

    features: Features
    recipe: Recipe
    masking: Masking | None = None

    def steps(self, cap: int | None = None) -> int:
        """Return the optimiser steps that the recipe's epochs over at most `cap` rows come to."""
        rows = len(self.features) if cap is None else min(cap, len(self.features))
        return max(1, round(self.recipe.epochs * math.ceil(rows / self.batch_size)))

    @property
    def batch_size(self) -> int:
        """Units a step."""
        return self.recipe.batch_size


def train(
    model: MultiTaskModel,
    tasks: Mapping[str, TrainingTask],
    pad_id: int,
    seed: int,
    purpose: str,
    machine: Machine,
    progress: Progress | None = None,
    evaluate: Evaluate | None = None,
    sampler: Sampler = PROPORTIONAL,
    checkpoints: Checkpoints | None = None,
) -> TrainingLog:
    """Fine-tune `model` on `tasks`; one task is drawn a step, as `sampler` says.

    Total steps are the sum over tasks, the learning rate and the rest are the first task's (jiant).
    Orders and dropout are seeded from (`seed`, `purpose`) alone, so that the same target is trained
    on the same batches whatever phase (ii) came before: gains are paired, which takes the noise of
    the data order out of them. Where the recipe says so, the best weights under `evaluate` are
    restored at the end. A step is `batch_size` units however many tokens these are: what is too
    much for the memory at once is cut into parts. With `checkpoints` a training goes on from the
    last one, on a CPU to the very weights of an unbroken one, and leaves another now and then.
    """
    recipe = next(iter(tasks.values())).recipe
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    own = own_steps(tasks, sampler.cap)
    log = TrainingLog(steps=sum(own.values()), weights=sampler.weights(own))
    ranks = Ranks.here()
    read = (task.features.ids for task in tasks.values())
    with moved(model, recipe.embeddings, read, pad_id):
        trained, bring_back = spread(model, recipe, machine)
        optimiser = make_optimiser(trained, recipe)
        torch.manual_seed(derive(seed, purpose, "dropout"))
        best = Best(model, recipe) if evaluate is not None and recipe.evaluate_every else None
        losses, steps = Losses(purpose), log.steps
        state = State(trained, optimiser, losses, best, log)
        done = _taken_up(state, checkpoints, ranks, purpose)
        batches = islice(_batches(tasks, pad_id, seed, purpose, log.weights), done, steps)
        for step, (name, batch) in enumerate(batches, done):
            if best and best.stale:  # a training that goes on may have been about to end
                log.steps = step
                break
            if not ranks.leads:  # each drops out others
                torch.manual_seed(derive(seed, purpose, "dropout", ranks.number, step))
            # Gradients of the task that is drawn. Evaluating ends training mode.
            trained.train()
            log.tokens += batch.tokens
            losses.add(name, _gradients(trained, name, batch, machine, log))
            _update(trained, optimiser, recipe, _rate(step, steps, recipe))
            if progress is not None:
                progress(step + 1, steps)
            # Early stopping.
            if best and evaluate and best.due(step + 1, steps):
                bring_back()
                best.add(ranks.led(evaluate), step + 1)
            if checkpoints and _due(checkpoints, ranks, machine, last=step + 1 == steps):
                _keep(state, checkpoints, ranks, step + 1)
        bring_back()
        state.end()
    return log


def _taken_up(state: State, checkpoints: Checkpoints | None, ranks: Ranks, purpose: str) -> int:
    """Take up the last checkpoint; return the steps that were done, none without one.

    Raises `MissingError` where processes that train together do not go on from the same step.
    """
    done = state.restore(checkpoints.load()) if checkpoints else 0
    if ranks.agreed(done) != done:
        raise MissingError(
            f"{purpose}: the leading process goes on from a checkpoint that another has not; "
            "give all the same --output on a folder that they share"
        )
    return done


def _keep(state: State, checkpoints: Checkpoints, ranks: Ranks, steps: int) -> None:
    """Leave a checkpoint, and end here if that was asked for.

    None of what is broken: that is told where all processes look at their losses.
    """
    held = state.held()
    if ranks.leads and state.losses.sound:
        checkpoints.save(steps, *held)
    stopping.leave()


def _due(checkpoints: Checkpoints, ranks: Ranks, machine: Machine, *, last: bool) -> bool:
    """Say whether this process is to take part in a checkpoint: of spread weights all are."""
    if machine.sharded:
        return bool(ranks.agreed(checkpoints.due(last)))
    return ranks.leads and checkpoints.due(last)


def _gradients(
    model: MultiTaskModel, task: str, batch: Batch, machine: Machine, log: TrainingLog
) -> torch.Tensor:
    """Do as `backward`; where the memory is too small, in smaller parts from then on."""
    while True:
        at_once = log.at_once or machine.tokens
        random = torch.get_rng_state()
        try:
            loss = backward(model, task, batch, replace(machine, tokens=at_once))
        except Exception as error:
            if not short_of_memory(error) or log.halvings == HALVINGS or machine.sharded:
                raise
        else:  # once all processes have theirs, none may begin anew
            return Ranks.here().add_up(model, loss, summed=machine.sharded)
        # Here nothing of the error's frames is held any more.
        own = Ranks.here().share(batch, model.head(task).together)
        tokens = own.tokens if own else 1
        log.at_once = max(1, min(at_once or tokens, tokens) // 2)
        log.halvings += 1
        model.zero_grad(set_to_none=True)
        torch.set_rng_state(random)
        machine.make_room()


def _update(
    model: MultiTaskModel, optimiser: torch.optim.Optimizer, recipe: Recipe, share: float
) -> None:
    """Move the weights by their gradients, at `share` of the peak rate, and drop these."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.learning_rate * share
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def _batches(
    tasks: Mapping[str, TrainingTask],
    pad_id: int,
    seed: int,
    purpose: str,
    weights: Mapping[str, float],
) -> Iterator[tuple[str, Batch]]:
    """Yield for ever the task of a step, drawn by `weights`, and its next batch, on the host."""
    streams = {
        name: training_batches(
            task.features, task.batch_size, numpy_rng(seed, purpose, "order", name)
        )
        for name, task in tasks.items()
    }
    for step, name in enumerate(draw_tasks(weights, numpy_rng(seed, purpose, "sampler"))):
        batch = collate(tasks[name].features, next(streams[name]), pad_id)
        if masking := tasks[name].masking:
            generator = torch.Generator().manual_seed(derive(seed, purpose, "mask", step))
            batch = masked_batch(batch, masking, generator)
        yield name, batch


def backward(model: MultiTaskModel, task: str, batch: Batch, machine: Machine) -> torch.Tensor:
    """Add the gradients of `task`'s mean loss on `batch`; return that loss, left on the device.

    Of several processes, those of this one's share. `batch` is padded and on the host. With more
    real tokens than `machine` takes at once it is computed in parts, whose losses are sums over the
    whole batch's examples (units; words in tagging; masked tokens in MLM): but for rounding and
    dropout, parts give what the whole would. On packed batches (`varlen`) the device is never
    waited for; of a padded one transformers asks whether its mask is all ones.
    """
    ranks = Ranks.here()
    head = model.head(task)
    own = ranks.share(batch, head.together)
    parts = [] if own is None else cut(own, machine.tokens, head.together)
    over = head.examples(batch) if len(parts) > 1 or ranks.count > 1 else None
    losses = []
    for weight, part in (*((1, p) for p in parts), *((0, p) for p in idle(parts, batch, machine))):
        with machine.autocast():
            loss = model.loss(task, ready(model.backbone, part), over) * weight
        loss.backward()
        losses.append(loss.detach())
    if not losses:
        return torch.zeros((), device=machine.device)
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


def _rate(step: int, steps: int, recipe: Recipe) -> float:
    """Return the share of the peak rate at `step`, from 0.

    The last step's is zero; a training of one step, which would move nothing, gets the peak.
    """
    return 1.0 if steps == 1 else schedule((step + 1) / steps, recipe.warmup)


def own_steps(tasks: Mapping[str, TrainingTask], cap: int | None) -> dict[str, int]:
    """Return the steps that each task's recipe comes to, or its share of all where it has one."""
    steps = {name: t.steps(cap) for name, t in tasks.items() if t.recipe.share is None}
    others = sum(steps.values())
    shares = {name: t.recipe.share for name, t in tasks.items() if t.recipe.share is not None}
    whole = others / (1.0 - sum(shares.values()))
    return steps | {name: max(1, round(share * whole)) for name, share in shares.items()}
