"""What a training run shows beside its model: the rehearsal's report, calibration plots, what the model goes by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from features.groups.catalogue import COLUMNS_BY_NAME
from models.evaluation.backtest_plots import calibration_plot, interval_plot
from models.evaluation.backtest_report import html_report
from models.evaluation.model_card import dependence, importance
from models.explanation.contributions import Contributions
from models.explanation.plots import bar_plot, beeswarm_plot, dependence_plot
from models.explanation.shap_values import as_explanation, as_group_explanation, labelled

_DEPENDENCE_SHOWN = 6


def write_run_files(
    folder: Path, found: Contributions, features: pl.DataFrame, figures: Mapping[str, Any] | None
) -> list[Path]:
    """Write the plots and reports of a run, each under the name it will have in the run.

    Args:
        folder: where to write; must exist.
        found: the answer of `models.evaluation.model_card.explained_sample`.
        features: the training features; the newest are those explained.
        figures: the answer of `models.evaluation.backtest_summary.summarise` for the rehearsal; absent when the
            ledger is too short for one, and then nothing of it is drawn.

    Returns:
        The files: `importance.svg` (by group), `contributions.svg` (by feature), `dependence_<feature>.svg` of the six
        weightiest features, and for a rehearsal `backtest.html`, `backtest.json`, `calibration_late.svg`,
        `calibration_late_30.svg`, `log_loss.svg`, `auc.svg`.
    """
    explained = as_explanation(found, features.tail(found.values.shape[0]))
    pages = {
        "importance.svg": bar_plot(as_group_explanation(found)),
        "contributions.svg": beeswarm_plot(labelled(explained)),
    }
    weightiest = [name for name in importance(found)["feature"].to_list() if name in features.columns]
    for name in weightiest[:_DEPENDENCE_SHOWN]:
        column = COLUMNS_BY_NAME.get(name)
        label, unit = (name, "") if column is None else (column.label.en, column.unit)
        pages[f"dependence_{name}.svg"] = dependence_plot(dependence(found, features, name), label, unit)
    if figures is not None:
        pages |= {
            "backtest.html": html_report(figures),
            "backtest.json": json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False),
            "calibration_late.svg": calibration_plot(figures),
            "calibration_late_30.svg": calibration_plot(figures, "p_late_30"),
            "log_loss.svg": interval_plot(figures, "log_loss"),
            "auc.svg": interval_plot(figures, "auc"),
        }
    files = [folder / name for name in pages]
    for file, page in zip(files, pages.values(), strict=True):
        file.write_text(page, encoding="utf-8")
    return files
