"""From a ledger folder to all facts known tonight and the signals of their e-mails. Nothing here knows the model."""

import datetime as dt

import dagster as dg

from features.ledger import check_folder, ledger_fingerprint, read_ledger, write_checked, write_ledger
from pipelines.resources import EncoursHome, LedgerInput, known_facts
from serving.night.store import facts_in_service, load_into_service, signals_in_service
from serving.operations.settings import settings_at
from serving.store import examples_of

GROUP = "ledger"


@dg.asset(group_name=GROUP, kinds={"polars"})
def core__ledger(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """The ledger, held to every contract and rule; rows that break one are in quarantine with its name."""
    workspace = encours_home.workspace()
    checked = check_folder(ledger_input.source(workspace))
    write_checked(checked, workspace.ledger, {"source": "pipeline"})
    tables = {report.table: report for report in checked.report.tables}
    context.log.info(
        "ledger checked: %s invoices accepted, %s rows in quarantine",
        f"{checked.ledger.invoices.height:,}",
        f"{checked.report.quarantined_rows:,}",
    )
    return dg.MaterializeResult(
        metadata={
            "rows_in": {name: report.read for name, report in tables.items()},
            "rows_out": {name: report.accepted for name, report in tables.items()},
            "rows_dropped_and_why": {
                rule: count for report in tables.values() for rule, count in report.quarantined.items()
            },
            "fingerprint": ledger_fingerprint(checked.ledger),
        }
    )


@dg.asset(group_name=GROUP, deps=[core__ledger], kinds={"sqlalchemy"})
def core__facts(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """The ledger loaded into the score service's store, and all facts read back from there.

    What the service was told by event (a payment, a dispute, an insolvency) is in them: the run decides on the same
    facts as the service. They do not change until the run ends.
    """
    workspace = encours_home.workspace()
    settings = settings_at(workspace.home.root)
    ledger = read_ledger(workspace.ledger)
    loads = load_into_service(ledger, settings, dt.datetime.now(dt.UTC))
    facts = facts_in_service(settings)
    as_of = ledger_input.date(facts)
    write_ledger(facts, workspace.facts)
    changed = {name: load.added + load.corrected + load.removed for name, load in loads.items()}
    by_event = {name: load.kept_events for name, load in loads.items()}
    context.log.info(
        "facts: %s rows changed in the store, %s known by event only",
        f"{sum(changed.values()):,}",
        f"{sum(by_event.values()):,}",
    )
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "rows_in": {name: frame.height for name, frame in ledger.tables()},
            "rows_out": {name: frame.height for name, frame in facts.tables()},
            "rows_changed": changed,
            "events_kept": by_event,
            "events_overruled": {
                name: examples_of(load.contradicted) for name, load in loads.items() if load.contradicted
            },
            "erased_not_taken_in": {name: load.skipped_erased for name, load in loads.items()},
            "fingerprint": ledger_fingerprint(facts),
        }
    )


@dg.asset(group_name=GROUP, deps=[core__facts], kinds={"spacy"})
def core__email_signals(
    context: dg.AssetExecutionContext, encours_home: EncoursHome
) -> dg.MaterializeResult[None]:
    """What each e-mail says, one row per mail, without its text. Absent where no e-mails are known."""
    workspace = encours_home.workspace()
    emails = known_facts(workspace).emails
    if emails is None:
        workspace.drop_frame("email_signals")
        context.log.info("no e-mails in the ledger: communication features stay unknown")
        return dg.MaterializeResult(metadata={"rows_in": 0, "rows_out": 0})
    read = signals_in_service(settings_at(workspace.home.root))
    signals = read.join(emails.select("email_id"), on="email_id", how="semi")
    workspace.write_frame("email_signals", signals)
    context.log.info("e-mails read: %s", f"{signals.height:,}")
    return dg.MaterializeResult(metadata={"rows_in": emails.height, "rows_out": signals.height})
