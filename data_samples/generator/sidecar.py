"""The README beside a simulated ledger: origin, columns, units, grain, rows, licence, checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from data_samples.generator.mail_bank import sample_world_mail_ids
from data_samples.generator.settings import WorldSettings
from features.ledger import KEYS, SCHEMAS
from features.words import HORIZONS

_GRAIN = {
    "customers": "one customer",
    "invoices": "one invoice or credit note",
    "payments": "one allocation of money or credit to an invoice",
    "disputes": "one dispute",
    "emails": "one e-mail",
    "interactions": "one dated contact or platform event",
    "indicators": "one sector and month",
}
_TRUTH_COLUMNS: dict[str, tuple[str, dict[str, str]]] = {
    "probabilities": (
        "one invoice",
        {
            "invoice_id": "the invoice",
            **{
                f"unpaid_probability_{horizon}d": f"true probability (0 to 1), seen from the issue, of being "
                f"unpaid at the end of the day {horizon} days past due"
                for horizon in HORIZONS
            },
            "cash_state_at_issue": "the customer's cash state that day, known to the oracle",
            "is_administrative_phase_at_issue": "its accounts department was upset that day, known to the oracle",
        },
    ),
    "outcomes": (
        "one invoice",
        {
            "invoice_id": "the invoice",
            "settled_on": "day of settlement, even after the end of the ledger; null: never within the tail",
            "days_late": "days from the due date to the settlement; null when never settled",
            "hold": "what held the invoice up from its issue: free, forgotten, blocked, disputed",
            "released_on": "end of what held it up; null: never within the tail",
            "is_part_paid": "first paid in part",
            "is_credited_in_full": "settled by a credit note of the whole amount",
        },
    ),
    "customers": (
        "one customer",
        {
            "customer_id": "the customer",
            "country": "country of the payer",
            "habit_days_mean": "usual payment day, mean over the months, days past due",
            "habit_days_last": "the same in the last month",
            "hesitation_days": "width of the rise of the payment intensity, days",
            "payment_speed": "payment intensity a day once the usual day is past",
            "run_kind": "how payments are grouped",
            "strain_per_year": "chance a year that cash gets tight",
            "dispute_share": "chance that an invoice is disputed",
            "requires_order_number": "invoices without order number get stuck",
            "is_reminded": "the supplier reminds this customer",
            "prints_other_reading": "`source_due_on` follows the other reading of fin de mois",
            "invoices_per_month": "invoices a month at full activity",
            "insolvent_on": "day of insolvency; null: none within the tail",
        },
    ),
    "episodes": (
        "one spell of cash trouble or of an upset accounts department",
        {
            "customer_id": "the customer",
            "spell": "strained, distressed, insolvent, administrative",
            "from_on": "first day",
            "until_on": "last day (the end of the tail when it goes on)",
        },
    ),
    "emails": (
        "one inbound e-mail",
        {
            "email_id": "the mail in the ledger",
            "source_mail_id": "the labelled mail it was made from",
            "labels": "its labels",
            "language": "its language: fr, en, mixed",
            "auto_reply": "a machine sent it",
            "promise_on": "promised day; null: no promise, or its day does not move with the mail",
        },
    ),
}


def sidecar_text(
    settings: WorldSettings,
    tables: Mapping[str, pl.DataFrame],
    truth: Mapping[str, pl.DataFrame],
    folder: Path,
    command: str,
) -> str:
    """The README of a simulated ledger, for files that lie in `folder` already."""
    regime = settings.regime_change_month
    lines = [
        "# A simulated ledger",
        "",
        "Every customer, invoice, payment and event here is invented by the generator in",
        "`data_samples/generator`. Any likeness to an actual firm is coincidental; company numbers begin",
        "with 0000. Made by:",
        "",
        "```",
        command,
        "```",
        "",
        f"The ledger runs from {settings.start} to {settings.end} and holds what the supplier knew at the",
        "end of that last day: invoices unpaid then are open, disputes not closed by then are open.",
        "There is no regime change." if regime is None else f"From month {regime} on the economy is harder.",
        "Amounts are gross, in euros; instants are UTC; days are civil days.",
        "",
        "## Ledger",
        "",
    ]
    for name, frame in tables.items():
        described = {column: str(spec.description or "") for column, spec in SCHEMAS[name].columns().items()}
        lines += _table_lines(f"{name}.parquet", frame, _GRAIN[name], ", ".join(KEYS[name]), described)
    lines += [
        "## Truth",
        "",
        "`truth/` holds what nobody knows at the end of the ledger: for evaluation only, never an input.",
        "The oracle behind `probabilities` knows, on the issue day, the customer's habit, speed, run",
        "calendar, cash state and administrative phase, the sector's climate, the invoice. It does not know",
        "whether the invoice will be forgotten, blocked or disputed, nor how the cash state will change.",
        "The probabilities are exact, not sampled.",
        "",
    ]
    for name, frame in truth.items():
        grain, columns = _TRUTH_COLUMNS[name]
        lines += _table_lines(f"truth/{name}.parquet", frame, grain, next(iter(columns)), columns)
    lines += [
        "`truth/settings.json` holds every parameter of the world.",
        "",
        "## E-mails",
        "",
        "Inbound mails are drawn from a fixed part of the labelled set in `data_samples/emails`: the",
        f"{len(sample_world_mail_ids())} ids whose SHA-256, read as a number, is even",
        "(`sample_world_mail_ids()`). Train a classifier on the others when its worth is measured",
        "here. Mails are moved by whole weeks and the full dates in them moved alike; month names alone,",
        "week numbers and bare days of the month stay as written.",
        "",
        "## Licence",
        "",
        "Same licence as the project.",
        "",
        "## SHA-256",
        "",
        "```",
    ]
    names = (
        [f"{name}.parquet" for name in tables]
        + [f"truth/{name}.parquet" for name in truth]
        + ["truth/settings.json"]
    )
    lines += [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    return "\n".join([*lines, "```", ""])


def _table_lines(
    file: str, frame: pl.DataFrame, grain: str, key: str, described: Mapping[str, str]
) -> list[str]:
    rows = [
        f"| `{column}` | {frame.schema[column]} | {frame[column].null_count()} | {described[column]} |"
        for column in frame.columns
    ]
    head = [f"### `{file}`", "", f"One row is {grain}; key {key}; {frame.height} rows.", ""]
    return [*head, "| column | type | nulls | meaning |", "|---|---|---|---|", *rows, ""]
