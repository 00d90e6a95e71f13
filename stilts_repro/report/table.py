"""The claims table: printed while a run ends, and as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import stdev
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stilts_repro.claims.gate import dark

COLUMNS = ("claim", "paper", "expected here", "measured", "verdict", "direction", "seconds")
NUMERIC = ("paper", "measured", "seconds")
COLOURS = {
    "pass": "green",
    "fail": "bold red",
    "not_measurable": "yellow",
    "agrees": "green",
    "disagrees": "yellow",
    "supported": "green",
    "contradicted": "yellow",
}
NOTHING = "–"
POINTS = "points"


def print_table(console: Console, result: Mapping[str, Any]) -> None:
    """Print the claims, one a line, and below them what a reader must know to trust them."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in NUMERIC else "left")
    for claim in result["claims"]:
        table.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in claim_row(claim)))
    console.print(table)
    console.print()
    for line in (*notes(result), summary(result)):
        console.print(Text(line))


def markdown(result: Mapping[str, Any]) -> str:
    """Return the claims table, its notes and the run's set-up as Markdown."""
    rows = [COLUMNS, tuple("---:" if c in NUMERIC else "---" for c in COLUMNS)]
    rows += [tuple(_escaped(cell) for cell in claim_row(claim)) for claim in result["claims"]]
    lines = ["# Claims", "", _escaped(summary(result)), ""]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", *(f"- {_escaped(note)}" for note in notes(result))]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return "\n".join([*lines, "", _escaped(f"Versions: {versions}"), ""])


def claim_row(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a claim's cells in the order of `COLUMNS`, in the claim's unit and seconds."""
    return (
        claim["id"],
        paper_cell(claim),
        expected_cell(claim),
        measured_cell(claim),
        claim["verdict"],
        direction_cell(claim),
        f"{claim['seconds']:.1f}",
    )


def paper_cell(claim: Mapping[str, Any]) -> str:
    """Return the paper's value as the paper prints it: points with one decimal."""
    return number(claim["paper"], "{:.1f}" if claim["unit"] == POINTS else "{:g}")


def expected_cell(claim: Mapping[str, Any]) -> str:
    """Return "mean [low, high] n=seeds", or the value of the same seeds, or the paper's."""
    reference, form = claim["reference"], value_form(claim)
    if reference is None:
        return NOTHING
    if reference["n"] == 0:
        return f"{reference['mean']:g}, the paper's"
    if reference["by"] == "same seed":
        tolerance = reference["high"] - reference["mean"]
        return f"{number(reference['mean'], form)} ± {tolerance:.1g}, same seed"
    mean, low, high = (number(reference[key], form) for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}] n={reference['n']}"


def direction_cell(claim: Mapping[str, Any]) -> str:
    """Return whether the sign is the paper's; of a study, its answer."""
    return str(claim["direction"] or claim.get("finding", {}).get("answer", NOTHING))


def measured_cell(claim: Mapping[str, Any]) -> str:
    """Return the measured mean, and over how many seeds where there are several."""
    values, form = claim["observed"]["values"], value_form(claim)
    mean = number(claim["observed"]["value"], form)
    if len(values) < 2:
        return mean
    return f"{mean} n={len(values)}"


def value_form(claim: Mapping[str, Any]) -> str:
    """Return how a measured value is printed: points with two decimals, counts with none."""
    return {POINTS: "{:.2f}", "nats": "{:.6f}"}.get(claim["unit"], "{:g}")


def number(value: float | None, form: str = "{:.2f}") -> str:
    """Return `value` in `form`, or a dash for None."""
    return NOTHING if value is None else form.format(value)


def notes(result: Mapping[str, Any]) -> list[str]:
    """Return one line a caveat: what is partial, and the reason of every verdict but pass."""
    verdicts = (
        (claim["id"], f"{claim['verdict']}: {claim['reason']}")
        for claim in result["claims"]
        if claim["verdict"] != "pass" and not _unanswerable(claim)
    )
    known = (findings, spreads, incomplete, unusual_parts)
    return [*(line for tell in known for line in tell(result)), *_by_text(verdicts)]


def spreads(result: Mapping[str, Any]) -> list[str]:
    """Return a line on how seeds scatter where there is no reference to say it, if there is any."""
    scattered = [
        f"{claim['id']} {number(stdev(values), value_form(claim))}"
        for claim in result["claims"]
        if claim["reference"] is None and len(values := claim["observed"]["values"]) > 1
    ]
    told = "standard deviation over seeds, where there is no reference"
    return [f"{told}: {', '.join(scattered)}"] if scattered else []


def _unanswerable(claim: Mapping[str, Any]) -> bool:
    """Say whether it is a study whose finding says why there is none."""
    return bool(claim.get("finding", {}).get("answer") == "not_measurable")


def findings(result: Mapping[str, Any]) -> list[str]:
    """Return one line a study: what its seeds say, and the smallest effect that they would show."""
    held = {claim["id"]: claim["finding"] for claim in result["claims"] if "finding" in claim}
    return [
        f"{name}: {found['answer']}: {found['reason']}"
        + (f"; effects from {found['seen']:.2g} on would be seen" if found["seen"] else "")
        for name, found in held.items()
    ]


def unusual_parts(result: Mapping[str, Any]) -> list[str]:
    """Return one line a target whose dev and test are not two whole splits, saying what they are.

    Where both are the same rows (as in the paper for XQuAD, TyDiQA and Tatoeba), a model chosen on
    dev is chosen on the very rows that test it.
    """
    splits: dict[str, dict[str, str]] = {}
    for entry in result["grid"]:
        splits.setdefault(entry["target"], {})[entry["part"]] = entry["split"]
    lines = []
    for target, parts in splits.items():
        dev, test = parts.get("dev", ""), parts.get("test", "")
        if dev == test:
            lines.append((target, f"dev and test are the same rows ({dev})"))
        elif "[" in dev + test:
            lines.append((target, f"dev is {dev}, test is {test} (tenths of a split)"))
    return _by_text(lines)


def incomplete(result: Mapping[str, Any]) -> list[str]:
    """Return one line for everything that is not whole, or not the paper's."""
    return [
        *left_out(result),
        *not_measurable(result),
        *substitutes(result),
        *absent_languages(result),
        *not_finite(result),
    ]


def of_languages(result: Mapping[str, Any], target: str, part: str = "dev") -> str:
    """Return ", 5 of 40 languages" where a part's mean is not over all, else nothing."""
    languages = result.get("languages", {}).get(target, {}).get(part)
    if not languages or not languages["absent"]:
        return ""
    number = languages["of"]
    return f", {number - len(languages['absent'])} of {number} languages"


def left_out(result: Mapping[str, Any]) -> list[str]:
    """Return one line for claims that lack tasks, with each one's reason."""
    texts = []
    for claim in result["claims"]:
        if text := partial(claim):
            tasks: dict[str, list[str]] = {}
            for task, why in {**claim["left_out"], **claim["without"]}.items():
                tasks.setdefault(why, []).append(task)
            reasons = "; ".join(f"{', '.join(held)} ({why})" for why, held in tasks.items())
            texts.append((claim["id"], f"{text}; left out: {reasons}"))
    return _by_text(texts)


def partial(claim: Mapping[str, Any]) -> str | None:
    """Return "mean over 8 of 9 targets" and the like where tasks are left out, else None."""
    if claim["verdict"] == "not_run":  # whose reason says it
        return None
    texts = []
    if claim["left_out"]:
        measured = len(claim["targets"])
        texts.append(f"mean over {measured} of {measured + len(claim['left_out'])} targets")
    if claim["without"]:
        texts.append(f"without {len(claim['without'])} intermediate tasks")
    return ", ".join(texts) or None


def unseen(claim: Mapping[str, Any]) -> str | None:
    """Return "mean of 9 targets, 2 of them not measurable: ..." where that is so, else None.

    A claim of which none can be measured has that for its verdict.
    """
    if not claim["not_measurable"] or claim["verdict"] == "not_measurable":
        return None
    some, targets = claim["not_measurable"], claim["targets"]
    if not {*some} & {*targets}:  # a study leaves them out
        return f"mean of {len(targets)} targets, without {', '.join(some)}: not measurable"
    return f"mean of {len(targets)} targets, {len(some)} of them not measurable: {', '.join(some)}"


def not_measurable(result: Mapping[str, Any]) -> list[str]:
    """Return one line for claims whose mean has targets that the gate lets not pass, and why."""
    texts = [(claim["id"], text) for claim in result["claims"] if (text := unseen(claim))]
    gates = result.get("gates", {})
    return [
        *_by_text(texts),
        *(f"{t} is not measurable: {gates[t]['reason']}" for t in dark(gates, gates)),
        *(f"{t} is in no mean of this scale: {why}" for t, why in result.get("dark", {}).items()),
    ]


def mean_of(result: Mapping[str, Any], targets: Sequence[str]) -> str:
    """Return "mean of 9", and how many of the targets are not measurable."""
    some = len(dark(result.get("gates", {}), targets))
    return f"mean of {len(targets)}" + (f", {some} not measurable" if some else "")


def absent_languages(result: Mapping[str, Any]) -> list[str]:
    """Return one line a target, or a part of one, that is a mean over some languages only."""
    lines = []
    for target, parts in result.get("languages", {}).items():
        alike = len(set(map(str, parts.values()))) == 1
        for part, languages in [*parts.items()][: 1 if alike else None]:
            if languages["absent"]:
                name = target if alike else f"{target} {part}"
                over = of_languages(result, target, part)
                lines.append(f"{name}{over}; no rows to score in {', '.join(languages['absent'])}")
    return lines


def not_finite(result: Mapping[str, Any]) -> list[str]:
    """Return one line a score that counts rows as wrong for want of finite numbers."""
    return [
        f"{entry['target']} {entry['part']} after {entry['intermediate']}, seed {entry['seed']}: "
        f"output that is not finite counts as wrong, rows by language: {rows}"
        for entry in result["grid"]
        if (rows := ", ".join(f"{code} {n}" for code, n in entry.get("not_finite", {}).items()))
    ]


def substitutes(result: Mapping[str, Any]) -> list[str]:
    """Return one line an intermediate task that was trained on other data than the paper's."""
    origins = {
        task: origin["id"]
        for entry in result.get("intermediate", [])
        for task, origin in entry["data"].items()
        if origin["substitute"]
    }
    return [f"{task}: a substitute, {name}, not the paper's data" for task, name in origins.items()]


def summary(result: Mapping[str, Any]) -> str:
    """Return one line on what was run: scale, data, model, settings, wall clock and jobs."""
    jobs = result["jobs"]
    settings = "".join(f" {name} {value} ·" for name, value in result["settings"].items())
    return (
        f"scale {result['scale']} · data {result['data']} · model {result['model']} ·{settings}"
        f" {result['seconds']:.0f} s · {jobs['total']} jobs, {jobs['reused']} found finished"
    )


def _by_text(claims: Iterable[tuple[str, str]]) -> list[str]:
    """Return each text once, behind the ids of the claims that it is about."""
    about: dict[str, list[str]] = {}
    for claim, text in claims:
        about.setdefault(text, []).append(claim)
    return [f"{', '.join(ids)}: {text}" for text, ids in about.items()]


def _escaped(text: str) -> str:
    """Return `text` as one Markdown line that can break neither a table nor the page."""
    line = " ".join(text.split())
    for character in "\\|<>*`&~":
        line = line.replace(character, f"\\{character}")
    return line.replace("](", "]\\(")  # no link
