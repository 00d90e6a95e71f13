"""What a training has come to so far, and all that its next step hangs on."""

import math
import time
from dataclasses import dataclass, field

import torch

from stilts_repro.errors import InputError
from stilts_repro.models.multitask import MultiTaskModel
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.training.checkpointing import (
    Tensors,
    Told,
    take_up,
    weights_and_moments,
    within,
)

KEPT = ("tokens", "seconds", "halvings", "at_once")  # of the log
LOOK_EVERY = 50  # steps between two looks at the losses, for which a GPU is waited for


@dataclass
class TrainingLog:
    """What one training did: steps, real tokens, seconds, task weights, losses by step.

    `earlier` are those of `seconds` that a process before this one spent, up to its checkpoint.
    `best_step` is the step whose weights were kept (None: the last step's, nothing was evaluated),
    `dev_scores` the score after each evaluation; `halvings` how often the memory was too small for
    what was computed at once, which was halved then, to `at_once` tokens.
    """

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    earlier: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    best_step: int | None = None
    dev_scores: list[float] = field(default_factory=list)
    halvings: int = 0
    at_once: int | None = None

    def last_loss(self, window: int = 20) -> float:
        """Return the mean of the last `window` losses."""
        tail = self.losses[-window:]
        return sum(tail) / max(1, len(tail))


class Losses:
    """The losses so far, left on the device; some steps at a time they are looked at.

    Processes that train together look after the same steps, and so end at the same one.
    """

    def __init__(self, purpose: str) -> None:
        self.purpose = purpose
        self._tasks: list[str] = []
        self._losses: list[torch.Tensor] = []
        self._seen: list[float] = []

    def add(self, task: str, loss: torch.Tensor) -> None:
        """Take a step's loss; `InputError` where, by now and then, one is no finite number."""
        self._tasks.append(task)
        self._losses.append(loss)
        if len(self._tasks) % LOOK_EVERY == 0:
            self.values()

    def restore(self, seen: list[float]) -> None:
        """Take up losses of before, all of which were looked at."""
        self._tasks, self._seen = [""] * len(seen), seen

    def values(self) -> list[float]:
        """Return all losses; `InputError` where one is no finite number."""
        start = len(self._seen)
        self._seen, self._losses = self.known(), []
        for step in range(start, len(self._seen)):
            if not math.isfinite(self._seen[step]):
                raise InputError(
                    f"{self.purpose}: the loss of {self._tasks[step]} at step {step + 1} is not a "
                    "finite number; the model's weights are broken, or the recipe's rate is too "
                    "high for it"
                )
        return self._seen

    def known(self) -> list[float]:
        """Return all losses, whatever they are."""
        new = torch.stack(self._losses).float().cpu().tolist() if self._losses else []
        return [*self._seen, *new]

    @property
    def sound(self) -> bool:
        """Whether all are finite numbers."""
        return all(map(math.isfinite, self.known()))


class Best:
    """The best weights so far, and whether it is time to stop (jiant's rule)."""

    def __init__(self, model: MultiTaskModel, recipe: Recipe) -> None:
        self.model = model
        self.every = recipe.evaluate_every or 1
        self.patience = recipe.patience
        self.scores: list[float] = []
        self.step = 0
        self.weights: Tensors = {}

    def due(self, step: int, steps: int) -> bool:
        """Say whether the model is to be evaluated after `step` of `steps`."""
        return step % self.every == 0 or step == steps

    def add(self, score: float, step: int) -> None:
        """Take the score after `step`, and the weights where there was no better one."""
        if not self.scores or score > max(self.scores):
            self.step = step
            self.weights = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        self.scores.append(score)

    @property
    def stale(self) -> bool:
        """Whether the last `patience` evaluations were all no better than one before."""
        if not self.scores:
            return False
        return len(self.scores) - 1 - self.scores.index(max(self.scores)) >= self.patience

    def restore(self) -> None:
        """Give the model its best weights."""
        self.model.load_state_dict(self.weights)


class State:
    """All that the next step of a training hangs on, but for what is drawn by its number."""

    def __init__(
        self,
        model: MultiTaskModel,
        optimiser: torch.optim.Optimizer,
        losses: Losses,
        best: Best | None,
        log: TrainingLog,
    ) -> None:
        self.model, self.optimiser, self.losses = model, optimiser, losses
        self.best, self.log = best, log
        self._begun = time.perf_counter()

    def held(self) -> tuple[Tensors, Told]:
        """Return tensors by name, and the rest as JSON."""
        self._tell_time()
        tensors = weights_and_moments(self.model, self.optimiser)
        tensors["random/cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random/cuda"] = torch.cuda.get_rng_state()
        told: Told = {"losses": self.losses.known()}
        told |= {name: getattr(self.log, name) for name in KEPT}
        if self.best:
            tensors |= {f"best/{name}": value for name, value in self.best.weights.items()}
            told |= {"scores": self.best.scores, "best step": self.best.step}
        return tensors, told

    def restore(self, found: tuple[int, Tensors, Told] | None) -> int:
        """Take up what was held; return the steps that were done, none without a checkpoint."""
        if found is None:
            return 0
        steps, tensors, told = found
        take_up(self.model, self.optimiser, tensors)
        random = within("random", tensors)
        torch.set_rng_state(random["cpu"])
        if "cuda" in random and torch.cuda.is_available():
            torch.cuda.set_rng_state(random["cuda"])
        self.losses.restore(told["losses"])
        for name in KEPT:
            setattr(self.log, name, told[name])
        self.log.earlier = self.log.seconds
        if self.best:
            self.best.weights = within("best", tensors)
            self.best.scores, self.best.step = told["scores"], told["best step"]
        return steps

    def end(self) -> None:
        """Give the model its best weights, and the log what the training came to."""
        self.log.losses = self.losses.values()
        if self.best:
            self.best.restore()
            self.log.best_step, self.log.dev_scores = self.best.step, self.best.scores
        self._tell_time()

    def _tell_time(self) -> None:
        self.log.seconds = self.log.earlier + time.perf_counter() - self._begun
