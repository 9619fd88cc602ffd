"""What a model goes by, as plots: the weight of each group of features, and how a feature's goes with its value."""

from __future__ import annotations

import polars as pl

from models.plotting import BLUE, GREY, ORANGE, canvas, svg_text

_POINTS = 100.0


def importance_plot(by_group: pl.DataFrame) -> str:
    """Mean absolute contribution by group, in points of probability, the weightiest on top.

    Args:
        by_group: the answer of `models.evaluation.model_card.group_importance`.
    """
    rows = by_group.reverse()
    figure, axes = canvas(6.4, 0.8 + 0.34 * max(rows.height, 1))
    axes.barh(
        rows["label_en"].to_list(), (rows["mean_absolute_contribution"] * _POINTS).to_list(), color=BLUE
    )
    axes.set_xlabel("mean absolute contribution, points of probability")
    return svg_text(figure)


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
