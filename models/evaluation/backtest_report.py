"""The backtest as one HTML page: what was tested, the figures beside the baselines, where the model is weaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.evaluation.backtest_plots import calibration_plot, horizon_plot, interval_plot
from models.evaluation.rendering import render


def html_report(figures: Mapping[str, Any]) -> str:
    """The page; it contains its plots and needs no other file.

    Args:
        figures: the answer of `models.evaluation.backtest_summary.summarise`.
    """
    own = next(iter(figures["models"]))
    plots = {
        "intervals": [interval_plot(figures, "auc"), interval_plot(figures, "log_loss")],
        "late": calibration_plot(figures),
        "late_30": calibration_plot(figures, "p_late_30"),
        "horizons": horizon_plot(figures, own),
    }
    return render("backtest.html", figures=figures, models=figures["models"], own=own, plots=plots)
