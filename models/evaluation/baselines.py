"""What the model must beat: rules and models a careful analyst would build in an afternoon, on the same information.

Each baseline is fitted on invoices at issue whose label was observed before the cut-off and predicts invoices at issue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.hazard.feature_matrix import feature_table
from models.intervals import Floats
from models.log_loss import log_losses

Bools = npt.NDArray[np.bool_]

OWN_SHARE_PRIOR = 5.0
"""Invoices the portfolio's late share counts for in a customer's smoothed share."""

_OVERDUE_BOUNDS = (0.5, 15.5, 30.5, 60.5)
_LEAST_KNOWN = 0.05
"""Share of the training invoices that must have a column for the scorecard to read it."""
_SCORECARD_STRENGTHS = (0.001, 0.01, 0.1)


@dataclass(frozen=True)
class Labelled:
    """Invoices at issue with the labels observed before the cut-off.

    Attributes:
        features: one row per invoice.
        is_late: whether later than the grace; one of `late_observed`.
        late_observed: whether that label was observed.
        is_unpaid_30: whether unpaid 30 days past due.
        unpaid_30_observed: whether that label was observed.
        days_late: as known at the cut-off; infinite while open.
    """

    features: pl.DataFrame
    is_late: Bools
    late_observed: Bools
    is_unpaid_30: Bools
    unpaid_30_observed: Bools
    days_late: Floats


@dataclass(frozen=True)
class Prediction:
    """What a baseline says of each invoice; null where it has no opinion by construction.

    Attributes:
        p_late: P(late).
        p_late_30: P(unpaid 30 days past due).
        days_p10: days late exceeded by nine in ten.
        days_p50: days late in the middle.
        days_p90: days late exceeded by one in ten.
    """

    p_late: Floats | None = None
    p_late_30: Floats | None = None
    days_p10: Floats | None = None
    days_p50: Floats | None = None
    days_p90: Floats | None = None


Baseline = Callable[[Labelled, pl.DataFrame, Sequence[str]], Prediction]


def constant(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """The portfolio's own shares and quantiles for everybody."""
    settled = known.days_late[known.late_observed]
    quantiles = (
        np.quantile(np.where(np.isfinite(settled), settled, 365.0), [0.1, 0.5, 0.9])
        if settled.size
        else [0.0] * 3
    )
    return Prediction(
        np.full(features.height, _share(known.is_late, known.late_observed)),
        np.full(features.height, _share(known.is_unpaid_30, known.unpaid_30_observed)),
        *(np.full(features.height, float(value)) for value in quantiles),
    )


def own_late_share(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """The customer's own past late share, smoothed towards the portfolio's by five invoices."""
    late = _share(known.is_late, known.late_observed)
    long = _share(known.is_unpaid_30, known.unpaid_30_observed)
    outcomes = _known(features, "outcome_count_all", 0.0)
    return Prediction(
        (_known(features, "late_share_all", 0.0) * outcomes + OWN_SHARE_PRIOR * late)
        / (outcomes + OWN_SHARE_PRIOR),
        (_known(features, "severely_late_share_all", 0.0) * outcomes + OWN_SHARE_PRIOR * long)
        / (outcomes + OWN_SHARE_PRIOR),
    )


def days_past_due_rule(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """The late share seen among customers whose oldest overdue invoice was as old: none, 1-15, 16-30, 31-60, 61 on."""
    before = np.searchsorted(_OVERDUE_BOUNDS, _known(known.features, "oldest_overdue_days", 0.0))
    now = np.searchsorted(_OVERDUE_BOUNDS, _known(features, "oldest_overdue_days", 0.0))
    return Prediction(
        _by_class(before, known.is_late, known.late_observed)[now],
        _by_class(before, known.is_unpaid_30, known.unpaid_30_observed)[now],
    )


def usual_lateness_date(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """A date only: the due date plus the customer's median lateness, the portfolio's for a customer without one."""
    settled = known.days_late[np.isfinite(known.days_late)]
    portfolio = float(np.median(settled)) if settled.size else 0.0
    usual = _known(features, "days_late_median_365d", np.nan)
    usual = np.where(np.isnan(usual), _known(features, "days_late_median_all", np.nan), usual)
    return Prediction(days_p50=np.round(np.where(np.isnan(usual), portfolio, usual)).astype(np.float64))


def scorecard(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """Logistic regression on every feature: quantile-trimmed, unknowns marked, standardised; strength by time order.

    A column known of hardly anybody in training is left out: standardised beside the value put in for all others, its
    few known values would lie hundreds of spreads away, and a test invoice with them be certain of anything.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table, asked = feature_table(known.features, names), feature_table(features, names)
    observed = known.unpaid_30_observed & known.late_observed
    is_unknown = np.isnan(table[observed] if observed.any() else table)
    is_told = is_unknown.mean(axis=0) < 1.0 - _LEAST_KNOWN
    table, asked = _trimmed(table[:, is_told], asked[:, is_told])

    def build(strength: float) -> Any:
        return make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=strength, max_iter=1000),
        )

    return _both_horizons(known, table, asked, lambda rows, label: _best_by_time(build, table, rows, label))


def hist_gradient_boosting(known: Labelled, features: pl.DataFrame, names: Sequence[str]) -> Prediction:
    """scikit-learn's boosted trees on the same columns, one classifier per horizon."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    table, asked = feature_table(known.features, names), feature_table(features, names)
    # scikit-learn's binning refuses a column with a single known value among the rows it is fitted on; those observed
    # to 30 days past due are the fewer.
    fewest = table[known.unpaid_30_observed & known.late_observed]
    varies = np.array([np.unique(column[~np.isnan(column)]).size > 1 for column in fewest.T])
    table, asked = table[:, varies], asked[:, varies]

    def fit(rows: npt.NDArray[np.int64], label: Bools) -> Any:
        model = HistGradientBoostingClassifier(
            max_iter=120, learning_rate=0.05, max_leaf_nodes=15, l2_regularization=5.0, early_stopping=False,
            random_state=0,
        )  # fmt: skip
        return model.fit(table[rows], label[rows])

    return _both_horizons(known, table, asked, fit)


BASELINES: dict[str, Baseline] = {
    "constant": constant,
    "own_late_share": own_late_share,
    "days_past_due_rule": days_past_due_rule,
    "usual_lateness_date": usual_lateness_date,
    "scorecard": scorecard,
    "hist_gradient_boosting": hist_gradient_boosting,
}
"""Every baseline by the name it has in reports."""


def _both_horizons(
    known: Labelled,
    table: Floats,
    asked: Floats,
    fit: Callable[[npt.NDArray[np.int64], Bools], Any],
) -> Prediction:
    chances = []
    for label, observed in (
        (known.is_late, known.late_observed),
        (known.is_unpaid_30, known.unpaid_30_observed),
    ):
        rows = np.flatnonzero(observed)
        if np.unique(label[rows]).size < 2:
            chances.append(np.full(asked.shape[0], _share(label, observed)))
        else:
            chances.append(fit(rows, label).predict_proba(asked)[:, 1])
    return Prediction(chances[0], chances[1])


def _best_by_time(
    build: Callable[[float], Any], table: Floats, rows: npt.NDArray[np.int64], label: Bools
) -> Any:
    """The strength with the lowest log loss on the newest fifth, fitted again on everything."""
    cut = int(rows.size * 0.8)
    older, newer = rows[:cut], rows[cut:]
    best = _SCORECARD_STRENGTHS[0]
    if np.unique(label[older]).size == 2 and newer.size:
        losses = {}
        for strength in _SCORECARD_STRENGTHS:
            chance = build(strength).fit(table[older], label[older]).predict_proba(table[newer])[:, 1]
            losses[strength] = float(log_losses(chance, label[newer]).mean())
        best = min(losses, key=lambda strength: losses[strength])
    return build(best).fit(table[rows], label[rows])


def _trimmed(table: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Both tables with each column clipped to its middle 99 % in the first."""
    known = [column[~np.isnan(column)] for column in table.T]
    low = np.array([np.quantile(column, 0.005) if column.size else 0.0 for column in known])
    high = np.array([np.quantile(column, 0.995) if column.size else 0.0 for column in known])
    return np.clip(table, low, high), np.clip(asked, low, high)


def _known(features: pl.DataFrame, name: str, otherwise: float) -> Floats:
    if name not in features.columns:
        return np.full(features.height, otherwise)
    result: Floats = features[name].fill_null(otherwise).to_numpy()
    return result


def _share(label: Bools, observed: Bools) -> float:
    """Share of events among observed labels, kept from 0 and 1 by one added invoice of each kind."""
    return float((label[observed].sum() + 1.0) / (observed.sum() + 2.0))


def _by_class(classes: npt.NDArray[np.int64], label: Bools, observed: Bools) -> Floats:
    overall = _share(label, observed)
    shares = np.full(len(_OVERDUE_BOUNDS) + 1, overall)
    for number in range(shares.size):
        inside = observed & (classes == number)
        shares[number] = (label[inside].sum() + 20.0 * overall) / (inside.sum() + 20.0)
    return shares
