"""Dated attributes and merges of customers, seen at a date: against a ledger rewritten to what was known then."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.asof import LANDMARK_SCHEMA, PaymentHistory
from features.groups.catalogue import CATALOGUE
from features.groups.compute import compute_features
from features.ledger.customers_at import customers_at, merged_payers, payers_at
from features.ledger.ledger import Ledger
from tests.property.ledger_worlds import SPAN, changes_of, day, frame, ledgers
from tests.property.test_features_never_see_the_future import SLOW, features_at, landmarks_of
from tests.unit.test_tempting_mistakes import invoice, payment

ABOUT_OTHERS = [
    column.name
    for column in CATALOGUE
    if column.name.endswith(("_shrunk", "_shrunk_365d", "_shrunk_all"))
    or column.name.startswith(("effective_outcome_count", "peers_", "portfolio_"))
    or (column.group == "sector_context" and "late_share" in column.name)
]
"""Columns that speak of other customers, whose group at an earlier day is not that of the date."""


def own(features: pl.DataFrame) -> pl.DataFrame:
    return features.drop(ABOUT_OTHERS)


def under_payers(frame: pl.DataFrame | None, payers: dict[str, str]) -> pl.DataFrame | None:
    if frame is None or not payers or "customer_id" not in frame.columns:
        return frame
    return frame.with_columns(pl.col("customer_id").replace(payers))


@SLOW
@given(world=ledgers(with_changes=True, with_instalments=True), offset=st.integers(1, SPAN + 60))
def test_a_date_sees_customers_as_a_ledger_rewritten_to_that_date(
    world: tuple[Ledger, pl.DataFrame], offset: int
) -> None:
    ledger, signals = world
    as_of = day(offset)
    payers = payers_at(ledger.customer_merges, as_of)
    people = customers_at(ledger.customers, ledger.customer_history, as_of)
    rewritten = replace(
        Ledger.from_tables({name: under_payers(table, payers) for name, table in ledger.tables()}),
        customers=people.filter(~pl.col("customer_id").is_in(list(payers))),
        customer_history=None,
        customer_merges=None,
    )
    landmarks = landmarks_of(ledger, as_of)
    assert_frame_equal(
        own(features_at(ledger, signals, landmarks)),
        own(features_at(rewritten, under_payers(signals, payers), under_payers(landmarks, payers))),
        check_exact=True,
    )


@SLOW
@given(changes=changes_of([f"C{i}" for i in range(7)], 1), offset=st.integers(-10, SPAN + 60))
def test_merged_payers_are_those_of_the_chains_followed(
    changes: tuple[list[dict], list[dict]], offset: int
) -> None:
    merges = frame("customer_merges", changes[1])
    payers = payers_at(merges, day(offset))
    expected = {payer: {payer} for payer in payers.values()}
    for customer_id, payer in payers.items():
        expected[payer].add(customer_id)
    known = merged_payers(merges).filter(pl.col("merged_on") < day(offset))
    newest = known.filter(pl.col("merged_on") == pl.col("merged_on").max().over("payer_id"))
    found = {
        payer: set(members)
        for payer, members in newest.group_by("payer_id").agg("customer_id").iter_rows()
        if payer not in payers
    }
    assert found == expected


def a_book(**more: pl.DataFrame) -> Ledger:
    """C1 was late once, C2 on time twice, C3 is asked about; each in a sector of its own."""
    people = [
        {"customer_id": name, "sector": sector, "is_strategic": False}
        for name, sector in (("C1", "41"), ("C2", "46"), ("C3", "41"))
    ]
    invoices = [
        invoice("I1", day(0), day(10), "C1"),
        invoice("I2", day(0), day(10), "C2"),
        invoice("I3", day(0), day(12), "C2"),
        invoice("I4", day(90), day(120), "C3"),
    ]
    payments = [payment("P1", "I1", day(20)), payment("P2", "I2", day(9)), payment("P3", "I3", day(10))]
    return Ledger(
        customers=frame("customers", people),
        invoices=frame("invoices", invoices),
        payments=frame("payments", payments),
        **more,
    )


def of(book: Ledger, customer_id: str, as_of: dt.date) -> dict[str, float | None]:
    draft = {
        "invoice_id": "draft",
        "customer_id": customer_id,
        "as_of": as_of,
        "issued_on": as_of,
        "due_on": as_of,
        "amount": 100.0,
    }
    marks = pl.DataFrame([draft], schema={name: LANDMARK_SCHEMA[name] for name in draft})
    return compute_features(PaymentHistory.from_ledger(book), marks).row(0, named=True)


def changed(customer_id: str, *rows: tuple[int, dict]) -> pl.DataFrame:
    return frame(
        "customer_history",
        [{"customer_id": customer_id, "valid_from_on": day(offset), **values} for offset, values in rows],
    )


def test_a_limit_holds_from_the_day_after_it_became_known() -> None:
    limits = ((0, {"credit_limit": Decimal(1000)}), (50, {"credit_limit": Decimal(100)}))
    book = a_book(customer_history=changed("C1", *limits))
    book = replace(book, payments=book.payments.clear())
    assert of(book, "C1", day(50))["credit_limit_used_share"] == 0.1
    assert of(book, "C1", day(51))["credit_limit_used_share"] == 1.0


def test_the_oldest_attributes_hold_for_the_time_before_them() -> None:
    book = a_book(customer_history=changed("C3", (40, {"bureau_score": 71.0}), (60, {"bureau_score": 20.0})))
    scores = [of(book, "C3", day(offset))["bureau_score"] for offset in (1, 40, 60, 61)]
    assert scores == [71.0, 71.0, 71.0, 20.0]


@pytest.mark.parametrize(
    ("moved_on", "before", "after"),
    [(9, None, 0.0), (10, 0.0, 0.0), (30, 0.0, None)],
    ids=["before the outcomes", "on the day of the second", "after both"],
)
def test_outcomes_stay_in_the_sector_they_were_first_known_in(
    moved_on: int, before: float | None, after: float | None
) -> None:
    # C2 leaves sector 46 for 99; its outcomes became known on days 9 and 10.
    history = changed("C2", (-5, {"sector": "46"}), (moved_on, {"sector": "99"}))
    book = a_book(customer_history=history)
    left = of(replace(book, customers=in_sector(book, "C3", "46")), "C3", day(80))
    joined = of(replace(book, customers=in_sector(book, "C3", "99")), "C3", day(80))
    assert (left["sector_late_share_365d"], joined["sector_late_share_365d"]) == (before, after)


def in_sector(book: Ledger, customer_id: str, sector: str) -> pl.DataFrame:
    is_asked = pl.col("customer_id") == customer_id
    return book.customers.with_columns(
        sector=pl.when(is_asked).then(pl.lit(sector)).otherwise(pl.col("sector"))
    )


def test_a_bounced_payment_is_removed_from_the_sector_that_counted_it() -> None:
    history = changed("C1", (-5, {"sector": "46"}), (40, {"sector": "99"}))
    bounce = payment("R1", "I1", day(50), "-100.00", method="reversal", reverses_payment_id="P1")
    book = a_book(customer_history=history)
    book = replace(book, payments=pl.concat([book.payments, frame("payments", [bounce])]))
    for sector in ("46", "99"):
        asked = in_sector(book, "C3", sector).with_columns(size_class=pl.lit("small"))
        # The two settlements that stayed, 1 and 2 days early, are C2's in 46: nothing is left of the bounced one.
        assert of(replace(book, customers=asked), "C3", day(80))["days_late_shrunk_all"] == -1.5


def test_a_customer_that_changed_its_sector_leaves_out_its_own_part_only() -> None:
    # C1's late invoice was counted in sector 46, where C2 is; C1 is in 41 since.
    history = changed("C1", (-5, {"sector": "46"}), (40, {"sector": "41"}))
    book = a_book(customer_history=history)
    assert of(book, "C1", day(40))["sector_late_share_365d"] == 0.0
    assert of(book, "C1", day(41))["sector_late_share_365d"] is None
    assert of(book, "C2", day(80))["sector_late_share_365d"] == 1.0
    assert of(book, "C3", day(80))["sector_late_share_365d"] is None


def merged(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return frame(
        "customer_merges",
        [{"customer_id": one, "merged_into_id": into, "merged_on": day(on)} for one, into, on in rows],
    )


def test_merged_customers_are_one_payer_from_the_day_after() -> None:
    book = a_book(customer_merges=merged(("C1", "C2", 50)))
    for customer_id, alone in (("C1", 1), ("C2", 2)):
        assert of(book, customer_id, day(50))["history_depth"] == alone
        assert of(book, customer_id, day(51))["history_depth"] == 3
    assert of(book, "C1", day(51))["late_share_all"] == pytest.approx(1 / 3)


def test_a_chain_is_followed_through_the_first_merge_not_known_yet() -> None:
    book = a_book(customer_merges=merged(("C1", "C2", 60), ("C2", "C3", 40)))
    depths = [
        [of(book, name, day(on))["history_depth"] for name in ("C1", "C2", "C3")] for on in (40, 41, 61)
    ]
    assert depths == [[1, 2, 0], [1, 2, 2], [3, 3, 3]]


def test_a_merged_payer_has_the_attributes_of_its_target() -> None:
    history = changed("C2", (0, {"bureau_score": 10.0}), (70, {"bureau_score": 90.0}))
    book = a_book(customer_merges=merged(("C1", "C2", 50)), customer_history=history)
    scores = [of(book, "C1", day(offset))["bureau_score"] for offset in (50, 51, 71)]
    assert scores == [None, 10.0, 90.0]


def test_nobody_is_among_the_others_of_the_payer_it_is_part_of() -> None:
    book = a_book(customer_merges=merged(("C1", "C2", 50)))
    assert of(book, "C2", day(50))["portfolio_late_share_365d"] == 1.0
    assert of(book, "C2", day(51))["portfolio_late_share_365d"] is None
    # The late invoice of C1 was counted in sector 41 before the merge, and stays there for whoever is in 41.
    assert of(book, "C3", day(80))["sector_late_share_365d"] == 1.0
    assert of(book, "C1", day(80))["sector_late_share_365d"] is None


def test_facts_after_a_merge_count_in_the_payers_sector() -> None:
    before, after = (a_book(customer_merges=merged(("C1", "C2", on))) for on in (15, 5))
    assert of(before, "C3", day(80))["sector_late_share_365d"] == 1.0
    assert of(after, "C3", day(80))["sector_late_share_365d"] is None
