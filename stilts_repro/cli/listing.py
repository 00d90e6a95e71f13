"""What `--list`, `--tasks` and `--plan` print: claims, tasks with their recipes, a run's cost."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from stilts_repro.claims.expected import Expected, load_expected
from stilts_repro.data.revisions import PINS
from stilts_repro.experiments.scales import SCALES, Scale, model_name
from stilts_repro.machine import THREADS
from stilts_repro.report.table import NOTHING, paper_cell
from stilts_repro.run.grid import Claim
from stilts_repro.run.request import Request
from stilts_repro.run.studies import Study
from stilts_repro.tasks.recipe import Recipe
from stilts_repro.tasks.targets import TARGET_TASKS
from stilts_repro.tasks.task import TrainingSet
from stilts_repro.tasks.training_sets import TRAINING_SETS, intermediate_tasks


def print_claims(console: Console, claims: Mapping[str, Claim]) -> None:
    """Print each with its statement, the paper's value and what a seed costs at each scale."""
    kind = "study" if all(isinstance(claim, Study) for claim in claims.values()) else "claim"
    table = Table(kind, "statement", "paper", "cost of one seed", show_lines=True)
    for name, claim in claims.items():
        expected = load_expected(name, claim.file.parent)
        paper = paper_cell({"paper": expected.paper.value, "unit": expected.unit})
        table.add_row(name, expected.statement, paper, "\n".join(costs(claim, expected)))
    console.print(table)
    if kind == "study":
        return
    scales = Table("scale", "model", "data", "seeds", "all claims together", title="Scales")
    for scale in SCALES.values():
        scales.add_row(
            scale.name, model_name(scale.model), scale.data, str(scale.seeds), scale.cost
        )
    console.print(scales)


def costs(claim: Claim, expected: Expected) -> list[str]:
    """Return what one seed of the claim costs alone, a line a scale: measured where we have it."""
    if claim.is_arithmetic:
        return ["nothing to train"]
    return [
        f"{name}: {reference.seconds / 60:.1f} core minutes"
        if (reference := expected.reference.get(name)) and reference.seconds is not None
        else f"{name}: {_trainings(claim.at(SCALES[name]))} trainings"
        for name in claim.run_at()
    ]


def _trainings(claim: Claim) -> int:
    sets = {TARGET_TASKS[target].train_on for target in claim.targets} - {None}
    measured = claim.measured()
    return len(measured) * len(sets) + sum(bool(c.row.tasks) for c in measured)


def print_plan(console: Console, request: Request) -> None:
    """Print what `request` would cost on this machine, shared and unshared."""
    # Imported here: it can train, and a run's main process, which cannot, should not wait for it.
    from stilts_repro.run.cost import estimate

    found = estimate(request)
    scale, seeds = request.scale.name, len(request.seeds)
    claims = count(len(request.claims), "claim")
    if found.claims < len(request.claims):  # arithmetic, of another scale, or without its data
        claims += f", {found.claims} of them with jobs,"
    table = Table(
        *("", "jobs", "trainings", "tokens trained on", "tokens evaluated", "one worker"),
        title=f"{claims} at --scale {scale}, {count(seeds, 'seed')}",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cost in (
        ("this run", found.whole),
        ("still to do", found.left),
        ("cells unshared", found.unshared),
    ):
        numbers = (cost.jobs, cost.trainings, cost.trained, cost.evaluated)
        spent = duration(found.rates.seconds(cost)) if found.rates else NOTHING
        table.add_row(name, *(f"{number:,}" for number in numbers), spent)
    console.print(table)
    if found.untimed:
        console.print(f"no times: {found.untimed}")
    if found.rates and found.seconds_left is not None:
        of_largest = ", by the largest of its models" if found.models > 1 else ""
        console.print(
            f"about {duration(found.seconds_left)} on this machine: {count(found.at_once, 'job')} "
            f"at a time, each {found.rates.trained:,.0f} tokens a second in training and "
            f"{found.rates.evaluated:,.0f} in evaluation (measured just now on "
            f"{found.rates.task}{of_largest}, with drawn weights); without loading, tokenising, "
            "scoring and the dev evaluations in a training"
        )
    if found.together and found.left.jobs:
        console.print(
            f"one job at a time on all cores ({THREADS}={found.workers}): "
            f"{duration(found.together.seconds(found.left))}, "
            f"{found.together.trained:,.0f} tokens a second in training and "
            f"{found.together.evaluated:,.0f} in evaluation"
        )


def count(number: int, noun: str) -> str:
    """Return `number` with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Return a time in its natural unit."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def print_tasks(console: Console, scale: Scale) -> None:
    """Print the two tables of tasks with the recipes of `scale`."""
    console.print(f"Intermediate tasks, with the recipes of --scale {scale.name}\n", style="bold")
    for name in intermediate_tasks():
        data = TRAINING_SETS[name]
        entry = {
            "rows": rows_of(data),
            "columns": ", ".join(data.format.columns),
            "metric": data.format.metric,
            "recipe": recipe_of(scale.intermediate.get(name)),
        }
        print_entry(console, f"{data.title} ({name})", entry)
    console.print(f"Target tasks, with the recipes of --scale {scale.name}\n", style="bold")
    for name, task in TARGET_TASKS.items():
        entry = {
            "rows": f"{task.repo} {task.config} at {revision_of(task.repo)}",
            "parts": "; or ".join(f"dev {d.dev}, test {d.test}" for d in task.divisions),
            "languages": f"{len(task.languages)}: {' '.join(task.languages)}",
            "columns": ", ".join(task.format.columns),
            "metric": task.format.metric,
            "trains on": task.train_on or "nothing",
        }
        if task.train_on:
            entry["recipe"] = recipe_of(scale.target.get(task.train_on))
        print_entry(console, f"{task.title} ({name}), version {task.version}", entry)


def print_entry(console: Console, title: str, entry: Mapping[str, str]) -> None:
    """Print one task: its title and, below it, what there is to know, a line each."""
    console.print(title, style="bold", markup=False, highlight=False)
    grid = Table.grid(padding=(0, 2))
    for key, value in entry.items():
        grid.add_row(f"  {key}", value)
    console.print(grid)
    console.print()


def rows_of(data: TrainingSet) -> str:
    """Return where a training set's rows lie, a line a data set."""
    return "\n".join(
        f"{part}, {part.train} and {part.dev}, at {revision_of(part.repo)}" for part in data.parts
    )


def revision_of(repo: str) -> str:
    """Return the pinned commit of a hub data set, shortened."""
    pin = PINS.get(repo)
    return (pin.commit if pin and pin.commit else "no pin")[:10]


def recipe_of(recipe: Recipe | None) -> str:
    """Return a recipe in one line, with where it is known from; a scale may have none of a task."""
    if recipe is None:
        return "none at this scale"
    rows = f", {recipe.rows:,} rows" if recipe.rows else ""
    moved = "" if recipe.embeddings == "whole" else f", embeddings {recipe.embeddings}"
    dropout = "" if recipe.dropout is None else f", dropout {recipe.dropout:g}"
    return (
        f"batch {recipe.batch_size}, {recipe.epochs:g} epochs{rows}, rate {recipe.learning_rate:g},"
        f" {recipe.max_length} tokens{moved}{dropout} ({recipe.provenance})"
    )
