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
    drawn = {name: _drawn(rows, "p_late", "is_late", draws) for name, rows in by_model.items()}
    models = {name: _model_figures(rows, drawn[name], draws) for name, rows in by_model.items()}
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
                "card_penalty": origin.trained.settings.card_penalty,
                "trust": origin.trained.settings.trust,
                "date_levels": list(origin.trained.date_levels.in_order),
                "trees": origin.trained.settings.tree_count,
                "leaves": origin.trained.settings.leaves,
            }
            for origin in backtest.origins
        ],
        "models": models,
        "difference": _differences(by_model, names, drawn),
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


def _model_figures(rows: pl.DataFrame, drawn: Drawn, draws: list[Floats]) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": rows.height}
    figures.update(_chances(rows, "p_late", "is_late", drawn) or {})
    p_late_30 = "p_late_30", "is_unpaid_30d"
    figures["p_late_30"] = _chances(rows, *p_late_30, _drawn(rows, *p_late_30, draws))
    figures["date"] = _dates(rows)
    figures["horizons"] = {
        str(k): told
        for k in HORIZONS
        if (told := _chances(rows, f"unpaid_probability_{k}d", f"is_unpaid_{k}d")) is not None
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
        **(_chances(rows, "p_late", "is_late") or {}),
        "p_late_30": _chances(rows, "p_late_30", "is_unpaid_30d"),
        "date": _dates(rows),
    }


Drawn = dict[str, list[float | None]]
"""Headline figures of one model, each over the resamples; None where a resample has none of the two outcomes."""

_HEADLINE_FIGURES: dict[str, Callable[[Floats, metrics.Bools, Floats | None], float | None]] = {
    "auc": metrics.auc,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier,
}


def _drawn(rows: pl.DataFrame, probability: str, label: str, draws: list[Floats]) -> Drawn:
    chance, event, is_given = _given(rows, probability, label)
    weights = [draw[is_given] for draw in draws]
    return {
        name: [figure(chance, event, weight) if weight.any() else None for weight in weights]
        for name, figure in _HEADLINE_FIGURES.items()
    }


def _given(rows: pl.DataFrame, probability: str, label: str) -> tuple[Floats, metrics.Bools, metrics.Bools]:
    """Probabilities and outcomes where both are known, and which rows those are."""
    is_given = rows[probability].is_not_null() & rows[label].is_not_null()
    given = rows.filter(is_given)
    return given[probability].to_numpy(), given[label].to_numpy(), is_given.to_numpy()


def _chances(
    rows: pl.DataFrame, probability: str, label: str, drawn: Drawn | None = None
) -> dict[str, Any] | None:
    chance, event, is_given = _given(rows, probability, label)
    if not chance.size:
        return None
    # What no exchange rate converts is no part of the late money.
    amount = rows["amount"].fill_null(0.0).to_numpy()[is_given]
    figures: dict[str, Any] = {
        "observed": int(chance.size),
        "event_share": float(event.mean()),
        "mean_probability": float(chance.mean()),
        "auc": metrics.auc(chance, event),
        "average_precision": metrics.average_precision(chance, event),
        "log_loss": metrics.log_loss(chance, event),
        "brier": metrics.brier(chance, event),
        "brier_parts": asdict(metrics.brier_parts(chance, event)),
        "ece": metrics.expected_calibration_error(chance, event),
        "top_decile_capture": metrics.top_decile_capture(chance, event, amount),
        "reliability": [asdict(one) for one in metrics.reliability(chance, event)],
    }
    intervals = {
        name: interval
        for name, values in (drawn or {}).items()
        if (interval := _interval([value for value in values if value is not None]))
    }
    return {**figures, "intervals": intervals} if any((drawn or {}).values()) else figures


def _interval(values: list[float]) -> list[float] | None:
    """95 % interval over the resamples."""
    return [float(value) for value in np.quantile(values, [0.025, 0.975])] if values else None


def _differences(
    by_model: dict[str, pl.DataFrame], names: list[str], drawn: dict[str, Drawn]
) -> dict[str, dict[str, Any]]:
    """Model minus baseline on the same invoices and the same resamples."""
    own, event, _ = _given(by_model[names[0]], "p_late", "is_late")
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
            pairs = zip(drawn[names[0]][figure_name], drawn[name][figure_name], strict=True)
            interval = _interval([a - b for a, b in pairs if a is not None and b is not None])
            found[name][figure_name] = {
                "value": mine - theirs,
                **({} if interval is None else {"interval": interval}),
            }
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
