"""Settlement as a state at a date, against plain loops; and what no later fact may change."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger import Ledger, as_known_before
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from features.settlement import EPISODE_SCHEMA, settlement_at, settlement_episodes
from tests.property.ledger_worlds import SPAN, day, ledgers
from tests.property.reference_settlement import (
    Episode,
    cents,
    episodes_of,
    split_allocations,
    state_at,
    tables,
)

MANY = settings(max_examples=80)
WORLDS = ledgers(with_instalments=True).map(lambda world: world[0])
DAYS = st.integers(-3, SPAN + 120).map(day)
SETTINGS = st.builds(
    LedgerSettings,
    settled_tolerance=st.sampled_from([Decimal("0.00"), Decimal("0.05"), Decimal("1.00")]),
    accepted_discount_share=st.sampled_from([Decimal(0), Decimal(0), Decimal("0.02"), Decimal("0.5")]),
    accepted_discount_days=st.sampled_from([0, 10, 60]),
)


def expected(ledger: Ledger, chosen: LedgerSettings) -> dict[str, list[Episode]]:
    whole = tables(receivables(ledger))
    by_id = {row["payment_id"]: row for row in whole["payments"]}
    return {
        invoice["invoice_id"]: episodes_of(
            invoice,
            [row for row in whole["payments"] if row["invoice_id"] == invoice["invoice_id"]],
            by_id,
            chosen,
        )
        for invoice in whole["invoices"]
        if invoice["kind"] == "invoice"
    }


@MANY
@given(WORLDS, SETTINGS)
def test_episodes_equal_their_plain_loop(ledger, chosen):
    found: dict[str, list[Episode]] = defaultdict(list)
    rows = settlement_episodes(ledger, chosen)
    assert rows.schema == EPISODE_SCHEMA
    for row in rows.iter_rows(named=True):
        known = found[row["invoice_id"]]
        if row["episode"]:
            assert row["episode"] == len(known) + 1
            known.append(
                Episode(
                    row["settled_on"],
                    row["settlement_known_on"],
                    row["reopened_on"],
                    row["allocation_count"],
                    row["closed_by"],
                )
            )
    assert dict(found) == expected(ledger, chosen)


@MANY
@given(WORLDS, SETTINGS, DAYS)
def test_the_state_at_a_date_equals_its_plain_loop(ledger, chosen, on):
    states = settlement_at(settlement_episodes(ledger, chosen), on)
    wanted = {name: state_at(found, on) for name, found in expected(ledger, chosen).items()}
    assert states["invoice_id"].to_list() == list(wanted)
    for row in states.iter_rows(named=True):
        state = wanted[row["invoice_id"]]
        if state is None:
            assert set(row.values()) == {row["invoice_id"], None}
        else:
            assert row["settled_on"] == state.settled_on
            assert (row["settlement_known_on"], row["closed_by"]) == (state.known_on, state.closed_by)


@MANY
@given(WORLDS, SETTINGS, DAYS)
def test_a_state_depends_on_nothing_known_at_its_date_or_later(ledger, chosen, on):
    def state(of: Ledger) -> dict[str, tuple]:
        known = settlement_at(settlement_episodes(of, chosen), on)
        return {row[0]: row for row in known.iter_rows()}

    known = as_known_before(ledger, on)
    of_known = state(known)
    assert of_known == {key: row for key, row in state(ledger).items() if key in of_known}
    falsified = replace(
        ledger,
        payments=ledger.payments.with_columns(
            amount=pl.when(pl.col("known_on") >= on)
            .then(pl.lit(Decimal("99999.99"), pl.Decimal(18, 2)))
            .otherwise("amount"),
            paid_on=pl.when(pl.col("known_on") >= on).then(pl.lit(dt.date(2023, 1, 1))).otherwise("paid_on"),
        ),
    )
    assert state(falsified) == state(ledger)


@MANY
@given(WORLDS, SETTINGS, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(ledger, chosen, random):
    shuffled = replace(
        ledger,
        payments=ledger.payments[random.sample(range(ledger.payments.height), ledger.payments.height)],
    )
    assert settlement_episodes(shuffled, chosen).equals(settlement_episodes(ledger, chosen))


@MANY
@given(WORLDS, DAYS)
def test_instalments_hold_what_was_allocated_to_their_invoice_at_every_date(ledger, on):
    whole = receivables(ledger)
    if ledger.instalments is None:
        return
    of_invoice = dict(
        ledger.instalments.select(
            pl.concat_str("invoice_id", pl.lit("#"), pl.col("number").cast(pl.String)).alias("receivable"),
            "invoice_id",
        ).iter_rows()
    )

    def allocated(payments: pl.DataFrame) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in payments.filter(pl.col("known_on") < on).iter_rows(named=True):
            sums[of_invoice.get(row["invoice_id"], row["invoice_id"])] += row["amount"]
        return {key: amount for key, amount in sums.items() if amount}

    assert allocated(whole.payments) == allocated(ledger.payments)


@MANY
@given(WORLDS)
def test_splits_equal_their_plain_loop(ledger):
    rows = tables(ledger)
    parted = {row["invoice_id"] for row in rows["instalments"]}
    wanted = sorted(
        (f"{row['payment_id']}#{number}", f"{invoice}#{number}", amount)
        for invoice in parted
        for row, number, amount in split_allocations(invoice, rows["instalments"], rows["payments"])
    )
    found = sorted(
        (row["payment_id"], row["invoice_id"], cents(row["amount"]))
        for row in tables(receivables(ledger))["payments"]
        if "#" in row["payment_id"]
    )
    assert found == wanted


@MANY
@given(WORLDS, DAYS)
def test_nothing_known_later_changes_an_earlier_split(ledger, on):
    before = receivables(as_known_before(ledger, on)).payments
    issued = receivables(ledger).invoices.filter(pl.col("issued_on") < on)["invoice_id"]
    after = receivables(ledger).payments.filter(
        (pl.col("known_on") < on)
        & (pl.col("invoice_id").is_null() | pl.col("invoice_id").is_in(issued.implode()))
    )
    # Row order carries no meaning; which part of a row a reversal names may follow from later rows.
    first, second = (frame.drop("reverses_payment_id").sort("payment_id") for frame in (before, after))
    assert first.equals(second)


@MANY
@given(WORLDS, DAYS)
def test_receivables_keep_what_each_customer_owes_at_every_date(ledger, on):
    """Invoiced less credit notes, cash, write-offs, discounts and set-offs, refunds given back."""

    def balances(of: Ledger) -> dict[tuple[str, str], int]:
        known = tables(as_known_before(of, on))
        customers = {row["invoice_id"]: row["customer_id"] for row in known["invoices"]}
        found: dict[tuple[str, str], int] = defaultdict(int)
        for row in known["invoices"]:
            if row["cancelled_on"] is None:
                sign = 1 if row["kind"] == "invoice" else -1
                found[row["customer_id"], row["currency"]] += sign * cents(row["amount"])
        for row in known["payments"]:
            if row["method"] not in ("credit_note", "on_account"):
                found[row["customer_id"] or customers[row["invoice_id"]], "EUR"] -= cents(row["amount"])
        return {key: amount for key, amount in found.items() if amount}

    assert balances(receivables(ledger)) == balances(ledger)
