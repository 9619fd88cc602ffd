"""Features of past landmarks to learn from. Nothing here knows the model."""

import dagster as dg
import polars as pl

from features.asof import PaymentHistory
from features.groups.catalogue import CATALOGUE_VERSION
from features.groups.rows import FeatureRows
from features.ledger import Ledger
from models.registry.champion import training_settings
from models.training.from_ledger import training_input
from models.training.selection import TrainingSettings
from pipelines.resources import EncoursHome, LedgerInput

GROUP = "training"


@dg.asset(group_name=GROUP, kinds={"polars"})
def features__training(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    core__facts: Ledger,
    core__email_signals: pl.DataFrame | None,
) -> dg.MaterializeResult[FeatureRows]:
    """Every invoice at issue and at a few dates while it was open, each with what was known then."""
    as_of = ledger_input.date(core__facts)
    choices = TrainingSettings()
    settings = training_settings(
        encours_home.home(), ledger_input.given_settings(), core__facts.invoices, as_of
    )
    history = PaymentHistory.from_ledger(core__facts, settings, core__email_signals)
    given = training_input(core__facts, history, as_of, choices)
    context.log.info(
        "training landmarks: %s with %s features", f"{given.landmarks.height:,}", given.features.width - 2
    )
    return dg.MaterializeResult(
        value=FeatureRows(given.landmarks, given.features, given.ledger_settings),
        metadata={
            "as_of": as_of.isoformat(),
            "invoices": given.landmarks["invoice_id"].n_unique(),
            "rows_out": given.landmarks.height,
            "catalogue_version": CATALOGUE_VERSION,
            "ledger_settings": given.ledger_settings.to_dict(),
            "seed": choices.seed,
        },
    )
