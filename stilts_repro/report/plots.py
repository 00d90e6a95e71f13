"""Plots as SVG that take their colours and font from the page they stand in."""

import io
import math
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stilts_repro.report.averages import NONE, Conditions, Grid, Layers

# matplotlib knows no CSS: these stand-ins are exchanged for the page's own colours in the SVG.
INK, ACCENT = "#0a0b0c", "#0a0b0d"
CSS = {INK: "currentColor", ACCENT: "var(--accent)"}
PANELS_A_ROW = 4
WIDTH = 9.6  # inches


def gains_svg(grid: Grid) -> str:
    """Return bars of the development gain (points) a target, one panel an intermediate.

    A bar is the mean over seeds, a short stroke one seed. Empty where nothing can be compared.
    """
    rows, targets = grid.trained, grid.targets
    if not any(grid.gains(row, target) for row in rows for target in targets):
        return ""
    # Fixed ids and real text: equal results give equal files, which search and scale well.
    with matplotlib.rc_context({"svg.hashsalt": "stilts_repro", "svg.fonttype": "none"}):
        wide = min(PANELS_A_ROW, len(rows))
        deep = math.ceil(len(rows) / wide)
        height = deep * (0.75 + 0.24 * len(targets))
        figure = Figure(figsize=(WIDTH, height))
        grid_of_axes = figure.subplots(deep, wide, sharex=True, sharey=True, squeeze=False)
        panels = list(grid_of_axes.flat)
        left = 0.02 + 0.0085 * max(len(target) for target in targets)
        figure.subplots_adjust(left=left, right=0.99, top=1 - 0.35 / height, bottom=0.4 / height)
        for axes, row in zip(panels, rows, strict=False):
            _panel(axes, grid, row)
        for axes in panels[len(rows) :]:
            axes.set_visible(False)
        return _svg(figure)


def layers_svg(layers: Sequence[Layers], conditions: Conditions) -> str:
    """Return the retrieval scores (points) by layer before phase (ii) and after each task.

    One panel a target; the heavy line is the model as phase (i) left it, the dotted one the layer
    that claims read. Controls are left out. Empty where there is nothing to compare.
    """
    layers = [found.without_controls(conditions) for found in layers if NONE in found.intermediates]
    if not any(len(found.intermediates) > 1 for found in layers):
        return ""
    with matplotlib.rc_context({"svg.hashsalt": "stilts_repro", "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH, 3.2))
        panels = figure.subplots(1, len(layers), squeeze=False)[0]
        figure.subplots_adjust(left=0.05, right=0.9, top=0.9, bottom=0.13, wspace=0.35)
        for axes, found in zip(panels, layers, strict=True):
            _curves(axes, found)
        return _svg(figure)


def _curves(axes: Axes, found: Layers) -> None:
    depths = [depth for depth, _ in found.rows]
    last = {
        n: s for n, s in zip(found.intermediates, found.rows[-1][1], strict=True) if s is not None
    }
    named = {
        NONE,
        *sorted(last, key=last.__getitem__)[:1],
        *sorted(last, key=last.__getitem__)[-1:],
    }
    for place, name in enumerate(found.intermediates):
        scores = [row[place] for _, row in found.rows]
        before = name == NONE
        axes.plot(
            depths,
            [math.nan if score is None else score for score in scores],
            color=INK if before else ACCENT,
            linewidth=2.2 if before else 0.9,
            alpha=1.0 if before else 0.7,
        )
        if name in named and name in last:
            end = (depths[-1], last[name])
            axes.annotate(
                name, end, (4, 0), textcoords="offset points", va="center", fontsize=6.5, color=INK
            )
    axes.axvline(found.layer, color=INK, linewidth=0.8, linestyle=":")
    axes.set_title(found.target, loc="left", fontsize=9, fontweight="bold", color=INK)
    axes.set_xticks(depths)
    axes.set_xlabel("layer", fontsize=8.5, color=INK)
    axes.tick_params(length=0, colors=INK, labelsize=8.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)


def _panel(axes: Axes, grid: Grid, row: str) -> None:
    targets = grid.targets
    for place, target in enumerate(targets):
        gains = grid.gains(row, target)
        mean = grid.gain(row, target)
        if mean is None:
            continue
        axes.barh(place, mean, height=0.62, color=ACCENT, alpha=0.55, linewidth=0)
        axes.plot(gains, [place] * len(gains), "|", color=INK, markersize=6, alpha=0.7)
        _label(axes, place, mean, gains)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_title(row, loc="left", fontsize=9, fontweight="bold", color=INK, parse_math=False)
    axes.set_yticks(range(len(targets)), targets, color=INK, parse_math=False)
    axes.set_ylim(len(targets) - 0.4, -0.6)
    axes.margins(x=0.22)
    axes.tick_params(length=0, colors=INK, labelsize=8.5)
    axes.spines[:].set_visible(False)


def _label(axes: Axes, place: int, mean: float, gains: list[float]) -> None:
    """Write the mean beyond the outermost seed, on the side to which the bar points."""
    side = "left" if mean >= 0 else "right"
    end = max(gains) if mean >= 0 else min(gains)
    offset = (5 if mean >= 0 else -5, 0)
    axes.annotate(
        f"{mean:+.1f}",
        (end, place),
        offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=8,
        color=INK,
    )


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    for colour, css in CSS.items():
        text = text.replace(colour, css)
    return text[text.index("<svg") :]
