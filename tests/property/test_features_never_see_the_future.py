"""The promise everything rests on: what is known at or after t changes nothing at t. For every catalogue column."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.asof import LANDMARK_SCHEMA, PaymentHistory
from features.errors import InvalidInputError
from features.groups.catalogue import CATALOGUE, FEATURE_NAMES
from features.groups.compute import compute_features
from features.ledger.as_known import as_known_before
from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.ledger.references import rows_of_customers
from features.settings import LedgerSettings
from tests.property.ledger_worlds import SPAN, day, frame, ledgers

SLOW = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

WORLDS = st.one_of(
    ledgers(with_instalments=True, with_changes=True),
    ledgers(with_instalments=True, currencies=("EUR", "USD", "GBP"), with_changes=True),
)
SETTINGS = LedgerSettings(reporting_currency="EUR")


def landmarks_of(ledger: Ledger, as_of: dt.date) -> pl.DataFrame:
    """Every invoice issued by then at that date (open or not), and a draft of a known and an unknown customer."""
    rows = receivables(ledger).invoices.filter((pl.col("kind") == "invoice") & (pl.col("issued_on") <= as_of))
    drafts = pl.DataFrame(
        [
            {
                "invoice_id": f"draft-{customer}",
                "customer_id": customer,
                "issued_on": as_of,
                "due_on": as_of + dt.timedelta(days=30),
                "amount": Decimal("100.00"),
                "currency": "EUR",
                "terms": "30 jours",
                "delivery_channel": "email",
                "purchase_order": None,
            }
            for customer in ("C0", "nobody")
        ],
        schema={name: rows.schema[name] for name in LANDMARK_SCHEMA if name in rows.schema},
    )
    return (
        pl.concat([rows.select(drafts.columns), drafts])
        .with_columns(pl.lit(as_of).alias("as_of"), pl.col("amount").cast(pl.Float64))
        .select(LANDMARK_SCHEMA.names())
        .cast(dict(LANDMARK_SCHEMA))
    )


def known_before(ledger: Ledger, as_of: dt.date, keep: list[str]) -> Ledger:
    """The ledger with everything known at or after the date deleted; the scored invoices of the day stay.

    What is known of those before they are issued stays too, as it is seen when they are scored.
    """
    whole = {name.partition("#")[0] for name in keep}
    past = as_known_before(ledger, as_of)
    of_the_day = ledger.invoices.filter((pl.col("issued_on") >= as_of) & pl.col("invoice_id").is_in(whole))
    issued = of_the_day.with_columns(issued_on=pl.lit(as_of - dt.timedelta(days=1)))
    seen = as_known_before(
        replace(ledger, invoices=pl.concat([past.invoices, issued]), customer_history=None), as_of
    )
    dates = ledger.invoices.select("invoice_id", "issued_on")
    return replace(
        past,
        invoices=seen.invoices.drop("issued_on")
        .join(dates, on="invoice_id", how="left", validate="1:1")
        .select(ledger.invoices.columns),
        payments=seen.payments,
        disputes=seen.disputes,
        instalments=seen.instalments,
    )


def features_at(ledger: Ledger, signals: pl.DataFrame, landmarks: pl.DataFrame) -> pl.DataFrame:
    return compute_features(PaymentHistory.from_ledger(ledger, SETTINGS, signals), landmarks)


def cut(signals: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    return signals.filter(pl.col("sent_at") < dt.datetime.combine(as_of, dt.time(), tzinfo=dt.UTC))


def chains_of(ledger: Ledger) -> list[list[str]]:
    """Customers that are merged at any time, together; every other customer alone."""
    chain = {customer_id: {customer_id} for customer_id in ledger.customers["customer_id"]}
    for customer_id, into in ledger.customer_merges.select("customer_id", "merged_into_id").iter_rows():
        joined = chain[customer_id] | chain[into]
        chain |= dict.fromkeys(joined, joined)
    return [sorted(members) for members in {min(members): members for members in chain.values()}.values()]


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60))
def test_the_catalogue_covers_exactly_the_computed_columns(
    world: tuple[Ledger, pl.DataFrame], offset: int
) -> None:
    ledger, signals = world
    computed = features_at(ledger, signals, landmarks_of(ledger, day(offset)))
    assert computed.columns == ["invoice_id", "as_of", *FEATURE_NAMES]
    assert [column.name for column in CATALOGUE] == list(FEATURE_NAMES)
    assert set(computed.schema.values()) == {pl.String, pl.Date, pl.Float64}


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60))
def test_deleting_the_future_changes_no_feature(world: tuple[Ledger, pl.DataFrame], offset: int) -> None:
    ledger, signals = world
    as_of = day(offset)
    landmarks = landmarks_of(ledger, as_of)
    past = known_before(ledger, as_of, landmarks["invoice_id"].to_list())
    assert_frame_equal(
        features_at(ledger, signals, landmarks),
        features_at(past, cut(signals, as_of), landmarks),
        check_exact=True,
    )


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN), later=st.integers(0, 200), data=st.data())
def test_falsifying_the_future_changes_no_feature(
    world: tuple[Ledger, pl.DataFrame], offset: int, later: int, data: st.DataObject
) -> None:
    ledger, signals = world
    as_of = day(offset)
    landmarks = landmarks_of(ledger, as_of)
    past = known_before(ledger, as_of, landmarks["invoice_id"].to_list())
    invented_day = as_of + dt.timedelta(days=later)
    invented = [
        {
            "payment_id": f"F{i}",
            "invoice_id": invoice_id,
            "paid_on": as_of - dt.timedelta(days=data.draw(st.integers(-5, 5))),
            "known_on": invented_day,
            "amount": Decimal("999999.00"),
            "method": "transfer",
        }
        for i, invoice_id in enumerate(past.invoices.filter(pl.col("kind") == "invoice")["invoice_id"])
    ]
    invented_invoice = {
        "invoice_id": "ZZ",
        "customer_id": "C0",
        "kind": "invoice",
        "issued_on": invented_day,
        "due_on": invented_day,
        "amount": Decimal("1000000.00"),
        "currency": "EUR",
        "purchase_order": "PO9",
    }
    # A customer's first row holds for the time before it, so rows are invented of customers that have one already, and
    # say nothing that no earlier row said.
    described = past.customer_history.filter(pl.col("valid_from_on") < as_of)
    said = described.group_by("customer_id").agg(
        pl.col(name).is_not_null().any() for name in ("sector", "country", "credit_limit")
    )
    changed = [
        {
            "customer_id": row["customer_id"],
            "valid_from_on": invented_day,
            "sector": "99" if row["sector"] else None,
            "country": "DE" if row["country"] else None,
            "credit_limit": Decimal("1.00") if row["credit_limit"] else None,
        }
        for row in said.iter_rows(named=True)
    ]
    merged_already = set(past.customer_merges["customer_id"])
    free = [name for name in ledger.customers["customer_id"] if name not in merged_already]
    merges = [
        {"customer_id": one, "merged_into_id": into, "merged_on": invented_day}
        for one, into in pairwise(data.draw(st.permutations(free)))
    ]
    falsified = replace(
        past,
        customer_history=pl.concat([past.customer_history, frame("customer_history", changed)]),
        customer_merges=pl.concat([past.customer_merges, frame("customer_merges", merges)]),
        payments=pl.concat([past.payments, frame("payments", invented)]),
        invoices=pl.concat([past.invoices, frame("invoices", [invented_invoice])]),
        disputes=pl.concat(
            [
                past.disputes.with_columns(pl.col("closed_on").fill_null(invented_day)),
                frame("disputes", [{"dispute_id": "ZZ", "invoice_id": "ZZ", "opened_on": invented_day}]),
            ]
        ),
    )
    assert_frame_equal(
        features_at(past, cut(signals, as_of), landmarks),
        features_at(falsified, signals, landmarks),
        check_exact=True,
    )


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60), seed=st.integers(0, 100))
def test_the_order_of_rows_changes_no_feature(
    world: tuple[Ledger, pl.DataFrame], offset: int, seed: int
) -> None:
    ledger, signals = world
    landmarks = landmarks_of(ledger, day(offset))
    shuffled = Ledger.from_tables(
        {name: table.sample(fraction=1.0, shuffle=True, seed=seed) for name, table in ledger.tables()}
    )
    moved = landmarks.sample(fraction=1.0, shuffle=True, seed=seed)
    left = features_at(ledger, signals, landmarks).sort("invoice_id")
    right = features_at(shuffled, signals.sample(fraction=1.0, shuffle=True, seed=seed), moved).sort(
        "invoice_id"
    )
    assert_frame_equal(left, right, check_exact=True)


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60))
def test_one_landmark_alone_has_the_features_it_has_in_a_batch(
    world: tuple[Ledger, pl.DataFrame], offset: int
) -> None:
    ledger, signals = world
    landmarks = landmarks_of(ledger, day(offset))
    history = PaymentHistory.from_ledger(ledger, SETTINGS, signals)
    batch = compute_features(history, landmarks)
    alone = pl.concat([compute_features(history, landmarks[i : i + 1]) for i in range(landmarks.height)])
    assert_frame_equal(batch, alone, check_exact=True)


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60), known=st.integers(0, SPAN))
def test_replacing_a_customer_online_equals_preparing_the_whole_ledger_again(
    world: tuple[Ledger, pl.DataFrame], offset: int, known: int
) -> None:
    ledger, signals = world
    landmarks = landmarks_of(ledger, day(offset))
    stale = known_before(ledger, day(known), [])
    history = PaymentHistory.from_ledger(
        replace(stale, indicators=ledger.indicators), SETTINGS, cut(signals, day(known))
    )
    for chain in chains_of(ledger):
        part = rows_of_customers(ledger, chain)
        history = history.with_customer(part, signals.filter(pl.col("customer_id").is_in(chain)))
    assert_frame_equal(
        compute_features(history, landmarks), features_at(ledger, signals, landmarks), check_exact=True
    )


@SLOW
@given(world=WORLDS, offset=st.integers(1, SPAN + 60))
def test_every_feature_stays_in_its_declared_range(world: tuple[Ledger, pl.DataFrame], offset: int) -> None:
    ledger, signals = world
    values = features_at(ledger, signals, landmarks_of(ledger, day(offset)))
    for column in CATALOGUE:
        known = values[column.name].drop_nulls()
        if column.minimum is not None and len(known):
            assert known.min() >= column.minimum, column.name
        if column.maximum is not None and len(known):
            assert known.max() <= column.maximum, column.name


def test_a_landmark_before_its_issue_is_refused() -> None:
    row = {
        "invoice_id": "I1",
        "customer_id": "C1",
        "as_of": dt.date(2024, 1, 1),
        "issued_on": dt.date(2024, 1, 2),
        "due_on": dt.date(2024, 2, 1),
        "amount": 10.0,
    }
    history = PaymentHistory.from_ledger(
        Ledger(frame("customers", []), frame("invoices", []), frame("payments", []))
    )
    with pytest.raises(
        InvalidInputError, match=r"as-of date lies before the issue date \(1 row\), for example I1"
    ):
        compute_features(history, pl.DataFrame([row]))
