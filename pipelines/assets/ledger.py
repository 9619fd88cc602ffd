"""From a ledger folder to all facts known tonight and the signals of their e-mails. Nothing here uses the model."""

import datetime as dt

import dagster as dg
import polars as pl

from features.ledger import CheckedLedger, Ledger, check_folder, ledger_fingerprint
from models.registry.champion import champion_bundle, scoring_settings
from pipelines.resources import EncoursHome, LedgerInput
from serving.night.store import facts_in_service, load_into_service, signals_in_service
from serving.operations.settings import settings_at
from serving.store import examples_of

GROUP = "ledger"
SCORING = dg.AssetKey("features__open_invoices")
TRAINING = dg.AssetKey("model__late_payment")


@dg.asset(group_name=GROUP, kinds={"polars"})
def core__ledger(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[CheckedLedger]:
    """The ledger, checked against every contract and rule; rows that break one are in quarantine with its name.

    A run that scores and does not train needs a champion that fits: without one it is refused here, before any work.
    """
    home = encours_home.home()
    materialized = context.job_def.asset_layer.executable_asset_keys
    if SCORING in materialized and TRAINING not in materialized:
        scoring_settings(champion_bundle(home), ledger_input.given_settings())
    checked = check_folder(ledger_input.source(home))
    tables = {report.table: report for report in checked.report.tables}
    context.log.info(
        "ledger checked: %s invoices accepted, %s rows in quarantine",
        f"{checked.ledger.invoices.height:,}",
        f"{checked.report.quarantined_rows:,}",
    )
    return dg.MaterializeResult(
        value=checked,
        metadata={
            "rows_in": {name: report.read for name, report in tables.items()},
            "rows_out": {name: report.accepted for name, report in tables.items()},
            "rows_dropped_and_why": {
                rule: count for report in tables.values() for rule, count in report.quarantined.items()
            },
            "fingerprint": ledger_fingerprint(checked.ledger),
        },
    )


@dg.asset(group_name=GROUP, kinds={"sqlalchemy"})
def core__facts(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    core__ledger: Ledger,
) -> dg.MaterializeResult[Ledger]:
    """The ledger loaded into the score service's store, and all facts read back from there.

    What the service received by event (a payment, a dispute, an insolvency) is in them: the run decides on the same
    facts as the service. They do not change until the run ends.
    """
    settings = settings_at(encours_home.home().root)
    loads = load_into_service(core__ledger, settings, dt.datetime.now(dt.UTC))
    facts = facts_in_service(settings)
    as_of = ledger_input.date(facts)
    changed = {name: load.added + load.corrected + load.removed for name, load in loads.items()}
    by_event = {name: load.kept_events for name, load in loads.items()}
    context.log.info(
        "facts: %s rows changed in the store, %s known by event only",
        f"{sum(changed.values()):,}",
        f"{sum(by_event.values()):,}",
    )
    return dg.MaterializeResult(
        value=facts,
        metadata={
            "as_of": as_of.isoformat(),
            "rows_in": {name: frame.height for name, frame in core__ledger.tables()},
            "rows_out": {name: frame.height for name, frame in facts.tables()},
            "rows_changed": changed,
            "events_kept": by_event,
            "events_overruled": {
                name: examples_of(load.contradicted) for name, load in loads.items() if load.contradicted
            },
            "erased_not_taken_in": {name: load.skipped_erased for name, load in loads.items()},
            "fingerprint": ledger_fingerprint(facts),
        },
    )


@dg.asset(group_name=GROUP, kinds={"spacy"})
def core__email_signals(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, core__facts: Ledger
) -> dg.MaterializeResult[pl.DataFrame | None]:
    """What each e-mail says, one row per mail, without its text. Absent where no e-mails are known."""
    emails = core__facts.emails
    if emails is None:
        context.log.info("no e-mails in the ledger: communication features stay unknown")
        return dg.MaterializeResult(value=None, metadata={"rows_in": 0, "rows_out": 0})
    read = signals_in_service(settings_at(encours_home.home().root))
    signals = read.join(emails.select("email_id"), on="email_id", how="semi")
    context.log.info("e-mails read: %s", f"{signals.height:,}")
    return dg.MaterializeResult(
        value=signals, metadata={"rows_in": emails.height, "rows_out": signals.height}
    )
