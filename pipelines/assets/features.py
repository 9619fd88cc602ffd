"""Features of past landmarks to learn from, and of the invoices open tonight. Nothing here knows the model."""

import dagster as dg

from features.asof import PaymentHistory, open_landmarks
from features.catalogue import CATALOGUE_VERSION
from features.compute import compute_features
from models.from_ledger import training_input
from pipelines.assets.ledger import core__email_signals, core__ledger
from pipelines.resources import EncoursHome, LedgerInput, TrainingChoices, checked_ledger
from pipelines.workspace import Workspace

GROUP = "training"
TONIGHT = "tonight"


def payment_history(workspace: Workspace, ledger_input: LedgerInput) -> PaymentHistory:
    """The checked ledger's history with the signals of its mails."""
    return PaymentHistory.from_ledger(
        checked_ledger(workspace), ledger_input.settings(), workspace.read_optional_frame("email_signals")
    )


@dg.asset(group_name=GROUP, deps=[core__ledger, core__email_signals], kinds={"polars"})
def features__training(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    training_choices: TrainingChoices,
) -> dg.MaterializeResult[None]:
    """Every invoice at issue and at a few dates while it was open, each with what was known then."""
    workspace = encours_home.workspace()
    ledger = checked_ledger(workspace)
    as_of = ledger_input.date(ledger)
    settings = training_choices.settings()
    given = training_input(
        ledger, payment_history(workspace, ledger_input), as_of, ledger_input.settings(), settings
    )
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
            "seed": settings.seed,
        }
    )


@dg.asset(group_name=TONIGHT, deps=[core__ledger, core__email_signals], kinds={"polars"})
def features__open_invoices(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """Every invoice open at the as-of date, with what is known."""
    workspace = encours_home.workspace()
    ledger = checked_ledger(workspace)
    as_of = ledger_input.date(ledger)
    landmarks = open_landmarks(ledger, as_of, ledger_input.settings())
    features = compute_features(payment_history(workspace, ledger_input), landmarks)
    workspace.write_frame("open_landmarks", landmarks)
    workspace.write_frame("open_features", features)
    context.log.info("open invoices: %s", f"{landmarks.height:,}")
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "rows_out": landmarks.height,
            "catalogue_version": CATALOGUE_VERSION,
        }
    )
