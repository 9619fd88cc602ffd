"""A load makes what the pure merge says, in SQLite and PostgreSQL alike, whatever came by event before or after."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from features.ledger import Ledger, ledger_fingerprint
from features.ledger.schemas import DATED_ATTRIBUTES
from serving.messages.events import EventsRequest
from serving.store import ConflictError, FactsRefusedError, SqlHistoryStore, open_store
from serving.store.tables import COUNTERS, METADATA
from tests.integration.conftest import KEY, NOW, postgres_store_url, postgres_url, store_url  # noqa: F401
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


schedules = st.sampled_from((("600.00", "400.00"), ("500.00", "400.00"), ("700.00", "300.00"), ()))


def attributes(sector: str | None, strategic: bool, limit: str | None) -> dict[str, Any]:
    """Every dated attribute of a customer, most of them unknown."""
    unknown = dict.fromkeys(DATED_ATTRIBUTES)
    return {**unknown, "sector": sector, "is_strategic": strategic, "credit_limit": limit}


@st.composite
def events(draw: st.DrawFn, is_tangled: bool = True) -> list[Event]:
    """Facts in any order: parts of customers, invoices, payments (also of unknown invoices), disputes, instalments.

    Beside them customers as they were on a day. Tangled facts are those whose order counts: merges, of which one may
    close a circle of others, statements on several days or about a customer whose history the batch holds, and
    instalments that wait under two spellings of one id.
    """
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
    for number in draw(st.sets(st.sampled_from((*INVOICES, "f2" if is_tangled else "F9", "F9")))):
        rows = [
            {"number": place, "due_on": f"2026-0{place + 1}-15", "amount": amount}
            for place, amount in enumerate(draw(schedules), start=1)
        ]
        found.append({"type": "instalments", "invoice_id": number, "instalments": rows})
    sectors, bools = st.sampled_from((None, "47", "46")), st.booleans()
    told = st.tuples(st.sampled_from(CUSTOMERS if is_tangled else ("K2",)), st.integers(10, 60))
    for customer_id, offset in draw(st.sets(told, max_size=2 if is_tangled else 1)):
        row = {"type": "customer_history", "customer_id": customer_id, "valid_from_on": str(day(offset))}
        known = attributes(draw(sectors), draw(bools), draw(st.sampled_from((None, "90.00"))))
        found.append({**row, **known})
    for one, other in draw(st.sets(st.permutations((*CUSTOMERS, "K3")).map(lambda ids: tuple(ids[:2])))):
        if is_tangled:
            row = {"type": "customer_merge", "customer_id": one, "merged_into_id": other}
            found.append({**row, "merged_on": str(day(40))})
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
        tables["instalments"] = [
            {
                "invoice_id": "F3",
                "number": number,
                "due_on": day(20 * number),
                "amount": amount,
                "kind": "instalment",
            }
            for number, amount in ((1, Decimal("250.00")), (2, Decimal("750.00")))
        ]
    if draw(st.booleans()):
        tables["customer_merges"] = [
            {"customer_id": one, "merged_into_id": other, "merged_on": day(40)}
            for one, other in draw(st.sampled_from(((), (CUSTOMERS,), (CUSTOMERS[::-1],))))
        ]
    if draw(st.booleans()):
        tables["customer_history"] = [
            {
                "customer_id": "K1",
                "valid_from_on": day(offset),
                "sector": draw(st.sampled_from((None, "47", "46"))),
            }
            for offset in sorted(draw(st.sets(st.integers(10, 60), max_size=2)))
        ]
    if draw(st.booleans()):
        tables["feeds"] = [{"name": "payments", "complete_through_on": day(30)}]
    return ledger([invoice(number) for number in numbers], paid, **tables)


def ingest(store: SqlHistoryStore, rows: list[Event], at: dt.datetime = NOW) -> list[Event]:
    """Send events one by one; return those that were acknowledged."""
    acknowledged = []
    for row in rows:
        (message,) = EventsRequest.model_validate_json(_json(row)).events
        try:
            store.ingest([message.fact()], at)
        except (ConflictError, FactsRefusedError):
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
    for days, (before, batch) in enumerate(((first, one), (second, two), ([], two))):
        at = LATER + dt.timedelta(days=min(days, 1))
        ingest(emptied, before, at)
        merged = emptied.merged_with(batch, at)
        report = emptied.load_ledger(batch, at)
        held = emptied.history().ledger
        assert ledger_fingerprint(held) == ledger_fingerprint(merged)
        for name, frame in held.tables():
            assert frame.equals(dict(merged.tables())[name], null_equal=True), name
        assert set(batch.payments["payment_id"]) <= set(held.payments["payment_id"]), "the batch wins"
    assert all(load.added == load.corrected == load.removed == 0 for load in report.values()), "loaded twice"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=events(is_tangled=False), batch=batches())
def test_an_acknowledged_event_counts_once_before_or_after_the_load(
    emptied: SqlHistoryStore, rows: list[Event], batch: Ledger
) -> None:
    _empty(emptied)
    emptied.load_ledger(batch, LATER)
    acknowledged = ingest(emptied, rows)
    emptied.load_ledger(batch, LATER)
    after = emptied.history().ledger
    _empty(emptied)
    ingest(emptied, acknowledged)
    emptied.load_ledger(batch, LATER)
    before = emptied.history().ledger
    for name, frame in after.tables():
        assert frame.equals(dict(before.tables())[name], null_equal=True), name


def test_an_event_contradicting_the_batch_is_reported_others_stay(
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
    ingest(emptied, said)
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
        len(ingest(emptied, [closed, {**cancelled, "amount": "1000.00", "cancelled_on": str(day(40))}])) == 2
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
    ingest(emptied, [{"type": "customer", "customer_id": "K1", "is_natural_person": None}])
    emptied.load_ledger(batch, LATER)
    assert emptied.history().ledger.customers["is_natural_person"].to_list() == [None], (
        "taken back by an event"
    )
