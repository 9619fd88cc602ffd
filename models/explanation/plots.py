"""What a model goes by, as SVG: `shap`'s own plots of contributions, and how one goes with its feature's value."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from models.explanation.shap_values import load_shap
from models.plotting import BLUE, GREY, ORANGE, canvas, svg_text

if TYPE_CHECKING:
    import shap

SHOWN = 15
"""Most features of a plot; the others are summed in one line."""
_POINTS = 100.0


def bar_plot(explanation: shap.Explanation) -> str:
    """Mean absolute contribution of each feature or group, the weightiest on top."""
    with _new_figure() as figure:
        load_shap().plots.bar(explanation, max_display=SHOWN, ax=figure.gca(), show=False)
        return svg_text(figure)


def beeswarm_plot(explanation: shap.Explanation) -> str:
    """Every landmark's contribution of each feature, coloured by the feature's value."""
    with _new_figure() as figure:
        # Points are shuffled by the generator that all of numpy shares: the same plot for the same figures.
        state = np.random.get_state()
        np.random.seed(0)
        try:
            with warnings.catch_warnings():
                # A feature known of no landmark has no colours; its points are grey.
                warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
                load_shap().plots.beeswarm(
                    explanation, max_display=SHOWN, ax=figure.gca(), plot_size=None, show=False
                )
        finally:
            np.random.set_state(state)
        return svg_text(figure)


def waterfall_plot(explanation: shap.Explanation) -> str:
    """How the contributions of one landmark lead from the average invoice to its score.

    Args:
        explanation: one row of an explanation.
    """
    with _new_figure() as figure:
        load_shap().plots.waterfall(explanation, max_display=SHOWN, show=False)
        return svg_text(figure)


@contextmanager
def _new_figure() -> Iterator[Any]:
    """A figure for plots that draw on pyplot's current one; no window is opened, and it is closed at the end."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before = mpl.get_backend(auto_select=False)
    plt.switch_backend("Agg")
    figure = plt.figure(figsize=(8.0, 6.0))
    try:
        yield figure
    finally:
        plt.close(figure)
        if before is not None:
            plt.switch_backend(before)


def dependence_plot(bins: pl.DataFrame, label: str, unit: str) -> str:
    """Mean contribution against the feature's value; landmarks whose value is unknown as a level of their own.

    Args:
        bins: the answer of `models.evaluation.model_card.dependence`.
        label: how the feature is called.
        unit: its unit.
    """
    known, unknown = bins.filter(pl.col("value").is_not_null()), bins.filter(pl.col("value").is_null())
    figure, axes = canvas(5.2, 3.6)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.plot(
        known["value"].to_list(),
        (known["contribution"] * _POINTS).to_list(),
        marker="o",
        markersize=4,
        color=BLUE,
        label="known",
    )
    for level, count in unknown.select("contribution", "landmarks").iter_rows():
        axes.axhline(
            level * _POINTS, color=ORANGE, linestyle="--", linewidth=1, label=f"unknown ({count:,} landmarks)"
        )
    axes.set_xlabel(f"{label} ({unit})" if unit else label)
    axes.set_ylabel("contribution, points of probability")
    axes.legend(fontsize=8, frameon=False)
    return svg_text(figure)
