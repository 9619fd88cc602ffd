"""What was paid in full long ago need not be read one by one: accounts say the same as if it were."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from unittest import mock

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import Ledger, check_tables, table_dtypes
from features.ledger.receivables import receivables
from serving.accounts import Accounts, read_accounts
from serving.accounts import invoices as account_invoices
from serving.dunning import AccountFacts
from tests.property.ledger_worlds import SPAN, day, ledgers


def accounts_of(ledger: Ledger, on, few: int) -> Accounts:
    with mock.patch.object(account_invoices, "FEW_INVOICES", few):
        return read_accounts(ledger, ledger.customers["customer_id"].to_list(), on)


def everything(accounts: Accounts, ledger: Ledger) -> dict[str, AccountFacts]:
    whole = receivables(ledger).invoices
    known = [invoice_id for invoice_id in whole["invoice_id"].to_list() if invoice_id in accounts.invoice_ids]
    return accounts.facts(known)


@settings(max_examples=150)
@given(ledgers(with_instalments=True), st.integers(-3, SPAN + 200).map(day))
def test_accounts_say_the_same_without_reading_what_is_at_rest(world, on):
    ledger = world[0]
    one_by_one, quick = accounts_of(ledger, on, few=1_000_000), accounts_of(ledger, on, few=0)
    assert everything(quick, ledger) == everything(one_by_one, ledger)
    for customer_id in ledger.customers["customer_id"].to_list():
        credits = [each._customers[customer_id].credits for each in (quick, one_by_one)]
        amounts = [{key: value for key, value in found.items() if value} for found in credits]
        assert amounts[0] == amounts[1]


def test_most_of_a_long_history_is_at_rest():
    first = date(2020, 1, 1)
    invoices = [
        {
            "invoice_id": f"F{number}",
            "customer_id": "C",
            "kind": "invoice",
            "issued_on": first + timedelta(days=number),
            "due_on": first + timedelta(days=number + 30),
            "amount": Decimal("10.00"),
            "currency": "EUR",
        }
        for number in range(400)
    ]
    payments = [
        {
            "payment_id": f"P{number}",
            "invoice_id": f"F{number}",
            "paid_on": first + timedelta(days=number + 20),
            "known_on": first + timedelta(days=number + 21),
            "amount": Decimal("10.00"),
        }
        for number in range(395)
    ]
    rows = {"customers": [{"customer_id": "C", "is_strategic": False}], "invoices": invoices}
    tables = {
        name: pl.DataFrame(
            [{**dict.fromkeys(table_dtypes(name)), **row} for row in found], schema=table_dtypes(name)
        )
        for name, found in {**rows, "payments": payments}.items()
    }
    accounts = accounts_of(check_tables(tables).ledger, date(2022, 1, 1), few=0)
    assert set(accounts._invoices) == {f"F{number}" for number in range(395, 400)}
    assert len(accounts.invoice_ids) == 400
