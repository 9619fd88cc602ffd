"""From the predictions of a backtest to its figures, each recomputable from the predictions file alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from models.evaluation import metrics
from models.evaluation.backtest import Backtest
from models.evaluation.backtest_groups import group_classes
from models.intervals import Floats
from models.target import HORIZONS

DEFAULT_RESAMPLES = 200


def summarise(backtest: Backtest, resamples: int = DEFAULT_RESAMPLES, seed: int = 7) -> dict[str, Any]:
    """The figures of every model.

    Args:
        backtest: the predictions.
        resamples: customers drawn again so many times for the intervals; 0 leaves them out.
        seed: of the draws.

    Returns:
        Plain values for JSON: `models.<name>` with `n`, `auc`, `log_loss`, `brier`, `ece` and more for p_late, the
        same under `p_late_30` and, where the model gives the whole curve, under `horizons.<days>`; `date`,
        `intervals` (95 %, customers drawn with replacement), `by.<group>.<class>` (see
        `models.evaluation.backtest_groups.group_classes`), and `difference` (model minus baseline, with its interval).
    """
    predictions = backtest.predictions
    names = predictions["model"].unique(maintain_order=True).to_list()
    by_model = {name: predictions.filter(pl.col("model") == name) for name in names}
    draws = customer_draws(by_model[names[0]]["customer_id"], resamples, seed)
    models = {name: _model_figures(rows, draws) for name, rows in by_model.items()}
    return {
        "known_before": backtest.known_before.isoformat(),
        "grace_days": backtest.target.grace_days,
        "origins": [
            {
                "cutoff": origin.cutoff.isoformat(),
                "until": origin.until.isoformat(),
                "tested": origin.tested,
                "excluded_unobserved": origin.excluded,
                "training_invoices": origin.trained.invoice_count,
                "training_rows": origin.trained.row_count,
                "model_version": origin.bundle.version,
                "features": len(origin.bundle.feature_names),
                "wide_penalty": origin.trained.settings.wide_penalty,
                "trust": origin.trained.settings.trust,
                "date_levels": list(origin.trained.date_levels.in_order),
                "trees": origin.trained.settings.tree_count,
                "leaves": origin.trained.settings.leaves,
            }
            for origin in backtest.origins
        ],
        "models": models,
        "difference": _differences(by_model, names, draws),
    }


def customer_draws(customers: pl.Series, resamples: int, seed: int) -> list[Floats]:
    """Weights of each row in each resample: how often its customer was drawn."""
    codes = customers.rank("dense").to_numpy().astype(np.int64) - 1
    count = int(codes.max()) + 1 if codes.size else 0
    random = np.random.default_rng(seed)
    return [
        np.bincount(random.integers(0, count, count), minlength=count)[codes].astype(np.float64)
        for _ in range(resamples)
    ]


def _model_figures(rows: pl.DataFrame, draws: list[Floats]) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": rows.height}
    figures.update(_chances(rows, "p_late", "is_late", draws) or {})
    figures["p_late_30"] = _chances(rows, "p_late_30", "is_unpaid_30d", draws)
    figures["date"] = _dates(rows)
    figures["horizons"] = {
        str(k): told
        for k in HORIZONS
        if (told := _chances(rows, f"unpaid_probability_{k}d", f"is_unpaid_{k}d", [])) is not None
    }
    classes = group_classes(rows)
    figures["by"] = {
        group: {
            label: _class_figures(rows.filter(classes[group] == label))
            for label in sorted(classes[group].unique())
        }
        for group in classes.columns
    }
    return figures


def _class_figures(rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "n": rows.height,
        **(_chances(rows, "p_late", "is_late", []) or {}),
        "p_late_30": _chances(rows, "p_late_30", "is_unpaid_30d", []),
        "date": _dates(rows),
    }


def _chances(rows: pl.DataFrame, probability: str, label: str, draws: list[Floats]) -> dict[str, Any] | None:
    is_given = (rows[probability].is_not_null() & rows[label].is_not_null()).to_numpy()
    given = rows.filter(is_given)
    if given.height == 0:
        return None
    chance, event = given[probability].to_numpy(), given[label].to_numpy()
    figures: dict[str, Any] = {
        "observed": given.height,
        "event_share": float(event.mean()),
        "mean_probability": float(chance.mean()),
        "auc": metrics.auc(chance, event),
        "average_precision": metrics.average_precision(chance, event),
        "log_loss": metrics.log_loss(chance, event),
        "brier": metrics.brier(chance, event),
        "brier_parts": asdict(metrics.brier_parts(chance, event)),
        "ece": metrics.expected_calibration_error(chance, event),
        # What no exchange rate converts is no part of the late money.
        "top_decile_capture": metrics.top_decile_capture(
            chance, event, given["amount"].fill_null(0.0).to_numpy()
        ),
        "reliability": [asdict(one) for one in metrics.reliability(chance, event)],
    }
    if draws:
        figures["intervals"] = _intervals(chance, event, [draw[is_given] for draw in draws])
    return figures


def _intervals(chance: Floats, event: metrics.Bools, draws: list[Floats]) -> dict[str, list[float]]:
    """95 % intervals of the headline figures over resampled customers."""
    found: dict[str, list[float]] = {}
    for name, figure in _HEADLINE_FIGURES.items():
        values = [figure(chance, event, draw) for draw in draws if draw.any()]
        known = [value for value in values if value is not None]
        if known:
            found[name] = [float(value) for value in np.quantile(known, [0.025, 0.975])]
    return found


_HEADLINE_FIGURES: dict[str, Callable[[Floats, metrics.Bools, Floats | None], float | None]] = {
    "auc": metrics.auc,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
}


def _differences(
    by_model: dict[str, pl.DataFrame], names: list[str], draws: list[Floats]
) -> dict[str, dict[str, Any]]:
    """Model minus baseline on the same invoices and the same resamples."""
    first = by_model[names[0]]
    event = first["is_late"].to_numpy()
    own = first["p_late"].to_numpy()
    found: dict[str, dict[str, Any]] = {}
    for name in names[1:]:
        if by_model[name]["p_late"].null_count():
            continue
        other = by_model[name]["p_late"].to_numpy()
        found[name] = {}
        for figure_name, figure in _HEADLINE_FIGURES.items():
            mine, theirs = figure(own, event, None), figure(other, event, None)
            if mine is None or theirs is None:
                continue
            entry: dict[str, Any] = {"value": mine - theirs}
            gaps = []
            for draw in draws:
                a, b = figure(own, event, draw), figure(other, event, draw)
                if a is not None and b is not None:
                    gaps.append(a - b)
            if gaps:
                entry["interval"] = [float(value) for value in np.quantile(gaps, [0.025, 0.975])]
            found[name][figure_name] = entry
    return found


def _dates(rows: pl.DataFrame) -> dict[str, Any] | None:
    """Date errors over invoices observed to 90 days past due, open ones counted as later."""
    given = rows.filter(pl.col("payment_date_p50").is_not_null() & pl.col("is_unpaid_90d").is_not_null())
    if given.height == 0:
        return None
    actual = given["days_late"].cast(pl.Float64).fill_null(float("inf")).to_numpy()

    def days(column: str) -> Floats | None:
        if given[column].null_count():
            return None
        result: Floats = (given[column] - given["due_on"]).dt.total_days().cast(pl.Float64).to_numpy()
        return result

    middle = days("payment_date_p50")
    errors = (
        None
        if middle is None
        else metrics.date_errors(days("payment_date_p10"), middle, days("payment_date_p90"), actual)
    )
    return None if errors is None else asdict(errors)
