"""What is asked of a run, and the plan that it comes to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from stilts_repro.data.cache import tokenizer_hash
from stilts_repro.errors import InputError, MissingError
from stilts_repro.experiments import environment
from stilts_repro.experiments.conditions import MAIN, MLM, Cell, World
from stilts_repro.experiments.jobs import Setting, measured_by
from stilts_repro.experiments.mirror import Mirrored
from stilts_repro.experiments.plan import Ground, Plan
from stilts_repro.experiments.scales import Scale, longest
from stilts_repro.experiments.sources import inventory_in
from stilts_repro.experiments.store import Store
from stilts_repro.experiments.survey import EVERYTHING, Asked, Survey, survey
from stilts_repro.experiments.workers import Workers, local_workers
from stilts_repro.machine import Machine
from stilts_repro.models.pretrained import (
    check_masked,
    check_pretrained,
    fingerprint,
    load_config,
    pinned_model,
)
from stilts_repro.models.transfer import DEFAULT, Crossing
from stilts_repro.paper import TARGETS
from stilts_repro.run.grid import Claim
from stilts_repro.training.sampler import PROPORTIONAL, Sampler


@dataclass(frozen=True)
class Request:
    """What to run: claims at a scale, on data, from a model, once a seed, into a folder.

    `crosses` says what phase (iii) takes over from phase (ii); `keep_models` keeps the models of
    phase (iii) as well; `sampler` draws the tasks of multi-task training; `corpus` holds text for
    continued MLM; `translator` says who translates rows of phase (ii); `asked` limits the run to
    some tasks; `machine` is what jobs compute with, by default this one as its environment asks;
    `workers` do them. `url` is where finished jobs are copied to, and had from.
    """

    claims: tuple[Claim, ...]
    scale: Scale
    data: str
    model: str
    seeds: tuple[int, ...]
    output: Path
    skip_missing: bool = False
    crosses: Crossing = DEFAULT
    keep_models: bool = False
    sampler: Sampler = PROPORTIONAL
    corpus: str | None = None
    translator: str | None = None
    asked: Asked = EVERYTHING
    machine: Machine = field(default_factory=Machine.of)
    workers: Workers = local_workers
    url: str | None = None

    @property
    def store(self) -> Store:
        """Where its jobs lie."""
        return Mirrored(self.output, self.url) if self.url else Store(self.output)

    @property
    def main(self) -> World:
        """The world of the options."""
        return World(MAIN, self.model, self.data, self.corpus, self.translator)

    @property
    def unusual(self) -> dict[str, str]:
        """What is asked for otherwise than usual, in words, besides model and data."""
        usual = {"crosses": DEFAULT, "sampler": str(PROPORTIONAL)}
        given = {name: str(getattr(self, name) or "") for name in (*usual, "corpus", "translator")}
        return {name: value for name, value in given.items() if value != usual.get(name, "")}

    @property
    def settings(self) -> dict[str, str]:
        """What else its numbers depend on, in words."""
        return {"precision": self.machine.precision} | self.unusual

    @property
    def running(self) -> tuple[Claim, ...]:
        """The claims that have jobs at its scale."""
        return tuple(claim for claim in self.claims if claim.runs(self.scale))


@dataclass(frozen=True)
class Planned:
    """The plan of a request, and why a world that it names is not in it, by the world's name."""

    plan: Plan
    no_world: Mapping[str, str] = field(default_factory=dict)

    @property
    def survey(self) -> Survey:
        """What was found of the main world's data."""
        return self.plan.grounds[MAIN].survey

    @property
    def sets(self) -> dict[str, tuple[str, ...]]:
        """What phase (ii) can train on, by world."""
        return {name: ground.survey.sets for name, ground in self.plan.grounds.items()}

    @cached_property
    def layers(self) -> int:
        """How many layers the main world's model has."""
        return int(load_config(self.plan.grounds[MAIN].world.model).num_hidden_layers)

    def cells(self, claim: Claim, seeds: Iterable[int]) -> list[Cell]:
        """Return what is measured for `claim` under `seeds`; nothing where it cannot be."""
        targets = self.survey.targets
        return [cell for seed in seeds for cell in claim.cells(targets, seed, self.sets)]

    def jobs(self, claim: Claim, seeds: Iterable[int]) -> set[str]:
        """Return the hashes of all jobs that `claim`, which has some, rests on."""
        jobs = [self.plan.job_of(cell) for cell in self.cells(claim, seeds)]
        return {job.hash for last in jobs for job in (last, *self.plan.behind(last))}


def plan_of(request: Request) -> Planned:
    """Return the jobs of all claims; reads and checks the data they need.

    A world besides the main one that cannot be had is left out. Raises `InputError` or
    `MissingError`.
    """
    claims = request.running
    # A folder that is not there is told before the hub is asked for a model.
    inventory_in(request.main, request.scale.evaluation_rows)
    tokenizer = check_pretrained(request.model, longest(request.scale)) if claims else None
    grounds = {MAIN: _ground(request.main, tokenizer, request)}
    no_world = {}
    for name in {c.world: None for claim in claims for c in claim.conditions if c.world != MAIN}:
        try:
            world = _world(name, request)
            tokenizer = check_pretrained(world.model, longest(request.scale))
        except (InputError, MissingError) as error:
            no_world[name] = str(error)
        else:
            grounds[name] = _ground(world, tokenizer, request)
    planned = Planned(Plan(request.scale, grounds, request.sampler), no_world)
    for claim in claims:
        planned.plan.add(planned.cells(claim, request.seeds))
    return planned


def _world(name: str, request: Request) -> World:
    """Return the world `name` of the request's scale.

    Raises `InputError` where the scale has no such world, the data is not the scale's, or the model
    has no more layers than the world is to keep; `MissingError` where the world's model is not
    there.
    """
    world = next((world for world in request.scale.worlds if world.name == name), None)
    if world and not world.data:  # on the run's own
        model, kept = world.model or request.model, world.layers
        if kept is not None and (held := load_config(model).num_hidden_layers) <= kept:
            raise InputError(f"+{name}: --model {model} has {held} layers; give a larger")
        own = request.main
        return replace(
            world, model=model, data=own.data, corpus=own.corpus, translator=own.translator
        )
    if world is None or request.data != request.scale.data:
        raise InputError(
            f"--scale {request.scale.name} --data {request.data}: there is no world +{name}; only "
            "the testbed, at its own scales, has worlds besides the main one"
        )
    if world.made_by and not Path(world.model).is_dir():
        raise MissingError(f"+{name}: its model is not there; make it with {world.made_by}")
    return world


def _ground(
    world: World,
    tokenizer: PreTrainedTokenizerBase | None,
    request: Request,
) -> Ground:
    """Read and check what the request's claims need of a world; nothing without a tokenizer."""
    scale = request.scale
    inventory = inventory_in(world, scale.evaluation_rows)
    claims = [
        claim
        for claim in request.running
        if world.name in {MAIN, *(condition.world for condition in claim.conditions)}
    ]
    conditions = (condition for claim in claims for condition in claim.conditions)
    findings = survey(
        inventory,
        {condition.row for condition in conditions if condition.world == world.name},
        _targets(claims),
        scale,
        skip_missing=request.skip_missing,
        asked=request.asked,
    )
    if tokenizer and MLM in findings.sets:
        check_masked(world.model, tokenizer)
    model = pinned_model(world.model) if tokenizer else world.model
    setting = Setting(
        scale=scale.name,
        model_hash=fingerprint(model) + (f"/{world.layers}" if world.layers else ""),
        tokenizer_hash=tokenizer_hash(tokenizer) if tokenizer else "",
        evaluation_rows=scale.evaluation_rows,
        retrieval_length=scale.retrieval_length,
        environment=environment.fingerprint(request.machine),
        crosses=request.crosses,
    )
    return Ground(replace(world, model=model), setting, inventory, findings)


def _targets(claims: Iterable[Claim]) -> set[str]:
    """Return the targets of `claims`, and those of the paper's that the same jobs measure."""
    targets = {target for claim in claims for target in claim.targets}
    jobs = {measured_by(target) for target in targets}
    return targets | {target for target in TARGETS if measured_by(target) in jobs}
