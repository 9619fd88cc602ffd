"""Features of past landmarks to learn from. Nothing here knows the model."""

import dagster as dg

from features.asof import PaymentHistory
from features.groups.catalogue import CATALOGUE_VERSION
from features.settings import LedgerSettings
from models.registry.champion import training_settings
from models.training.from_ledger import training_input
from models.training.selection import TrainingSettings
from pipelines.assets.ledger import core__email_signals, core__facts
from pipelines.resources import EncoursHome, LedgerInput, known_facts
from pipelines.workspace import Workspace

GROUP = "training"


def payment_history(workspace: Workspace, settings: LedgerSettings) -> PaymentHistory:
    """The history of all known facts, with the signals of their mails."""
    return PaymentHistory.from_ledger(
        known_facts(workspace), settings, workspace.read_optional_frame("email_signals")
    )


@dg.asset(group_name=GROUP, deps=[core__facts, core__email_signals], kinds={"polars"})
def features__training(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
) -> dg.MaterializeResult[None]:
    """Every invoice at issue and at a few dates while it was open, each with what was known then."""
    workspace = encours_home.workspace()
    ledger = known_facts(workspace)
    as_of = ledger_input.date(ledger)
    choices = TrainingSettings()
    settings = training_settings(workspace.home, ledger_input.given_settings(), ledger.invoices, as_of)
    given = training_input(ledger, payment_history(workspace, settings), as_of, choices)
    workspace.write_settings("training", given.ledger_settings)
    workspace.write_frame("training_landmarks", given.landmarks)
    workspace.write_frame("training_features", given.features)
    context.log.info(
        "training landmarks: %s with %s features", f"{given.landmarks.height:,}", given.features.width - 2
    )
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "invoices": given.landmarks["invoice_id"].n_unique(),
            "rows_out": given.landmarks.height,
            "catalogue_version": CATALOGUE_VERSION,
            "ledger_settings": given.ledger_settings.to_dict(),
            "seed": choices.seed,
        }
    )
