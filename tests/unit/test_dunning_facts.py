"""Facts that cannot be decided on are refused at the door, all faults together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from features.errors import InvalidInputError
from serving.dunning import AccountFacts, Contact, FeedDay, ScoredInvoice

DAY = date(2025, 10, 2)


def scored(**changes):
    values = {
        "invoice_id": "F-1",
        "customer_id": "C-1",
        "as_of": DAY,
        "issued_on": DAY,
        "due_on": DAY,
        "amount": Decimal("100"),
        "open_amount": Decimal("100"),
    }
    return ScoredInvoice(**{**values, **changes})


def test_every_fault_of_a_score_is_in_one_report():
    with pytest.raises(InvalidInputError) as refused:
        scored(
            p_late=1.2,
            unpaid_probability=((7, 0.5), (0, float("nan"))),
            amount=Decimal("-5"),
            open_amount=Decimal("NaN"),
            due_on=date(9999, 1, 1),
            currency="euro",
            customer_id="",
        )
    message = str(refused.value)
    assert "scored invoice F-1 cannot be decided on" in message
    for part in (
        "due_on: 9999-01-01 is outside the days known",
        "open_amount: NaN is not an amount",
        "p_late: 1.2 is not a probability",
        "unpaid_probability at 0 days: nan is not a probability",
        "unpaid_probability: horizons are not ascending",
        "customer_id: an empty key",
        "amount: -5 is not an amount to pay",
        "'euro' is no currency",
    ):
        assert part in message
    assert len(refused.value.faults) == 8


def test_every_fault_of_an_account_is_in_one_report():
    with pytest.raises(InvalidInputError) as refused:
        AccountFacts(
            Decimal("1e20"),
            unapplied_credit_amount=Decimal("-1"),
            feeds=(FeedDay("payments", date(1900, 1, 1)), FeedDay("weather", None)),
            exchange_rates=(("USD", Decimal("0")), ("USD", Decimal("NaN")), ("usd", Decimal("1"))),
            contacts=(Contact(date(1900, 1, 1), "email"),),
            fallen_due_count=3,
            late_count=4,
        )
    message = str(refused.value)
    for part in (
        "balance_amount",
        "unapplied_credit_amount: -1 is negative",
        "feeds: 1900-01-01 is outside the days known",
        "feeds: 'weather' is not known; expected one of invoices, payments",
        "contacts",
        "exchange_rates: 0 is not a rate",
        "exchange_rates: NaN is not an amount",
        "exchange_rates: 'usd' is no currency",
        "exchange_rates: a currency is given twice",
        "late_count, fallen_due_count: 4 late of 3",
    ):
        assert part in message
    assert len(refused.value.faults) == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"instalment_number": 2},
        {"instalment_count": 3},
        {"instalment_kind": "retention"},
        {"instalment_number": 0, "instalment_count": 3},
    ],
)
def test_half_an_instalment_is_refused(fields):
    with pytest.raises(InvalidInputError, match="instalment_number, instalment_count: instalment"):
        scored(**fields)


def test_a_receivable_is_named_by_its_invoice_and_instalment():
    assert scored().receivable_id == "F-1"
    assert scored(instalment_number=2, instalment_count=3).receivable_id == "F-1#2"


@pytest.mark.parametrize(
    ("disputed", "part", "rest"),
    [(None, "70.00", "0.00"), ("20.00", "20.00", "50.00"), ("90.00", "70.00", "0.00")],
)
def test_the_undisputed_rest_is_the_net_balance_without_the_disputed_part(disputed, part, rest):
    amount = None if disputed is None else Decimal(disputed)
    account = AccountFacts(
        Decimal("100.00"),
        unapplied_credit_amount=Decimal("30.00"),
        has_open_dispute=True,
        disputed_amount=amount,
    )
    assert (account.disputed_part_amount, account.undisputed_amount) == (Decimal(part), Decimal(rest))
    assert replace(account, has_open_dispute=False).undisputed_amount == Decimal("70.00")


def test_words_outside_the_closed_lists_are_refused():
    with pytest.raises(InvalidInputError) as refused:
        scored(grade="F", rfm_segment="unknown", cold_start_rung="guess")
    message = str(refused.value)
    assert "grade: 'F' is not known; expected one of A, B, C, D, E, or null" in message
    assert "rfm_segment: 'unknown' is not known" in message
    assert "cold_start_rung: 'guess' is not known" in message
    with pytest.raises(InvalidInputError, match="admin_blockage: 'lost' is not known"):
        AccountFacts(Decimal("1"), admin_blockage="lost")
    with pytest.raises(InvalidInputError, match="contacts: 'pigeon' is not known"):
        AccountFacts(Decimal("1"), contacts=(Contact(DAY, "pigeon"),))


def test_the_balance_is_net_of_unapplied_credits():
    account = AccountFacts(Decimal("100.00"), unapplied_credit_amount=Decimal("30.00"))
    assert account.net_balance_amount == Decimal("70.00")


@pytest.mark.parametrize(
    ("days", "expected"), [(-5, 0.6), (0, 0.6), (1, 0.5), (7, 0.5), (8, 0.2), (400, 0.2)]
)
def test_the_probability_on_a_day_is_of_the_next_horizon(days, expected):
    score = scored(p_late=0.7, unpaid_probability=((0, 0.6), (7, 0.5), (30, 0.2)))
    assert score.unpaid_at(days) == expected


def test_without_a_score_no_probability_is_invented():
    assert scored().unpaid_at(10) is None
    assert scored(p_late=0.7).unpaid_at(10) == 0.7
