"""The open invoices of a ledger folder as the champion sees them at a date: what every command that scores reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.asof import PaymentHistory, open_landmarks
from features.email import read_mails_of
from features.groups.compute import compute_features
from features.ledger import Ledger, read_ledger
from models.bundle import ModelBundle
from models.hazard.feature_matrix import FeatureMatrix
from models.hazard.payment_date import expected_receipts
from models.prediction import predict_curves
from models.registry.champion import champion_bundle
from models.registry.home import Home
from pipelines.resources import as_of_date
from serving.accounts.cases import with_country
from serving.night.store import with_events
from serving.operations.settings import settings_at


@dataclass(frozen=True)
class ChampionView:
    """What the champion scores from.

    Attributes:
        bundle: the champion.
        ledger: the folder's, with the events of the home's service.
        history: prepared under the champion's settings, with what the mails say.
        landmarks: the receivables open at the date, with the payer's country.
    """

    bundle: ModelBundle
    ledger: Ledger
    history: PaymentHistory
    landmarks: pl.DataFrame


def champion_view(home: Home, folder: Path, as_of: str, now: dt.datetime) -> ChampionView:
    """Read a ledger folder for the champion of a home; nothing is written.

    Args:
        home: where the champion and the service's events are.
        folder: the ledger.
        as_of: ISO date; empty for the day after the last fact.
        now: instant up to which events count.

    Raises:
        InvalidInputError: no champion, an unusable ledger, or a text that is no date.
    """
    bundle = champion_bundle(home)
    known = with_events(read_ledger(folder), settings_at(home.root), now)
    landmarks = open_landmarks(known, as_of_date(known, as_of), bundle.settings)
    history = PaymentHistory.from_ledger(known, bundle.settings, read_mails_of(known))
    return ChampionView(bundle, known, history, with_country(landmarks, known))


def receipts_by_week(view: ChampionView, weeks: int) -> pl.DataFrame:
    """What the open receivables are expected to bring in each week, currency by currency.

    Returns:
        `currency`, and the columns of `models.hazard.payment_date.expected_receipts`.
    """
    features = compute_features(view.history, view.landmarks)
    still_open = 1.0 - features["own_paid_share"].fill_null(0.0).clip(0.0, 1.0)
    owed = view.landmarks.with_columns(amount=view.landmarks["amount"] * still_open)
    tables = []
    for currency in owed["currency"].unique().sort():
        is_own = owed["currency"] == currency
        own = owed.filter(is_own)
        curves = predict_curves(view.bundle, FeatureMatrix.of_frame(features.filter(is_own)), own)
        weekly = expected_receipts(curves, own, weeks)
        tables.append(weekly.select(pl.lit(currency).alias("currency"), pl.all()))
    return pl.concat(tables) if tables else pl.DataFrame(schema={"currency": pl.String})
