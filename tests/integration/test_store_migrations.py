"""A store that an earlier version wrote is opened, brought to the present tables, and holds what it held."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, inspect, text

from features.errors import InvalidInputError
from features.ledger import ledger_fingerprint
from serving.store import facts_of, open_store
from serving.store.migrations import SCHEMA_VERSION
from tests.integration.conftest import KEY, NOW
from tests.ledger_samples import day, frame, invoice, ledger, payment

_FACT = "customer_id TEXT, origin VARCHAR(5) NOT NULL, received_at TIMESTAMP WITH TIME ZONE NOT NULL"
_FIRST_VERSION = (
    """CREATE TABLE fact_customers (customer_id TEXT PRIMARY KEY, name TEXT, country TEXT, sector TEXT,
       legal_form TEXT, is_natural_person BOOLEAN, size_class TEXT, siren TEXT, language TEXT,
       customer_since_on DATE, credit_limit_cents BIGINT, is_strategic BOOLEAN, group_id TEXT,
       origin VARCHAR(5) NOT NULL, received_at TIMESTAMP WITH TIME ZONE NOT NULL)""",
    """CREATE TABLE fact_invoices (invoice_id TEXT PRIMARY KEY, customer_id TEXT, kind TEXT, issued_on DATE,
       due_on DATE, amount_cents BIGINT, currency TEXT, terms TEXT, delivery_channel TEXT, purchase_order TEXT,
       billing_trigger TEXT, source_due_on DATE, origin VARCHAR(5) NOT NULL,
       received_at TIMESTAMP WITH TIME ZONE NOT NULL)""",
    f"""CREATE TABLE fact_payments (payment_id TEXT PRIMARY KEY, invoice_id TEXT, paid_on DATE, known_on DATE,
       amount_cents BIGINT, method TEXT, {_FACT})""",
    f"""CREATE TABLE fact_disputes (dispute_id TEXT PRIMARY KEY, invoice_id TEXT, opened_on DATE, closed_on DATE,
       reason TEXT, {_FACT})""",
    "CREATE INDEX fact_disputes_by_customer ON fact_disputes (customer_id)",
    "CREATE INDEX fact_disputes_by_invoice ON fact_disputes (invoice_id)",
    """CREATE TABLE feeds (name VARCHAR(16) PRIMARY KEY, is_provided BOOLEAN NOT NULL,
       loaded_at TIMESTAMP WITH TIME ZONE, known_on DATE, received_at TIMESTAMP WITH TIME ZONE)""",
    "CREATE TABLE counters (name VARCHAR(16) PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO counters VALUES ('schema', 1), ('change', 7), ('generation', 1), ('night', 0), ('audit', 0)",
    "INSERT INTO feeds (name, is_provided) VALUES ('disputes', TRUE)",
    """INSERT INTO fact_invoices (invoice_id, customer_id, kind, issued_on, due_on, amount_cents, currency, origin,
       received_at) VALUES ('F1', 'K1', 'invoice', '2026-01-01', '2026-01-31', 100000, 'EUR', 'batch',
       '2026-01-02 00:00:00')""",
    """INSERT INTO fact_payments VALUES ('p', 'F1', '2026-01-21', '2026-01-21', 40000, 'transfer', 'K1', 'event',
       '2026-01-22 00:00:00')""",
    """INSERT INTO fact_disputes VALUES ('D1', 'F1', '2026-02-02', NULL, 'price', 'K1', 'event',
       '2026-02-03 00:00:00'), ('D2', 'F9', '2026-02-02', NULL, NULL, NULL, 'event', '2026-02-03 00:00:00')""",
)


def _write_first_version(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in _FIRST_VERSION:
            connection.execute(text(statement))
    engine.dispose()


def test_a_store_of_the_first_version_keeps_its_facts_under_the_present_contracts(store_url):
    _write_first_version(store_url)
    store = open_store(store_url, KEY)
    try:
        found = store.history().ledger
        assert found.payments.row(0, named=True)["amount"] == Decimal("400.00")
        assert found.payments["currency"].to_list() == [None]
        assert found.disputes is not None
        assert found.disputes.select("dispute_id", "opened_on").rows() == [("D1", dt.date(2026, 2, 2))]
        assert store.pending() == {"instalments": 0, "payments": 0, "disputes": 1}
        assert store.moment().change == 7
    finally:
        store.close()


def test_a_migrated_store_finds_its_ids_in_another_spelling(store_url):
    _write_first_version(store_url)
    store = open_store(store_url, KEY)
    try:
        assert store.meanings("invoices", {"f1"}) == {"f1": "F1"}
        assert store.meanings("customers", {"k1", "K2"}) == {"k1": "K1", "K2": "K2"}
        dispute = {"dispute_id": "D3", "invoice_id": "f1", "opened_on": day(50)}
        (fact,) = facts_of("disputes", frame("disputes", [dispute]))
        assert store.take_in([fact], NOW)[0].customer_id == "K1"
        (late,) = facts_of("invoices", frame("invoices", [invoice("f9")]))
        store.take_in([late], NOW)
        assert store.pending()["disputes"] == 0, "what waited before the migration finds its invoice"
    finally:
        store.close()


def test_a_migrated_store_takes_what_only_the_present_version_holds(store_url):
    _write_first_version(store_url)
    later = _ledger_with_everything()
    store = open_store(store_url, KEY)
    try:
        store.load_ledger(later, NOW)
        assert ledger_fingerprint(store.history().ledger) == ledger_fingerprint(later)
    finally:
        store.close()
    again = open_store(store_url, KEY)
    try:
        loads = again.load_ledger(later, NOW)
        assert {load.added + load.corrected + load.removed for load in loads.values()} == {0}
        assert ledger_fingerprint(again.history().ledger) == ledger_fingerprint(later)
    finally:
        again.close()


def test_a_store_opened_twice_is_migrated_once(store_url):
    _write_first_version(store_url)
    for _ in range(2):
        open_store(store_url, KEY).close()
    engine = create_engine(store_url)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT value FROM counters WHERE name = 'schema'")).scalar_one()
        names = inspect(connection).get_table_names()
    engine.dispose()
    assert version == SCHEMA_VERSION
    assert "fact_disputes_before" not in names


def test_a_store_of_a_later_version_is_refused_by_its_number(store_url):
    open_store(store_url, KEY).close()
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE counters SET value = 99 WHERE name = 'schema'"))
    engine.dispose()
    with pytest.raises(InvalidInputError, match=rf"tables of version 99.*version {SCHEMA_VERSION}"):
        open_store(store_url, KEY)


def _ledger_with_everything():
    return ledger(
        [
            invoice(),
            invoice("F2", amount=Decimal("900.00")),
            invoice("F3", cancelled_on=day(9), replaces_invoice_id="F1"),
        ],
        [
            payment("p", "400.00", 20, customer_id="K1", currency="EUR"),
            payment("r", "-400.00", 25, method="reversal", reverses_payment_id="p"),
            payment("a", "250.00", 30, invoice_id=None, customer_id="K2"),
            payment("b", "300.00", 31, invoice_id="F2"),
        ],
        disputes=[
            {"dispute_id": "D1", "invoice_id": "F1", "opened_on": day(32), "closed_on": day(40)},
            {"dispute_id": "D1", "invoice_id": "F1", "opened_on": day(50), "amount": Decimal("99.50")},
        ],
        customers=[
            {"customer_id": "K1", "is_strategic": False, "sector": "46", "bureau_score": 71.5},
            {"customer_id": "K2", "is_strategic": False},
        ],
        customer_history=[
            {"customer_id": "K1", "valid_from_on": day(-90), "sector": "41", "is_strategic": False},
            {"customer_id": "K1", "valid_from_on": day(10), "sector": "46", "bureau_score": 71.5},
        ],
        customer_merges=[{"customer_id": "K2", "merged_into_id": "K1", "merged_on": day(60)}],
        instalments=[
            {
                "invoice_id": "F2",
                "number": number,
                "due_on": day(30 * number),
                "amount": Decimal("450.00"),
                "kind": kind,
            }
            for number, kind in ((1, "instalment"), (2, "retention"))
        ],
        feeds=[{"name": "payments", "complete_through_on": day(70)}],
    )


def test_a_table_the_source_no_longer_delivers_stays_but_its_feed_statement_goes(store):
    whole = _ledger_with_everything()
    store.load_ledger(whole, NOW)
    assert store.history_of(["K2"]).ledger.payments["payment_id"].to_list() == ["a"]
    assert {feed.name: feed.complete_through_on for feed in store.feeds()}["payments"] == day(70)
    without = ledger(
        [invoice(), invoice("F2", amount=Decimal("900.00"))],
        [payment("p", "400.00", 20, customer_id="K1", currency="EUR")],
    )
    store.load_ledger(without, NOW)
    left = store.history().ledger
    assert left.instalments is not None
    assert left.instalments.height == 2
    assert left.payments["payment_id"].to_list() == ["p"]
    assert left.feeds is None
