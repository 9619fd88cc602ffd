"""The night over instalments, bounces and money on account: what it finds open and what each account shows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl

from features.asof import open_landmarks
from features.settlement import settlement_at, settlement_episodes
from serving.accounts import account_facts
from serving.accounts.cases import recently_paid
from tests.ledger_samples import day, invoice, ledger, payment

THREE_PARTS = [
    {
        "invoice_id": "F1",
        "number": number,
        "due_on": day(30 * number),
        "amount": Decimal(amount),
        "kind": kind,
    }
    for number, amount, kind in (
        (1, "400.00", "instalment"),
        (2, "400.00", "instalment"),
        (3, "200.00", "retention"),
    )
]


def reminder(invoice_id: str, offset: int, **values) -> dict:
    return {
        "interaction_id": f"X{offset}",
        "customer_id": "K1",
        "invoice_id": invoice_id,
        "happened_at": dt.datetime.combine(day(offset), dt.time(9), dt.UTC),
        "kind": "reminder_sent",
        "channel": "email",
        **values,
    }


def paid_lately(held, offset: int) -> pl.DataFrame:
    return recently_paid(held, day(offset), settlement_at(settlement_episodes(held), day(offset + 1)))


def balances(held, offset: int) -> dict[str, str]:
    ids = open_landmarks(held, day(offset))["invoice_id"].to_list()
    facts = account_facts(held, ids, day(offset))
    return {key: str(facts[key].balance_amount - facts[key].unapplied_credit_amount) for key in ids}


def test_each_instalment_is_open_for_what_it_still_owes():
    held = ledger([invoice()], [payment("p", "550.00", 25)], instalments=THREE_PARTS)
    assert balances(held, 40) == {"F1#2": "250.00", "F1#3": "200.00"}
    assert paid_lately(held, 27)["invoice_id"].to_list() == ["F1#1"]


def test_a_dispute_and_a_reminder_of_the_invoice_concern_each_instalment():
    held = ledger(
        [invoice()],
        [],
        instalments=THREE_PARTS,
        disputes=[{"dispute_id": "D", "invoice_id": "F1", "opened_on": day(20)}],
        interactions=[reminder("F1", 35)],
    )
    facts = account_facts(held, ["F1#1", "F1#2", "F1#3"], day(40))
    assert all(account.has_open_dispute for account in facts.values())
    assert [account.last_step.on for account in facts.values() if account.last_step] == [day(35)] * 3
    (contact,) = facts["F1#1"].contacts
    assert contact.invoice_ids == ("F1#1", "F1#2", "F1#3")


def test_cash_on_account_reduces_the_asked_amount_until_used_or_refunded():
    cash = payment("a", "300.00", 20, invoice_id=None, customer_id="K1")
    assert balances(ledger([invoice()], [cash]), 40) == {"F1": "700.00"}
    used = payment("b", "300.00", 30, method="on_account")
    assert balances(ledger([invoice()], [cash, used]), 40) == {"F1": "700.00"}
    back = payment("c", "-100.00", 30, invoice_id=None, customer_id="K1", method="refund")
    assert balances(ledger([invoice()], [cash, back]), 40) == {"F1": "800.00"}


def test_credit_in_another_currency_lowers_nothing():
    note = invoice("A1", kind="credit_note", currency="USD", amount=Decimal("500.00"))
    dollars = payment("a", "300.00", 20, invoice_id=None, customer_id="K1", currency="USD")
    assert balances(ledger([invoice(), note], [dollars]), 40) == {"F1": "1000.00"}


def test_a_cancelled_invoice_owes_nothing_and_its_payments_become_credit():
    held = ledger(
        [invoice(cancelled_on=day(30)), invoice("F2", amount=Decimal("250.00"), replaces_invoice_id="F1")],
        [payment("p", "200.00", 10)],
    )
    assert balances(held, 40) == {"F2": "50.00"}
    facts = account_facts(held, ["F2"], day(40))
    owed = (("EUR", Decimal("250.00")),)
    assert (facts["F2"].overdue_amounts, facts["F2"].outstanding_amounts) == (owed, owed)


def test_a_text_message_counts_as_a_contact():
    held = ledger([invoice()], [], interactions=[reminder("F1", 35, kind="sms_sent", channel=None)])
    (contact,) = account_facts(held, ["F1"], day(40))["F1"].contacts
    assert contact.channel == "sms"


def test_who_was_written_off_or_cancelled_is_not_thanked():
    held = ledger(
        [invoice(), invoice("F2", cancelled_on=day(39))], [payment("w", "1000.00", 38, method="write_off")]
    )
    assert paid_lately(held, 40).is_empty()
