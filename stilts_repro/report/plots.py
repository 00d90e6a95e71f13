"""Plots as SVG that take their colours and font from the page they stand in."""

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import cycle

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stilts_repro.report.averages import NONE, Conditions, Grid, Layers
from stilts_repro.tasks.targets import TARGET_TASKS

# matplotlib knows no CSS: these stand-ins are exchanged for the page's own colours in the SVG.
INK, ACCENT = "#0a0b0c", "#0a0b0d"
CSS = {INK: "currentColor", ACCENT: "var(--accent)"}
PANELS_A_ROW, LEGEND_A_ROW = 4, 6
WIDTH = 9.6  # inches
MARKS = "osD^v<>p*+x1234PXd|_"  # one a row of the grid, which a run of all claims has 16 of


def gains_svg(grid: Grid) -> str:
    """Return bars of the development gain (points) a target, one panel an intermediate.

    A bar is the mean over seeds, a short stroke one seed. Empty where nothing can be compared.
    """
    rows, targets = grid.trained, grid.targets
    if not any(grid.gains(row, target) for row in rows for target in targets):
        return ""
    left = 0.02 + 0.0085 * max(len(target) for target in targets)
    with plain_svg():
        figure, panels = _panels(len(rows), 0.75 + 0.24 * len(targets), shared=True)
        height = figure.get_figheight()
        figure.subplots_adjust(left=left, right=0.99, top=1 - 0.35 / height, bottom=0.4 / height)
        for axes, row in zip(panels, rows, strict=True):
            _bars(axes, grid, row)
        return drawn(figure)


def languages_svg(grid: Grid) -> str:
    """Return the development gains (points) by language, one panel a target, one mark a row.

    Controls are left out, and retrieval targets, whose gains are of another size. Empty where no
    language can be compared.
    """
    rows = [row for row in grid.trained if not grid.conditions[row]["control"]]
    found = {
        target: {row: grid.language_gains(row, target) for row in rows}
        for target in grid.targets
        if target not in TARGET_TASKS or TARGET_TASKS[target].train_on
    }
    found = {target: by_row for target, by_row in found.items() if any(by_row.values())}
    if not found:
        return ""
    most = max(len(gains) for by_row in found.values() for gains in by_row.values())
    with plain_svg():
        above = 0.2 * math.ceil(len(rows) / LEGEND_A_ROW)
        figure, panels = _panels(len(found), 0.8 + 0.15 * most, above=above)
        height = figure.get_figheight()
        top = 1 - (0.35 + above) / height
        figure.subplots_adjust(0.04, 0.4 / height, 0.99, top, wspace=0.25, hspace=0.35)
        for axes, (target, by_row) in zip(panels, found.items(), strict=True):
            _marks(axes, target, by_row)
        legend = figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="upper left",
            ncols=min(len(rows), LEGEND_A_ROW),
            frameon=False,
            fontsize=8.5,
            labelcolor=INK,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        return drawn(figure)


def layers_svg(layers: Sequence[Layers], conditions: Conditions) -> str:
    """Return the retrieval scores (points) by layer before phase (ii) and after each task.

    One panel a target; the heavy line is the model as phase (i) left it, the dotted one the layer
    that claims read. Controls are left out. Empty where there is nothing to compare.
    """
    layers = [table.without_controls(conditions) for table in layers if NONE in table.intermediates]
    if not any(len(table.intermediates) > 1 for table in layers):
        return ""
    with plain_svg():
        figure = Figure(figsize=(WIDTH, 3.2))
        panels = figure.subplots(1, len(layers), squeeze=False)[0]
        figure.subplots_adjust(left=0.05, right=0.9, top=0.9, bottom=0.13, wspace=0.35)
        for axes, table in zip(panels, layers, strict=True):
            _curves(axes, table)
        return drawn(figure)


def _panels(
    number: int, high: float, *, above: float = 0.0, shared: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels, `high` inches each and `above` for all, and the panels.

    They have the same axes where `shared`.
    """
    wide = min(PANELS_A_ROW, number)
    deep = math.ceil(number / wide)
    figure = Figure(figsize=(WIDTH, deep * high + above))
    panels = list(figure.subplots(deep, wide, sharex=shared, sharey=shared, squeeze=False).flat)
    for axes in panels[number:]:
        axes.set_visible(False)
    return figure, panels[:number]


def _curves(axes: Axes, table: Layers) -> None:
    depths = [depth for depth, _ in table.rows]
    by_task = zip(*(scores for _, scores in table.rows), strict=True)
    columns = dict(zip(table.intermediates, by_task, strict=True))
    last = {name: scores[-1] for name, scores in columns.items() if scores[-1] is not None}
    # The lowest and the highest at the end have their names there, beside the baseline.
    order = sorted(last, key=last.__getitem__)
    named = {NONE, *order[:1], *order[-1:]}
    for name, scores in columns.items():
        before = name == NONE
        axes.plot(
            depths,
            [math.nan if score is None else score for score in scores],
            color=INK if before else ACCENT,
            linewidth=2.2 if before else 0.9,
            alpha=1.0 if before else 0.7,
        )
        if name in named and name in last:
            _text(axes, name, (depths[-1], last[name]), 4, "left", 6.5)
    axes.axvline(table.layer, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xticks(depths)
    axes.set_xlabel("layer", fontsize=8.5, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    title(axes, table.target)


def _bars(axes: Axes, grid: Grid, row: str) -> None:
    targets = grid.targets
    for place, target in enumerate(targets):
        gains = grid.gains(row, target)
        mean = grid.gain(row, target)
        if mean is None:
            continue
        axes.barh(place, mean, height=0.62, color=ACCENT, alpha=0.55, linewidth=0)
        axes.plot(gains, [place] * len(gains), "|", color=INK, markersize=6, alpha=0.7)
        # The mean stands beyond the outermost seed, on the side to which the bar points.
        if mean >= 0:
            _text(axes, f"{mean:+.1f}", (max(gains), place), 5, "left", 8)
        else:
            _text(axes, f"{mean:+.1f}", (min(gains), place), -5, "right", 8)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(targets)), targets, color=INK, parse_math=False)
    axes.set_ylim(len(targets) - 0.4, -0.6)
    axes.margins(x=0.22)
    axes.spines[:].set_visible(False)
    title(axes, row)


def _marks(axes: Axes, target: str, by_row: Mapping[str, Mapping[str, float]]) -> None:
    codes = list(dict.fromkeys(code for gains in by_row.values() for code in gains))
    for mark, (row, gains) in zip(cycle(MARKS), by_row.items(), strict=False):
        places = [codes.index(code) for code in gains]
        axes.plot(
            list(gains.values()),
            places,
            mark,
            color=ACCENT,
            markerfacecolor="none",
            markersize=5,
            label=row,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(codes)), codes, color=INK, parse_math=False)
    axes.set_ylim(len(codes) - 0.4, -0.6)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    axes.spines[:].set_visible(False)
    title(axes, target)


def title(axes: Axes, text: str) -> None:
    """Write a panel's title."""
    axes.set_title(text, loc="left", fontsize=9, fontweight="bold", color=INK, parse_math=False)
    axes.tick_params(length=0, colors=INK, labelsize=8.5)


def _text(
    axes: Axes, text: str, end: tuple[float, float], offset: int, side: str, size: float
) -> None:
    """Write beside the point `end` of the axes, `offset` points to the right."""
    axes.annotate(
        text,
        end,
        (offset, 0),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=size,
        color=INK,
    )


def plain_svg() -> AbstractContextManager[None]:
    """Fix ids and keep real text: equal results give equal files, which search and scale well."""
    return matplotlib.rc_context({"svg.hashsalt": "stilts_repro", "svg.fonttype": "none"})


def drawn(figure: Figure) -> str:
    """Return `figure` as SVG in the page's colours."""
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    for colour, css in CSS.items():
        text = text.replace(colour, css)
    return text[text.index("<svg") :]
