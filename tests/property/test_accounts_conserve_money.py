"""What customers owe less what is held for them is what was invoiced less what came: per currency, at any date."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import as_known_before
from serving.accounts import read_accounts
from tests.property.ledger_worlds import SPAN, day, ledgers
from tests.property.reference_settlement import Row, tables


def effective_method(row: Row, rows: list[Row]) -> str | None:
    """The method of a row; of a reversal that of the row it undoes, where it names one."""
    undone = [other for other in rows if other["payment_id"] == row["reverses_payment_id"]]
    return undone[0]["method"] if undone and row["method"] == "reversal" else row["method"]


CURRENCIES = st.lists(st.sampled_from(["EUR", "EUR", "USD"]), min_size=14, max_size=14)


@settings(max_examples=60)
@given(ledgers(with_instalments=True), CURRENCIES, st.integers(-3, SPAN + 120).map(day))
def test_money_is_conserved_per_customer_and_currency(world, currencies, on):
    ledger = world[0]
    money = dict(zip([f"I{number:02d}" for number in range(14)], currencies, strict=True))
    ledger = replace(
        ledger,
        invoices=ledger.invoices.with_columns(currency=pl.col("invoice_id").replace_strict(money)),
        payments=ledger.payments.with_columns(
            currency=pl.when(pl.col("invoice_id").is_null()).then(pl.lit("EUR"))
        ),
    )
    known = tables(as_known_before(ledger, on + timedelta(days=1)))
    owners = {row["invoice_id"]: (row["customer_id"], row["currency"]) for row in known["invoices"]}
    kinds = {row["invoice_id"]: row["kind"] for row in known["invoices"]}
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in known["invoices"]:
        if row["cancelled_on"] is None:
            expected[owners[row["invoice_id"]]] += row["amount"] * (1 if row["kind"] == "invoice" else -1)
    for row in known["payments"]:
        if row["invoice_id"] is None:
            expected[row["customer_id"], "EUR"] -= row["amount"]
        elif kinds[row["invoice_id"]] == "credit_note":
            expected[owners[row["invoice_id"]]] += abs(row["amount"])  # a refund: money went back
        elif effective_method(row, known["payments"]) not in ("credit_note", "on_account"):
            expected[owners[row["invoice_id"]]] -= row["amount"]

    customers = ledger.customers["customer_id"].to_list()
    accounts = read_accounts(ledger, customers, on)
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for invoice in accounts._invoices.values():
        key = (invoice.row["customer_id"], invoice.row["currency"])
        found[key] += max(invoice.balance, Decimal(0))
    for customer_id, customer in accounts._customers.items():
        for currency, credit in customer.credits.items():
            found[customer_id, currency] -= credit
    assert {key: value for key, value in found.items() if value} == {
        key: value for key, value in expected.items() if value
    }
