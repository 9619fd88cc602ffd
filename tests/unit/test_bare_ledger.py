"""The large ledger for speed tests."""

import polars as pl
import pytest

from data_samples.generator import generate_bare_ledger
from features.ledger import Ledger, check_tables


@pytest.fixture(scope="module")
def bare():
    return generate_bare_ledger(customers=400, invoices=20_000, seed=3)


def test_the_bare_ledger_breaks_no_rule(bare):
    customers, invoices, payments = bare
    checked = check_tables({"customers": customers, "invoices": invoices, "payments": payments})
    assert dict(checked.quarantine) == {}
    assert checked.ledger.invoices.height == 20_000


def test_the_same_seed_gives_the_same_bare_ledger(bare):
    again = generate_bare_ledger(customers=400, invoices=20_000, seed=3)
    other = generate_bare_ledger(customers=400, invoices=20_000, seed=4)
    assert all(one.equals(two) for one, two in zip(bare, again, strict=True))
    assert not bare[1].equals(other[1])


def test_the_bare_ledger_has_every_customer_open_invoices_and_part_payments(bare):
    customers, invoices, payments = bare
    Ledger(customers, invoices, payments)
    counts = invoices.group_by("customer_id").len()["len"]
    assert len(counts) == 400
    assert int(counts.max()) > 10 * float(counts.median())
    paid = payments.group_by("invoice_id").agg(pl.col("amount").sum(), pl.len())
    share_in_parts = (paid["len"] == 2).mean()
    assert 0.04 < share_in_parts < 0.08
    assert 0.01 < 1 - paid.height / invoices.height < 0.15
    assert payments["known_on"].max() < invoices["issued_on"].min().replace(year=2026)


def test_no_bare_invoice_is_paid_more_than_its_amount(bare):
    _, invoices, payments = bare
    paid = payments.group_by("invoice_id").agg(pl.col("amount").sum().alias("paid"))
    joined = invoices.join(paid, on="invoice_id", validate="1:1")
    assert (joined["paid"] <= joined["amount"]).all()
