"""A small invented portfolio with features, settlements and a trained model, shared by the tests of the models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from features.settings import LedgerSettings
from models.bundle import ModelBundle, make_bundle
from models.hazard.settings import HazardSettings
from models.training.selection import TrainingSettings
from models.training.train import TrainedModel, train_model
from tests.settlement_samples import episodes

CUTOFF = date(2024, 10, 1)
FIRST_DAY = date(2023, 1, 1)
FEATURES = (
    "late_share_365d",
    "late_share_shrunk_all",
    "days_late_mean_10n",
    "settled_count_10n",
    "late_count_10n",
    "overdue_count",
    "overdue_amount_sum",
    "amount",
    "terms_days",
    "history_depth",
    "sector_late_share_365d",
    "portfolio_late_share_365d",
    "late_share_all",
    "outcome_count_all",
    "portfolio_outcome_count_365d",
    "late_unpaid_30d_share_all",
    "late_outcome_30d_count_all",
    "portfolio_late_unpaid_30d_share_365d",
    "portfolio_late_outcome_30d_count_365d",
)
SMALL = TrainingSettings(
    hazard=HazardSettings(threads=1),
    leaves=(7,),
    max_trees=30,
    least_judges=0,
    validation_share=0.2,
)


@dataclass(frozen=True)
class Portfolio:
    """Landmarks at issue, their features and what became of them."""

    landmarks: pl.DataFrame
    features: pl.DataFrame
    settlements: pl.DataFrame


@cache
def portfolio(invoices: int = 700, seed: int = 5) -> Portfolio:
    """Payers with habits of their own; about one invoice in three is late, some are never paid."""
    random = np.random.default_rng(seed)
    customers = 40
    habit = random.normal(-7.0, 9.0, customers)
    customer = random.integers(0, customers, invoices)
    issued = [FIRST_DAY + timedelta(days=int(day)) for day in np.sort(random.integers(0, 760, invoices))]
    terms = random.choice([30, 45, 60], invoices)
    overdue = random.poisson(1.2, invoices).astype(float)
    days_late = np.round(habit[customer] + 4.0 * overdue + random.normal(0, 6.0, invoices)).astype(int)
    days_late = np.maximum(days_late, -terms + 1)
    is_never = random.random(invoices) < 0.04
    due = [day + timedelta(days=int(term)) for day, term in zip(issued, terms, strict=True)]
    settled = [
        None if never else day + timedelta(days=int(late))
        for day, late, never in zip(due, days_late, is_never, strict=True)
    ]
    amount = np.round(random.lognormal(7.0, 1.0, invoices), 2)
    landmarks = pl.DataFrame(
        {
            "invoice_id": [f"F{number:05d}" for number in range(invoices)],
            "customer_id": [f"C{number:03d}" for number in customer],
            "as_of": issued,
            "issued_on": issued,
            "due_on": due,
            "amount": amount,
            "currency": ["EUR"] * invoices,
        }
    )
    history = np.minimum(np.arange(invoices) // customers, 30).astype(float)
    share = np.clip(1 / (1 + np.exp(-(habit[customer] + random.normal(0, 2, invoices)) / 4)), 0, 1)
    count = np.minimum(history, 10.0)
    columns = {
        "late_share_365d": np.where(history > 0, share, np.nan),
        "late_share_shrunk_all": (share * count + 0.33 * 5.0) / (count + 5.0),
        "days_late_mean_10n": np.where(history > 0, habit[customer] + random.normal(0, 2, invoices), np.nan),
        "settled_count_10n": count,
        "late_count_10n": np.where(history > 0, np.round(share * count), np.nan),
        "overdue_count": overdue,
        "overdue_amount_sum": overdue * 850.0,
        "amount": amount,
        "terms_days": terms.astype(float),
        "history_depth": history,
        "sector_late_share_365d": np.where(random.random(invoices) < 0.9, 0.31, np.nan),
        "portfolio_late_share_365d": random.normal(0.33, 0.01, invoices),
        "late_share_all": np.where(history > 0, share, np.nan),
        "outcome_count_all": history,
        "portfolio_outcome_count_365d": np.minimum(np.arange(invoices), 300).astype(float),
        "late_unpaid_30d_share_all": np.where(history > 0, 0.5 * share, np.nan),
        "late_outcome_30d_count_all": history,
        "portfolio_late_unpaid_30d_share_365d": np.full(invoices, 0.2),
        "portfolio_late_outcome_30d_count_365d": np.minimum(np.arange(invoices), 250).astype(float),
    }
    features = landmarks.select("invoice_id", "as_of").with_columns(
        pl.Series(name, columns[name]).fill_nan(None) for name in FEATURES
    )
    settlements = episodes(
        {
            invoice_id: [(day, None if day is None else day + timedelta(days=2))]
            for invoice_id, day in zip(landmarks["invoice_id"], settled, strict=True)
        }
    )
    return Portfolio(landmarks, features, settlements)


@cache
def trained() -> tuple[ModelBundle, TrainedModel]:
    """A model trained on the portfolio before the cut-off."""
    sample = portfolio()
    known = (sample.landmarks["as_of"] < CUTOFF).to_numpy()
    model = train_model(
        sample.features.filter(known),
        sample.landmarks.filter(known),
        sample.settlements,
        CUTOFF,
        FEATURES,
        settings=SMALL,
        directions=[0] * len(FEATURES),
    )
    facts = {"data_fingerprint": "0" * 64}
    return make_bundle(model.hazard, model.calibration, LedgerSettings(), "1", CUTOFF, facts), model


def bundle() -> ModelBundle:
    """The trained bundle."""
    return trained()[0]


def unseen() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features and landmarks issued from the cut-off on."""
    sample = portfolio()
    is_new = (sample.landmarks["as_of"] >= CUTOFF).to_numpy()
    return sample.features.filter(is_new), sample.landmarks.filter(is_new)


def overdue(days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The unseen invoices as they stand some days past due."""
    features, landmarks = unseen()
    as_of = pl.col("due_on") + pl.duration(days=days)
    later = landmarks.with_columns(as_of=as_of).filter(pl.col("as_of") >= pl.col("issued_on"))
    kept = features.filter(pl.col("invoice_id").is_in(later["invoice_id"].implode()))
    return kept.with_columns(as_of=later["as_of"]), later
