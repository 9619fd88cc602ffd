"""The late-payment model: trained on what was known, judged on what it had not seen, registered, promoted."""

import datetime as dt

import dagster as dg
import polars as pl

from features.groups.rows import FeatureRows
from features.ledger import Ledger, ledger_fingerprint
from features.settlement import settlement_episodes
from models.training.from_ledger import TrainingInput
from models.training.selection import TrainingSettings
from pipelines.assets.features import GROUP
from pipelines.resources import EncoursHome, LedgerInput
from pipelines.training import train_and_register


@dg.asset(group_name=GROUP, kinds={"lightgbm", "mlflow"})
def model__late_payment(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    core__facts: Ledger,
    core__email_signals: pl.DataFrame | None,
    features__training: FeatureRows,
) -> dg.MaterializeResult[None]:
    """A registered challenger, promoted to champion when the gate finds nothing against it."""
    rows = features__training
    given = TrainingInput(
        landmarks=rows.landmarks,
        features=rows.features,
        settlements=settlement_episodes(core__facts, rows.settings),
        known_before=ledger_input.date(core__facts),
        data_fingerprint=ledger_fingerprint(core__facts),
        ledger_settings=rows.settings,
    )
    outcome = train_and_register(
        encours_home.home(),
        core__facts,
        given,
        TrainingSettings(),
        core__email_signals,
        dt.datetime.now(dt.UTC),
        context.log.info,
    )
    return dg.MaterializeResult(metadata=outcome.metadata)
