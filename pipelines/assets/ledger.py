"""From a ledger folder to a checked ledger and the signals of its e-mails. Nothing here knows the model."""

import dagster as dg

from features.ledger import check_folder, ledger_fingerprint, write_checked
from pipelines.resources import EncoursHome, LedgerInput, checked_ledger
from serving.settings import settings_at

GROUP = "ledger"


@dg.asset(group_name=GROUP, kinds={"polars"})
def core__ledger(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """The ledger, held to every contract and rule; rows that break one are in quarantine with its name."""
    workspace = encours_home.workspace()
    checked = check_folder(ledger_input.source(workspace))
    as_of = ledger_input.date(checked.ledger)
    write_checked(checked, workspace.ledger, {"source": "pipeline", "as_of": as_of.isoformat()})
    tables = {report.table: report for report in checked.report.tables}
    context.log.info(
        "ledger checked: %s invoices accepted, %s rows in quarantine",
        f"{checked.ledger.invoices.height:,}",
        f"{checked.report.quarantined_rows:,}",
    )
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "rows_in": {name: report.read for name, report in tables.items()},
            "rows_out": {name: report.accepted for name, report in tables.items()},
            "rows_dropped_and_why": {
                rule: count for report in tables.values() for rule, count in report.quarantined.items()
            },
            "fingerprint": ledger_fingerprint(checked.ledger),
        }
    )


@dg.asset(group_name=GROUP, deps=[core__ledger], kinds={"spacy"})
def core__email_signals(
    context: dg.AssetExecutionContext, encours_home: EncoursHome
) -> dg.MaterializeResult[None]:
    """What each e-mail says, one row per mail, without its text. Absent where the ledger has no e-mails."""
    workspace = encours_home.workspace()
    emails = checked_ledger(workspace).emails
    if emails is None:
        workspace.drop_frame("email_signals")
        context.log.info("no e-mails in the ledger: communication features stay unknown")
        return dg.MaterializeResult(metadata={"rows_in": 0, "rows_out": 0})
    from features.email_signals import load_pipeline, signals_frame

    signals = signals_frame(emails, load_pipeline(), settings_at(workspace.home.root).is_quoting)
    workspace.write_frame("email_signals", signals)
    context.log.info("e-mails read: %s", f"{signals.height:,}")
    return dg.MaterializeResult(metadata={"rows_in": emails.height, "rows_out": signals.height})
