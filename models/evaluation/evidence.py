"""What speaks for and against a challenger: the same training ended earlier, judged on what followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from models.evaluation import metrics
from models.evaluation.backtest import MODEL_NAME, Backtest
from models.evaluation.backtest_summary import customer_draws
from models.intervals import Floats
from models.log_loss import log_losses
from models.registry.promotion import Difference, Evidence

CHAMPION_NAME = "champion"
GROUPS: tuple[str, ...] = ("size_class", "sector", "country", "legal_form", "language")
"""Customer attributes by which a model's error is reported; a natural person shows in the legal form."""
LEAST_IN_GROUP = 50
RESAMPLES = 200
_SEED = 11


def evidence_of(backtest: Backtest, customers: pl.DataFrame, explanation_error: float) -> Evidence:
    """The evidence of a rehearsal.

    Args:
        backtest: predictions of the model, of baselines and, where it could be judged fairly, of the champion.
        customers: the ledger's customers, for the groups.
        explanation_error: largest distance between a score and the sum of its contributions.
    """
    rows = {str(name): part for (name,), part in backtest.predictions.group_by("model", maintain_order=True)}
    own = rows.pop(MODEL_NAME)
    champion = rows.pop(CHAMPION_NAME, None)
    chance, event = own["p_late"].to_numpy(), own["is_late"].to_numpy()
    losses = {
        name: metrics.log_loss(part["p_late"].to_numpy(), event)
        for name, part in rows.items()
        if part["p_late"].null_count() == 0
    }
    best = min(losses, key=lambda name: losses[name], default=None)
    return Evidence(
        judged_invoices=own.height,
        log_loss=metrics.log_loss(chance, event),
        calibration_error=metrics.expected_calibration_error(chance, event),
        explanation_error=explanation_error,
        against_champion=None if champion is None else loss_difference(own, champion),
        against_baseline=None if best is None else loss_difference(own, rows[best]),
        groups={} if champion is None else _by_group(own, champion, customers),
    )


def loss_difference(own: pl.DataFrame, other: pl.DataFrame) -> Difference:
    """Log loss of one model minus another's on the same invoices, with a 95 % interval over customers."""
    draws = customer_draws(own["customer_id"], RESAMPLES, _SEED)
    return mean_with_interval(_losses(own) - _losses(other), draws)


def mean_with_interval(values: Floats, draws: Sequence[Floats]) -> Difference:
    """Mean of a value per invoice with a 95 % interval over the draws of `customer_draws`."""
    means = [float(np.average(values, weights=draw)) for draw in draws if draw.sum() > 0]
    lower, upper = np.quantile(means, [0.025, 0.975])
    return Difference(float(values.mean()), float(lower), float(upper))


def error_by_group(
    predictions: pl.DataFrame, customers: pl.DataFrame, groups: Sequence[str] = GROUPS
) -> pl.DataFrame:
    """Error of the model by group of customers, with its interval: what a model card shows.

    Returns:
        `attribute, value, invoices, late_share, mean_p_late, log_loss, log_loss_lower, log_loss_upper`; groups of
        fewer than `LEAST_IN_GROUP` invoices are left out, unknown values are a group of their own.
    """
    own = predictions.filter(pl.col("model") == MODEL_NAME)
    found = []
    for attribute, value, part in _groups(own, customers, groups):
        error = mean_with_interval(_losses(part), customer_draws(part["customer_id"], RESAMPLES, _SEED))
        found.append(
            {
                "attribute": attribute,
                "value": value,
                "invoices": part.height,
                "late_share": part["is_late"].mean(),
                "mean_p_late": part["p_late"].mean(),
                "log_loss": error.mean,
                "log_loss_lower": error.lower,
                "log_loss_upper": error.upper,
            }
        )
    return pl.DataFrame(found)


def _by_group(own: pl.DataFrame, champion: pl.DataFrame, customers: pl.DataFrame) -> Mapping[str, Difference]:
    ours, theirs = _groups(own, customers, GROUPS), _groups(champion, customers, GROUPS)
    return {
        f"{attribute} {value}": loss_difference(part, other)
        for (attribute, value, part), (_, _, other) in zip(ours, theirs, strict=True)
    }


def _groups(
    rows: pl.DataFrame, customers: pl.DataFrame, attributes: Sequence[str]
) -> list[tuple[str, str, pl.DataFrame]]:
    joined = rows.join(
        customers.select("customer_id", *attributes),
        on="customer_id",
        how="left",
        validate="m:1",
        maintain_order="left",
    )
    return [
        (attribute, "unknown" if value is None else str(value), part)
        for attribute in attributes
        for (value,), part in sorted(
            joined.group_by(attribute, maintain_order=True), key=lambda pair: str(pair[0])
        )
        if part.height >= LEAST_IN_GROUP
    ]


def _losses(rows: pl.DataFrame) -> Floats:
    return log_losses(rows["p_late"].to_numpy(), rows["is_late"].to_numpy())
