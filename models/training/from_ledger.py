"""From a ledger to a trained model: the landmarks, their features from the one engine, and the bundle they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.asof.history import PaymentHistory
from features.asof.landmarks import landmarks_at_issue
from features.errors import Fault, InvalidInputError
from features.groups.catalogue import CATALOGUE_VERSION, COLUMNS_BY_NAME, FEATURE_NAMES
from features.groups.compute import compute_features
from features.ledger import Ledger, ledger_fingerprint
from features.messages import localized
from features.payers.rfm_scale import AXES, RfmScale, fit_rfm_scale
from features.settings import LedgerSettings
from features.settlement import settlement_episodes
from models.bundle import ModelBundle, make_bundle
from models.hazard.customer_curve import CURVE_COLUMNS
from models.hazard.training_set import training_landmarks
from models.target import Target
from models.training.selection import TrainingSettings
from models.training.train import TrainedModel, train_model

_FIRST_DAY = date(1900, 1, 1)


@dataclass(frozen=True)
class TrainingInput:
    """What a model learns from, before labels.

    Attributes:
        landmarks: invoices at issue and while open, all before the cut-off.
        features: their features, one row per landmark in the same order.
        settlements: the answer of `settlement_episodes` for the ledger; labels read only what was known before the
            cut-off.
        known_before: the cut-off.
        data_fingerprint: of the ledger.
        ledger_settings: how lateness, settlement and money were read from it.
    """

    landmarks: pl.DataFrame
    features: pl.DataFrame
    settlements: pl.DataFrame
    known_before: date
    data_fingerprint: str
    ledger_settings: LedgerSettings


def training_input(
    ledger: Ledger,
    history: PaymentHistory,
    known_before: date,
    settings: TrainingSettings | None = None,
) -> TrainingInput:
    """Landmarks and features of everything known before a cut-off.

    Args:
        ledger: the checked ledger.
        history: prepared from the same ledger; features are read as of each landmark, so a longer history is no leak.
            Labels are read under the settings it was prepared with.
        known_before: the cut-off.
        settings: of the training.

    Raises:
        InvalidInputError: no invoice was issued before the cut-off.
    """
    settings = settings or TrainingSettings()
    at_issue = landmarks_at_issue(ledger, _FIRST_DAY, known_before)
    if at_issue.height == 0:
        raise InvalidInputError(
            localized("There is nothing to learn from."),
            [
                Fault(
                    what=localized("no invoice was issued before {known_before}", known_before=known_before),
                    where="invoices.issued_on",
                    remedy=localized("choose a later cut-off or import a longer ledger"),
                )
            ],
        )
    settled = settlement_episodes(ledger, history.settings)
    landmarks = training_landmarks(at_issue, settled, known_before, settings.seed, settings.max_invoices)
    return TrainingInput(
        landmarks=landmarks,
        features=compute_features(history, landmarks),
        settlements=settled,
        known_before=known_before,
        data_fingerprint=ledger_fingerprint(ledger),
        ledger_settings=history.settings.with_reporting_currency(ledger.invoices, known_before),
    )


def usable_features(features: pl.DataFrame) -> tuple[str, ...]:
    """Catalogue columns with at least one known value, in catalogue order; the rest cannot teach anything.

    Those of the customer's curve are always among them: what it needs may become known after the training.
    """
    return tuple(
        name
        for name in FEATURE_NAMES
        if name in CURVE_COLUMNS or features[name].null_count() < features.height
    )


def _rfm_scale(given: TrainingInput) -> RfmScale | None:
    """Cut points of the payers' segments; None while a ledger is so young that an axis is known of no payer."""
    if any(given.features[axis.column].null_count() == given.features.height for axis in AXES):
        return None
    return fit_rfm_scale(given.features, given.landmarks["customer_id"])


def train_bundle(
    given: TrainingInput,
    settings: TrainingSettings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[ModelBundle, TrainedModel]:
    """Train a model and put it into a bundle.

    Args:
        given: the answer of `training_input`; its ledger settings say what late means and travel in the bundle.
        settings: of the training.
        progress: callback with a sentence on each step.

    Returns:
        The bundle, and how the model came about.
    """
    names = usable_features(given.features)
    trained = train_model(
        given.features,
        given.landmarks,
        given.settlements,
        given.known_before,
        names,
        target=Target.of(given.ledger_settings),
        settings=settings,
        directions=[COLUMNS_BY_NAME[name].direction for name in names],
        progress=progress,
    )
    facts = {
        "data_fingerprint": given.data_fingerprint,
        "invoices": trained.invoice_count,
        "landmarks": trained.landmark_count,
        "hazard_rows": trained.row_count,
        "first_issued_on": str(given.landmarks["issued_on"].min()),
        "last_issued_on": str(given.landmarks["issued_on"].max()),
        "wide_penalty": trained.settings.card_penalty,
        "trust": trained.settings.trust,
        "leaves": trained.settings.leaves,
        "trees": trained.settings.tree_count,
    }
    bundle = make_bundle(
        trained.hazard,
        trained.calibration,
        given.ledger_settings,
        CATALOGUE_VERSION,
        given.known_before,
        facts,
        _rfm_scale(given),
        trained.date_levels,
    )
    return bundle, trained
