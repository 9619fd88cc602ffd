"""Write the home of a service as an earlier commit wrote it, for `test_store_migrations.py`.

Run once per commit with the code of that commit; all names and texts are invented, the secret is for tests only:

    git worktree add --detach ../old COMMIT
    PYTHONPATH=../old python tests/integration/old_stores/write_old_store.py tests/integration/old_stores/COMMIT
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from serving.access import Scope, make_key, write_keys
from serving.privacy import DataSubject, erase_data

from features.ledger import Ledger, table_dtypes
from serving.store import OVERRIDE, SCORE, Answer, facts_of, new_answer_id, open_store, sqlite_url

SECRET = b"test pepper of forty characters, no more"
NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    dtypes = table_dtypes(table)
    return pl.DataFrame([{name: row.get(name) for name in dtypes} for row in rows], schema=dtypes)


def day(offset: int) -> dt.date:
    return dt.date(2026, 1, 1) + dt.timedelta(offset)


def invoice(number: int, customer: str, amount: str) -> dict[str, Any]:
    return {
        "invoice_id": f"F-{number}",
        "customer_id": customer,
        "kind": "invoice",
        "issued_on": day(number),
        "due_on": day(30 + number),
        "amount": Decimal(amount),
        "currency": "EUR",
        "terms": "30 jours",
    }


def paid(number: int, invoice_id: str, amount: str, on: int) -> dict[str, Any]:
    return {
        "payment_id": f"P-{number}",
        "invoice_id": invoice_id,
        "paid_on": day(on),
        "known_on": day(on + 1),
        "amount": Decimal(amount),
        "method": "transfer",
    }


def sample_ledger() -> Ledger:
    return Ledger(
        customers=frame(
            "customers",
            [
                {
                    "customer_id": name,
                    "name": title,
                    "country": "FR",
                    "is_strategic": name == "C-3",
                    "sector": "43",
                }
                for name, title in (
                    ("C-1", "Maçonnerie Aubrac"),
                    ("C-2", "Vitrerie Lot"),
                    ("C-3", "Hôtel du Causse"),
                )
            ],
        ),
        invoices=frame("invoices", [invoice(n, f"C-{1 + n % 3}", f"{n}50.40") for n in range(1, 9)]),
        payments=frame("payments", [paid(1, "F-1", "150.40", 33), paid(2, "F-2", "100.00", 40)]),
        disputes=frame(
            "disputes",
            [{"dispute_id": "D-1", "invoice_id": "F-3", "opened_on": day(45), "reason": "price"}],
        ),
        emails=frame(
            "emails",
            [
                {
                    "email_id": f"M-{number}",
                    "customer_id": f"C-{number}",
                    "sent_at": NOW - dt.timedelta(days=number),
                    "direction": "inbound",
                    "subject": "Facture",
                    "body": f"Bonjour, nous réglons la facture F-{number} vendredi.",
                }
                for number in (1, 2)
            ],
        ),
    )


def sample_events() -> list[Any]:
    late = frame("payments", [paid(3, "F-4", "450.40", 50), paid(4, "F-99", "10.00", 51)])
    opened = [
        {"dispute_id": "D-2", "invoice_id": "F-5", "opened_on": day(55), "reason": "quantity"},
        {"dispute_id": "D-3", "invoice_id": "f-98", "opened_on": day(56)},
    ]
    call = {
        "interaction_id": "I-1",
        "customer_id": "C-2",
        "invoice_id": "F-2",
        "happened_at": NOW - dt.timedelta(days=3),
        "kind": "call",
        "channel": "phone",
    }
    tables = {
        "payments": late,
        "disputes": frame("disputes", opened),
        "interactions": frame("interactions", [call]),
    }
    return [fact for table, rows in tables.items() for fact in facts_of(table, rows)]


def sample_answers() -> tuple[list[Answer], list[Answer]]:
    scores = [
        Answer(
            new_answer_id(SCORE),
            SCORE,
            f"F-{number}",
            f"C-{1 + number % 3}",
            NOW,
            "erp",
            {"p_late": number / 10, "decision": {"sequence_id": "reinforced", "next_step_on": "2026-03-05"}},
        )
        for number in range(2, 9)
    ]
    overrides = []
    for score, sequence_id, until in ((scores[0], "courtesy", "2026-03-20"), (scores[3], "hold", None)):
        override_id = new_answer_id(OVERRIDE)
        body = {
            "override_id": override_id,
            "decision_id": score.answer_id,
            "invoice_id": score.subject_id,
            "proposed_sequence_id": "reinforced",
            "sequence_id": sequence_id,
            "reason": "spoke to the owner",
            "decided_by": "a.tester",
            "hold_until": until,
            "created_at": NOW.isoformat(),
        }
        overrides.append(
            Answer(override_id, OVERRIDE, score.answer_id, score.customer_id, NOW, "credit", body)
        )
    return scores, overrides


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    path = folder / "store.db"
    store = open_store(sqlite_url(path), SECRET)
    store.load_ledger(sample_ledger(), NOW)
    store.take_in(sample_events(), NOW + dt.timedelta(minutes=5))
    scores, overrides = sample_answers()
    store.replace_nightly(scores[4:])
    store.keep(scores[:4])
    store.keep(overrides)
    erase_data(store, DataSubject(customer_id="C-2"), "a.tester", NOW + dt.timedelta(hours=1))
    store.close()
    key, text = make_key("erp", [Scope.SCORE, Scope.EVENTS], None, SECRET, NOW)
    write_keys(folder / "keys.json", [key])
    (folder / "key.txt").write_text(text + "\n", encoding="utf-8")
    with sqlite3.connect(path) as connection:
        (folder / "store.sql").write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
    for name in folder.glob("store.db*"):
        name.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
