"""Plots of a backtest as SVG text, for a report or a run without further files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.plotting import BLUE, GREY, ORANGE, canvas, svg_text

_NOT_DRAWN = ("constant", "days_past_due_rule")
_COLOURS = (BLUE, ORANGE, "#6aa84f", "#a64d79", "#666666", "#b45f06")


def calibration_plot(figures: Mapping[str, Any], probability: str = "p_late") -> str:
    """Observed share against predicted probability, one line per model, in tenths of the invoices."""
    figure, axes = canvas(5.2, 4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfect")
    models = [name for name in figures["models"] if name not in _NOT_DRAWN]
    for number, name in enumerate(models):
        entry = figures["models"][name]
        bins = (entry if probability == "p_late" else entry.get(probability) or {}).get("reliability") or []
        if not bins:
            continue
        axes.plot(
            [one["predicted"] for one in bins],
            [one["observed"] for one in bins],
            marker="o",
            markersize=4,
            linewidth=1.6 if number == 0 else 1.0,
            color=_COLOURS[number % len(_COLOURS)],
            label=name,
        )
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("observed share")
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)


def horizon_plot(figures: Mapping[str, Any], model: str) -> str:
    """Observed share against predicted probability of being unpaid at each horizon, one panel each."""
    horizons = figures["models"][model].get("horizons") or {}
    figure, panels = canvas(10.4, 5.6, rows=2, columns=3)
    for axes, (days, told) in zip(panels, horizons.items(), strict=False):
        bins = told["reliability"]
        most = max([1e-3, *(max(one["predicted"], one["observed"]) for one in bins)])
        axes.plot([0, most], [0, most], color=GREY, linewidth=1, linestyle="--")
        axes.plot(
            [one["predicted"] for one in bins],
            [one["observed"] for one in bins],
            marker="o",
            markersize=4,
            color=BLUE,
        )
        axes.set_title(f"unpaid {days} days past due, n = {told['observed']:,}", fontsize=9)
    for axes in panels[len(horizons) :]:
        axes.set_visible(False)
    figure.supxlabel("predicted probability", fontsize=9)
    figure.supylabel("observed share", fontsize=9)
    return svg_text(figure)


def interval_plot(figures: Mapping[str, Any], figure_name: str) -> str:
    """One figure of every model with its 95 % interval over customers."""
    rows = [
        (name, entry[figure_name], (entry.get("intervals") or {}).get(figure_name))
        for name, entry in figures["models"].items()
        if entry.get(figure_name) is not None
    ]
    figure, axes = canvas(5.2, 0.6 + 0.36 * len(rows))
    for height, (_, value, interval) in enumerate(reversed(rows)):
        if interval:
            axes.plot(interval, [height, height], color="#888888", linewidth=2)
        axes.plot([value], [height], marker="o", color=_COLOURS[0])
    axes.set_yticks(range(len(rows)), [name for name, _, _ in reversed(rows)])
    axes.set_xlabel(figure_name.replace("_", " "))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    return svg_text(figure)
