"""The picture of a study: its statistic against what would matter, and what stands behind it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stilts_repro.report.plots import ACCENT, INK, WIDTH, drawn, plain_svg, title

PANELS_A_ROW = 2
LINE = 0.24  # inches a row of a panel
Curves = dict[str, dict[float, Sequence[float]]]  # by name and size, a value a seed
Dots = Mapping[str, Sequence[float]]  # by name, a value a seed


def study_svg(claim: Mapping[str, Any]) -> str:
    """Return the picture of a study's entry in claims.json; '' of one that measured nothing.

    Above, the statistic: a stroke a seed, the mean and its 95 % interval, and a band for what would
    not matter. Below, a panel for each detail that is numbers by name; by size, it is a curve.
    """
    found, values = claim.get("finding"), claim["observed"]["values"]
    if not found or not values:
        return ""
    panels = [*_panels(claim["details"])]
    deep = math.ceil(len(panels) / PANELS_A_ROW)
    lines = [
        max([4, *(panel.lines for panel in panels[row * PANELS_A_ROW :][:PANELS_A_ROW])])
        for row in range(deep)
    ]
    heights = [1.1, *(0.75 + LINE * count for count in lines)]
    with plain_svg():
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        grid = figure.add_gridspec(1 + deep, PANELS_A_ROW, height_ratios=heights)
        _statistic(figure.add_subplot(grid[0, :]), claim, found, values)
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(grid[1 + place // PANELS_A_ROW, place % PANELS_A_ROW])
            panel.draw(axes)
            title(axes, panel.name)
        return drawn(figure)


class _Panel(NamedTuple):
    name: str
    lines: int
    draw: Callable[[Axes], None]


def _panels(details: Sequence[Mapping[str, Any]]) -> Iterator[_Panel]:
    """Yield a panel for each detail that is the same numbers in each seed."""
    for name in details[0] if details else ():
        seeds = [dict(_numbers(seed.get(name))) for seed in details]
        if not seeds[0] or any(seed.keys() != seeds[0].keys() for seed in seeds):
            continue
        held = {path: [seed[path] for seed in seeds] for path in seeds[0]}
        if all(_is_size(path[-1]) for path in held):
            curves: Curves = {}
            for path, values in held.items():
                curves.setdefault(", ".join(path[:-1]), {})[float(path[-1])] = values
            yield _Panel(name, len(curves), partial(_curves, panel=curves))
        else:
            dots = {", ".join(path): values for path, values in held.items()}
            yield _Panel(name, len(dots), partial(_dots, panel=dots))


def _numbers(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield the numbers in a detail, each with the names that lead to it."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _numbers(held, (*path, name))
    elif isinstance(value, int | float) and math.isfinite(value):
        yield path or ("",), value


def _is_size(name: str) -> bool:
    try:
        return float(name) > 0
    except ValueError:
        return False


def _statistic(
    axes: Axes, claim: Mapping[str, Any], found: Mapping[str, Any], values: Sequence[float]
) -> None:
    smallest = abs(found["smallest"])
    axes.axvspan(-smallest, smallest, color=INK, alpha=0.08, linewidth=0)
    _row(axes, 0, values)
    if found["low"] is not None:
        axes.plot([found["low"], found["high"]], [0, 0], color=ACCENT, linewidth=2)
    axes.set_yticks([])
    axes.set_ylim(0.8, -0.8)
    axes.set_xlabel(claim["unit"], fontsize=8.5, color=INK)
    _frame(axes)
    title(axes, f"{claim['id']}: {found['answer']}")


def _dots(axes: Axes, panel: Dots) -> None:
    for place, values in enumerate(panel.values()):
        _row(axes, place, values)
    axes.set_yticks(range(len(panel)), [*panel], color=INK, parse_math=False)
    axes.set_ylim(len(panel) - 0.4, -0.6)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    _frame(axes)


def _row(axes: Axes, place: float, values: Sequence[float]) -> None:
    """Draw a stroke a seed and a dot for the mean."""
    axes.plot(values, [place] * len(values), "|", color=INK, markersize=8, alpha=0.7)
    axes.plot([fmean(values)], [place], "o", color=ACCENT, markersize=6)


def _curves(axes: Axes, panel: Curves) -> None:
    for style, (name, by_size) in zip(("-", "--", ":", "-."), panel.items(), strict=False):
        means = [fmean(values) for values in by_size.values()]
        axes.plot([*by_size], means, style, marker="o", color=ACCENT, markersize=5, label=name)
        for size, values in by_size.items():
            axes.plot([size] * len(values), values, "_", color=INK, markersize=8, alpha=0.7)
    axes.set_xscale("log", base=2)
    sizes = sorted({size for by_size in panel.values() for size in by_size})
    axes.set_xticks(sizes, [f"{size:,.0f}" if size > 1 else f"{size:.3g}" for size in sizes])
    axes.minorticks_off()
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.spines[:].set_visible(False)
    if len(panel) > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)


def _frame(axes: Axes) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.margins(x=0.1)
    axes.spines[:].set_visible(False)
