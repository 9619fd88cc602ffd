"""What is asked for, invoice by invoice, in ledgers with bounces, foreign credit and discounts (hand calculation)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from features.asof import open_landmarks
from features.ledger import check_folder
from features.settings import LedgerSettings
from serving.accounts import account_facts

CASES = Path(__file__).parent / "ledger_cases"
JUNE = dt.date(2026, 6, 29)
JULY = dt.date(2026, 7, 12)


def asked(case: str, on: dt.date, settings: LedgerSettings | None = None) -> dict[str, str]:
    """Open invoices and what is asked for each: its balance less the customer's unapplied credit."""
    ledger = check_folder(CASES / case).ledger
    ids = open_landmarks(ledger, on, settings)["invoice_id"].to_list()
    facts = account_facts(ledger, ids, on, settings=settings)
    return {key: str(facts[key].balance_amount - facts[key].unapplied_credit_amount) for key in sorted(ids)}


def test_the_dunning_ledger_asks_for_what_is_owed():
    assert asked("dunning_ledger", JUNE) == {
        "ALL2-2": "300.00",
        "ALLO-2": "300.00",
        "BOUN-1": "1000.00",  # the debit bounced on 27 May
        "CRE2-1": "300.00",  # a credit note of 200 was never set off
        "CRED-1": "0.00",  # one of 600 neither
        "MUL2-1": "1000.00",  # a credit note in dollars settles no euros
        "MULT-1": "1000.00",
        "MULT-2": "2000.00",
        "OVER-2": "0.00",  # the other invoice was overpaid by 900
        "PART-1": "600.00",
        "REFU-1": "300.00",  # the credit note was refunded in cash
        "SKON-1": "100.00",  # two percent were left out, no terms grant them
        "WEEK-1": "1000.00",
    }


def test_a_debit_that_bounces_in_july_is_asked_again_from_then_on():
    assert "BOU2-1" not in asked("dunning_ledger", JUNE)
    assert asked("dunning_ledger", JULY)["BOU2-1"] == "1000.00"


def test_a_cash_discount_that_is_accepted_is_not_chased():
    accepted = LedgerSettings(accepted_discount_share=Decimal("0.02"), accepted_discount_days=10)
    assert "SKON-1" not in asked("dunning_ledger", JUNE, accepted)
    late = LedgerSettings(accepted_discount_share=Decimal("0.02"), accepted_discount_days=7)
    assert "SKON-1" in asked("dunning_ledger", JUNE, late)


@pytest.mark.parametrize(
    ("invoice", "amount"),
    [
        ("BOPA-1", "500.00"),
        ("BORE-1", "600.00"),
        ("BOOT-1", "1000.00"),
        ("JPY-1", "1000.00"),  # yen and dollars of credit notes stay apart without a rate
        ("USD3-1", "1000.00"),
        ("REFA-1", "2000.00"),  # the credit note was refunded, booked below zero
        ("REFB-1", "2000.00"),  # and here above zero
    ],
)
def test_bounces_foreign_credit_and_refunded_credit_notes_lower_nothing(invoice, amount):
    assert asked("reversal_and_foreign_credit", JUNE)[invoice] == amount
