import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.ledger import check_folder, check_tables, ledger_fingerprint, read_ledger, write_ledger
from features.ledger.schemas import table_dtypes

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2024, 12, 31)).map(str) | st.sampled_from(
    ["2024-02-31", "", "x"]
)
AMOUNTS = st.decimals(-5, 5000, places=2).map(str) | st.sampled_from(["abc", "1.234", "", "0"])
INVOICES = st.lists(
    st.fixed_dictionaries(
        {
            "invoice_id": st.sampled_from(["001", "002", "003", "004", "", " 5 "]),
            "customer_id": st.sampled_from(["A", "B", ""]),
            "kind": st.sampled_from(["invoice", "invoice", "credit_note", "other"]),
            "issued_on": DAYS,
            "due_on": DAYS,
            "amount": AMOUNTS,
            "currency": st.just("EUR"),
        }
    ),
    min_size=1,
    max_size=8,
)
PAYMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "payment_id": st.sampled_from(["P1", "P2", "P3"]),
            "invoice_id": st.sampled_from(["001", "002", "999"]),
            "paid_on": DAYS,
            "amount": AMOUNTS,
        }
    ),
    max_size=6,
)
PAYMENT_COLUMNS = dict.fromkeys(["payment_id", "invoice_id", "paid_on", "amount"], pl.String)


def as_tables(invoices, payments):
    return {"invoices": pl.DataFrame(invoices), "payments": pl.DataFrame(payments, schema=PAYMENT_COLUMNS)}


@QUICK
@given(INVOICES, PAYMENTS)
def test_every_row_read_is_either_accepted_or_in_quarantine(invoices, payments):
    checked = check_tables(as_tables(invoices, payments))
    for entry in checked.report.tables:
        rows = checked.quarantine[entry.table].height if entry.table in checked.quarantine else 0
        assert sum(entry.quarantined.values()) == rows
        assert entry.read + entry.derived == entry.accepted + rows


@QUICK
@given(INVOICES, PAYMENTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(invoices, payments, random):
    shuffled = as_tables(random.sample(invoices, len(invoices)), random.sample(payments, len(payments)))
    one, other = check_tables(as_tables(invoices, payments)), check_tables(shuffled)
    assert ledger_fingerprint(one.ledger) == ledger_fingerprint(other.ledger)
    assert one.quarantine.keys() == other.quarantine.keys()
    for table in one.quarantine:
        assert one.quarantine[table].equals(other.quarantine[table])
    assert one.report == other.report


@QUICK
@given(INVOICES, PAYMENTS)
def test_a_checked_ledger_passes_its_own_check_unchanged(invoices, payments):
    ledger = check_tables(as_tables(invoices, payments)).ledger
    if ledger.invoices.is_empty():
        return
    again = check_tables(dict(ledger.tables()))
    assert again.quarantine == {}
    assert ledger_fingerprint(again.ledger) == ledger_fingerprint(ledger)


@QUICK
@given(INVOICES, PAYMENTS)
def test_what_is_written_is_what_is_read(invoices, payments):
    ledger = check_tables(as_tables(invoices, payments)).ledger
    if ledger.invoices.is_empty():
        return
    with tempfile.TemporaryDirectory() as folder:
        write_ledger(ledger, Path(folder))
        read = read_ledger(Path(folder))
    assert ledger_fingerprint(read) == ledger_fingerprint(ledger)
    assert read.disputes is None


@QUICK
@given(INVOICES, PAYMENTS, st.randoms(use_true_random=False))
def test_the_fingerprint_ignores_row_order_only(invoices, payments, random):
    ledger = check_tables(as_tables(invoices, payments)).ledger
    shuffled = {
        name: frame[random.sample(range(frame.height), frame.height)] for name, frame in ledger.tables()
    }
    assert ledger_fingerprint(type(ledger).from_tables(shuffled)) == ledger_fingerprint(ledger)
    if ledger.invoices.height:
        dearer = shuffled | {
            "invoices": ledger.invoices.with_columns(amount=_more(ledger.invoices["amount"]))
        }
        assert ledger_fingerprint(type(ledger).from_tables(dearer)) != ledger_fingerprint(ledger)


def _more(amounts):
    return pl.Series(
        [amount + Decimal("0.01") for amount in amounts], dtype=table_dtypes("invoices")["amount"]
    )


@QUICK
@given(INVOICES, PAYMENTS)
def test_a_folder_of_csv_files_is_the_same_ledger_as_the_frames(invoices, payments):
    tables = as_tables(invoices, payments)
    checked = check_tables(tables)
    if checked.ledger.invoices.is_empty():
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in tables.items():
            frame.write_csv(Path(folder) / f"{name}.csv")
        from_disk = check_folder(Path(folder))
    assert ledger_fingerprint(from_disk.ledger) == ledger_fingerprint(checked.ledger)
    assert from_disk.report.tables == checked.report.tables
