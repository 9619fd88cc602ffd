"""The late-payment model: trained on what was known, judged on what it had not seen, registered, promoted."""

import datetime as dt

import dagster as dg

from features.ledger import ledger_fingerprint
from features.settlement import settlement_episodes
from models.training.from_ledger import TrainingInput
from models.training.selection import TrainingSettings
from pipelines.assets.features import GROUP, features__training
from pipelines.resources import EncoursHome, LedgerInput, known_facts
from pipelines.training import train_and_register


@dg.asset(group_name=GROUP, deps=[features__training], kinds={"lightgbm", "mlflow"})
def model__late_payment(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
) -> dg.MaterializeResult[None]:
    """A registered challenger, promoted to champion when the gate finds nothing against it."""
    workspace = encours_home.workspace()
    ledger = known_facts(workspace)
    settings = workspace.read_settings("training")
    given = TrainingInput(
        landmarks=workspace.read_frame("training_landmarks"),
        features=workspace.read_frame("training_features"),
        settlements=settlement_episodes(ledger, settings),
        known_before=ledger_input.date(ledger),
        data_fingerprint=ledger_fingerprint(ledger),
        ledger_settings=settings,
    )
    outcome = train_and_register(
        workspace.home,
        ledger,
        given,
        TrainingSettings(),
        workspace.read_optional_frame("email_signals"),
        dt.datetime.now(dt.UTC),
        context.log.info,
    )
    return dg.MaterializeResult(metadata=outcome.metadata)
