"""A load makes what the pure merge says, in SQLite and PostgreSQL alike, whatever came by event before or after."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from features.ledger import Ledger, ledger_fingerprint
from serving.event_messages import EventsRequest
from serving.store import ConflictError, SqlHistoryStore, open_store
from serving.store.tables import COUNTERS, METADATA
from tests.integration.conftest import KEY, NOW, postgres_url, store_url  # noqa: F401
from tests.ledger_samples import Row, day, invoice, ledger, payment

CUSTOMERS, INVOICES = ("K1", "K2"), ("F1", "F2", "F3")
LATER = NOW + dt.timedelta(hours=1)
Event = dict[str, Any]


@pytest.fixture
def emptied(store_url: str) -> Iterator[SqlHistoryStore]:  # noqa: F811
    store = open_store(store_url, KEY)
    yield store
    store.close()


def _empty(store: SqlHistoryStore) -> None:
    with store.open_for_writing() as connection:
        for table in METADATA.sorted_tables:
            if table is not COUNTERS:
                connection.execute(delete(table))
        connection.execute(update(COUNTERS).where(COUNTERS.c.name == "audit").values(value=0))


amounts = st.sampled_from(("40.00", "60.00"))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Facts in any order: parts of customers, invoices, payments (also of invoices nobody knows), disputes."""
    found: list[Event] = []
    for customer_id in draw(st.sets(st.sampled_from(CUSTOMERS))):
        parts = {"sector": "47", "legal_form": "EI", "is_natural_person": True, "credit_limit": "90.00"}
        for name in draw(st.sets(st.sampled_from(sorted(parts)))):
            found.append({"type": "customer", "customer_id": customer_id, name: parts[name]})
    for number in draw(st.sets(st.sampled_from(INVOICES))):
        row = {"type": "invoice", "invoice_id": number, "customer_id": "K1", "issued_on": "2026-01-01"}
        found.append({**row, "due_on": "2026-01-31", "amount": draw(st.sampled_from(("1000.00", "900.00")))})
    for number in draw(st.sets(st.sampled_from(("p1", "p2", "p3")))):
        row = {"type": "payment", "payment_id": number, "paid_on": "2026-01-20", "known_on": "2026-01-20"}
        about = draw(st.sampled_from((*INVOICES, " f1 ", "F9")))
        found.append({**row, "invoice_id": about, "amount": draw(amounts)})
    for number in draw(st.sets(st.sampled_from(("D1", "D2")))):
        closed = draw(st.sampled_from((None, "2026-02-09")))
        row = {"type": "dispute", "dispute_id": number, "invoice_id": "F1", "opened_on": str(day(20))}
        found.append({**row, "closed_on": closed})
    for month in draw(st.sets(st.sampled_from((1, 2)))):
        found.append({"type": "feed", "name": "payments", "complete_through_on": f"2026-0{month}-15"})
    return draw(st.permutations(found))


@st.composite
def batches(draw: st.DrawFn) -> Ledger:
    """A small ledger of record, which holds some of the same ids with the same or another content."""
    people = [
        {
            "customer_id": customer_id,
            "is_strategic": False,
            "sector": draw(st.sampled_from((None, "47", "46"))),
            "legal_form": draw(st.sampled_from((None, "SAS"))),
        }
        for customer_id in CUSTOMERS
    ]
    numbers = sorted(draw(st.sets(st.sampled_from(INVOICES))) | {"F3"})
    paid: list[Row] = [
        payment(number, draw(amounts), 19, invoice_id="F3", method=None)
        for number in sorted(draw(st.sets(st.sampled_from(("p1", "p2", "p4")))))
    ]
    disputes = [
        {
            "dispute_id": number,
            "invoice_id": "F3",
            "opened_on": day(20),
            "closed_on": draw(st.sampled_from((None, day(30)))),
        }
        for number in sorted(draw(st.sets(st.sampled_from(("D1",)))))
    ]
    tables: dict[str, list[Row]] = {"customers": people, "disputes": disputes}
    if draw(st.booleans()):
        tables["feeds"] = [{"name": "payments", "complete_through_on": day(30)}]
    return ledger([invoice(number) for number in numbers], paid, **tables)


def take_in(store: SqlHistoryStore, rows: list[Event]) -> list[Event]:
    """Send events one by one; return those that were acknowledged."""
    acknowledged = []
    for row in rows:
        (message,) = EventsRequest.model_validate_json(_json(row)).events
        try:
            store.take_in([message.fact()], NOW)
        except ConflictError:
            continue
        acknowledged.append(row)
    return acknowledged


def _json(row: Event) -> str:
    return json.dumps({"events": [row]})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=events(), second=events(), one=batches(), two=batches())
def test_a_load_makes_what_the_pure_merge_says(
    emptied: SqlHistoryStore, first: list[Event], second: list[Event], one: Ledger, two: Ledger
) -> None:
    _empty(emptied)
    for before, batch in ((first, one), (second, two), ([], two)):
        take_in(emptied, before)
        merged = emptied.merged_with(batch, LATER)
        report = emptied.load_ledger(batch, LATER)
        held = emptied.history().ledger
        assert ledger_fingerprint(held) == ledger_fingerprint(merged)
        for name, frame in held.tables():
            assert frame.equals(dict(merged.tables())[name], null_equal=True), name
        assert set(batch.payments["payment_id"]) <= set(held.payments["payment_id"]), "the batch wins"
    assert all(load.added == load.corrected == load.removed == 0 for load in report.values()), "loaded twice"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=events(), batch=batches())
def test_an_acknowledged_event_counts_once_before_or_after_the_load(
    emptied: SqlHistoryStore, rows: list[Event], batch: Ledger
) -> None:
    _empty(emptied)
    emptied.load_ledger(batch, LATER)
    acknowledged = take_in(emptied, rows)
    emptied.load_ledger(batch, LATER)
    after = emptied.history().ledger
    _empty(emptied)
    take_in(emptied, acknowledged)
    emptied.load_ledger(batch, LATER)
    before = emptied.history().ledger
    for name, frame in after.tables():
        assert frame.equals(dict(before.tables())[name], null_equal=True), name


def test_an_event_the_batch_contradicts_is_reported_and_what_the_batch_leaves_open_stays(
    emptied: SqlHistoryStore,
) -> None:
    said: list[Event] = [
        {
            "type": "payment",
            "payment_id": "p1",
            "invoice_id": "F1",
            "paid_on": "2026-01-20",
            "known_on": "2026-01-20",
            "amount": "40.00",
        },
        {"type": "customer", "customer_id": "K1", "is_natural_person": True, "sector": "47"},
    ]
    batch = ledger(
        [invoice()],
        [payment("p1", "60.00", 19)],
        customers=[{"customer_id": "K1", "is_strategic": False, "sector": "46"}],
        disputes=[{"dispute_id": "D1", "invoice_id": "F1", "opened_on": day(20)}],
    )
    take_in(emptied, said)
    report = emptied.load_ledger(batch, LATER)
    assert report["payments"].contradicted == ("p1 (amount)",)
    assert report["customers"].contradicted == ("K1 (sector)",)
    closed = {
        "type": "dispute",
        "dispute_id": "D1",
        "invoice_id": "F1",
        "opened_on": str(day(20)),
        "closed_on": str(day(30)),
    }
    cancelled = {
        "type": "invoice",
        "invoice_id": "F1",
        "customer_id": "K1",
        "issued_on": str(day(0)),
        "due_on": str(day(30)),
    }
    assert (
        len(take_in(emptied, [closed, {**cancelled, "amount": "1000.00", "cancelled_on": str(day(40))}])) == 2
    )
    for _ in range(2):
        report = emptied.load_ledger(batch, LATER)
        assert [load.contradicted for load in report.values()] == [()] * len(report), "told once"
        held = emptied.history().ledger
        assert held.disputes is not None
        assert held.disputes["closed_on"].to_list() == [day(30)]
        assert held.invoices["cancelled_on"].to_list() == [day(40)]
        row = held.customers.row(0, named=True)
        assert (row["is_natural_person"], row["sector"]) == (True, "46")
        assert held.payments["amount"].to_list() == batch.payments["amount"].to_list()
    take_in(emptied, [{"type": "customer", "customer_id": "K1", "is_natural_person": None}])
    emptied.load_ledger(batch, LATER)
    assert emptied.history().ledger.customers["is_natural_person"].to_list() == [None], (
        "taken back by an event"
    )
