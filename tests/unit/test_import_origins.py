"""Where a ledger column may come from beside a column of the export: a lookup, the first of several, a line above."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.errors import InvalidInputError
from features.ledger.importing import cells
from features.ledger.importing.instalments import with_instalments
from features.ledger.importing.mapping import Column, Formats, Table
from features.ledger.importing.sources import ReadSource
from features.ledger.importing.tables import BuiltTable, build_table
from features.ledger.importing.text_files import MALFORMED

FORMATS = Formats(dates=["dd/mm/yyyy"], decimal=",")


def source(rows: list[dict], file: str = "x.csv") -> ReadSource:
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.all().cast(pl.String))
    return ReadSource(
        frame.with_columns(
            source_file=pl.lit(file),
            source_row=pl.int_range(2, pl.len() + 2),
            **{MALFORMED: pl.lit(value=False)},
        ),
        False,
        (file,),
    )


def build(name: str, columns: dict, rows: list[dict], others=None, formats=FORMATS, **table) -> BuiltTable:
    spec = Table.model_validate({"columns": columns, **table})
    return build_table(name, spec, source(rows), formats, others)


ORDERS = [
    {"Order": "1", "Site": "A", "Cust": "K1", "State": "ok"},
    {"Order": "2", "Site": "A", "Cust": "K2", "State": "ok"},
    {"Order": "2", "Site": "B", "Cust": "K3", "State": "ok"},
    {"Order": "1", "Site": "A", "Cust": "K9", "State": "void"},
    {"Order": "4", "Site": "A", "Cust": None, "State": "ok"},
]


def looked_up(rows, **lookup):
    spec = {"source": "orders", "by": "Order", "take": "Cust", **lookup}
    built = build(
        "invoices", {"invoice_id": "Num", "customer_id": {"lookup": spec}}, rows, {"orders": source(ORDERS)}
    )
    rejected = built.rejected.select("invoice_id", "customer_id", "rule").rows()
    return dict(built.rows.select("invoice_id", "customer_id").iter_rows()), rejected


def test_a_lookup_accepts_one_answer_and_rejects_rows_with_others():
    rows = [{"Num": f"F{order}", "Order": order} for order in ("1", "2", "3", "4")] + [
        {"Num": "F0", "Order": None}
    ]
    found, rejected = looked_up(rows, where=[{"column": "State", "equals": "ok"}])
    assert found == {"F1": "K1", "F0": None}
    assert rejected == [
        ("F2", "2", "invoices.customer_id: several answers in the lookup"),
        ("F3", "3", "invoices.customer_id: not found in the lookup"),
        ("F4", "4", "invoices.customer_id: not found in the lookup"),
    ]


def test_a_lookup_may_have_a_key_of_several_columns_of_other_names():
    rows = [{"Num": "F", "Ref": "2", "Place": "B"}, {"Num": "G", "Ref": "2", "Place": "A"}]
    found, rejected = looked_up(rows, by=["Ref", "Place"], key=["Order", "Site"])
    assert (found, rejected) == ({"F": "K3", "G": "K2"}, [])


def test_a_lookup_in_a_source_without_a_file_finds_nothing():
    columns = {"customer_id": {"lookup": {"source": "orders", "by": "Order", "take": "Cust"}}}
    built = build("invoices", columns, [{"Order": "1"}], {})
    assert built.rejected["rule"].to_list() == ["invoices.customer_id: not found in the lookup"]


def test_a_lookup_that_never_finds_anything_is_a_wrong_mapping():
    with pytest.raises(
        InvalidInputError, match=r"not found in the lookup.*values of 'Order' in source 'orders'"
    ):
        looked_up([{"Num": "F1", "Order": "x"}, {"Num": "F2", "Order": "y"}])


def test_the_first_filled_origin_counts_even_when_unreadable():
    rows = [
        {"Due": "05/02/2024", "Terms": "30 jours", "Issued": "01/01/2024"},
        {"Due": None, "Terms": "30 jours", "Issued": "01/01/2024"},
        {"Due": "31/02/2024", "Terms": "30 jours", "Issued": "01/01/2024"},
        {"Due": None, "Terms": "as agreed", "Issued": "01/01/2024"},
        {"Due": None, "Terms": None, "Issued": "01/01/2024"},
    ]
    terms = {"wording": "Terms", "issued_on": "Issued", "reading": "days_then_month_end"}
    built = build("invoices", {"due_on": {"first_of": ["Due", {"terms": terms}]}}, rows)
    assert built.rows["due_on"].to_list() == [dt.date(2024, 2, 5), dt.date(2024, 1, 31), None]
    assert built.rejected.select("due_on", "rule").rows() == [
        ("31/02/2024", "invoices.due_on: unreadable date"),
        ("as agreed", "invoices.due_on: unreadable terms"),
    ]


def test_a_cell_is_filled_down_within_its_file_across_excluded_rows():
    rows = [
        {"A": "x", "B": "0"},
        {"A": "Bramble", "B": None},
        {"A": "1", "B": "5"},
        {"A": "Total", "B": "5"},
        {"A": "2", "B": "6"},
        {"A": "Cedar", "B": None},
        {"A": "3", "B": "7"},
    ]
    columns = {
        "invoice_id": "A",
        "customer_id": {"from": "A", "fill_down": [{"column": "B", "is_empty": "true"}]},
    }
    where = [{"column": "A", "matches": r"^(\d|x)$"}]
    built = build("invoices", columns, rows, where=where)
    assert built.rows.select("invoice_id", "customer_id").rows() == [
        ("x", None),
        ("1", "Bramble"),
        ("2", "Bramble"),
        ("3", "Cedar"),
    ]


@given(st.decimals("-99999", "99999", places=4), st.sampled_from(["0.01", "1000", "0.001", "0.5"]))
def test_a_scale_is_exact(amount, factor):
    built = build(
        "payments", {"amount": {"from": "A", "scale": factor, "decimal": "."}}, [{"A": f"{amount:f}"}]
    )
    assert Decimal(built.rows["amount"].item()) == amount * Decimal(factor)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("12,50", "invoice"), ("-0,01", "credit_note"), ("(3,00)", "credit_note"), ("0,00", None), (None, None)],
)
def test_the_sign_of_a_figure_gives_a_word(cell, expected):
    columns = {"kind": {"from": "A", "by_sign": {"positive": "invoice", "negative": "credit_note"}}}
    built = build("invoices", columns, [{"A": cell}, {"A": "1,00"}])
    assert built.rows["kind"].to_list() == [expected, "invoice"]


def test_a_figure_that_cannot_be_read_has_no_sign():
    columns = {"kind": {"from": "A", "by_sign": {"positive": "invoice"}}}
    built = build("invoices", columns, [{"A": "n/a"}, {"A": "1,00"}])
    assert built.rejected["rule"].to_list() == ["invoices.kind: unreadable amount"]


@pytest.mark.parametrize(
    ("cell", "zone", "expected"),
    [
        ("2024-02-29T23:30:00Z", "Europe/Paris", dt.date(2024, 3, 1)),
        ("2024-02-29T23:30:00Z", "UTC", dt.date(2024, 2, 29)),
        ("2024-03-01 00:30+02:00", "UTC", dt.date(2024, 2, 29)),
        ("2024-03-01T00:30:00", "Europe/Paris", dt.date(2024, 3, 1)),
        ("01/03/2024 23:59", "America/New_York", dt.date(2024, 3, 1)),
        ("01/03/2024 11:59 PM", "UTC", dt.date(2024, 3, 1)),
    ],
)
def test_a_time_with_an_offset_becomes_a_day_of_the_time_zone(cell, zone, expected):
    patterns = ["yyyy-mm-dd", "dd/mm/yyyy"]
    frame = pl.DataFrame({"cell": [cell]})
    found = frame.select(cells.days(pl.col("cell"), patterns, is_typed=False, time_zone=zone)).item()
    assert found == expected


def test_two_orders_are_told_only_when_both_are_sure():
    assert cells.two_orders(pl.Series(["13/01/2024", "05/04/2024"])) is None
    assert cells.two_orders(pl.Series(["01/13/2024", "05/04/2024"])) is None
    assert cells.two_orders(pl.Series(["2024-01-13", "2024-13-01"])) is None
    found = cells.two_orders(pl.Series(["13/01/2024", "01/14/2024", "05/04/2024", "05/05/2024", None]))
    assert found is not None
    assert (found.day_first, found.month_first, found.either.to_list()) == (
        "13/01/2024",
        "01/14/2024",
        ["05/04/2024"],
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"first_of": ["A"], "constant": "x"},
            "exactly one of from, constant, template, terms, lookup, first_of",
        ),
        ({"constant": "x", "by_sign": {"positive": "y"}}, "read a column of the export"),
        ({"lookup": {"source": "s", "by": ["A", "B"], "key": "C", "take": "D"}}, "as many columns as by"),
        ({"from": "A", "scale": "0"}, "greater than 0"),
    ],
)
def test_origins_that_do_not_fit_together_are_refused(spec, message):
    with pytest.raises(ValidationError, match=message):
        Column.model_validate(spec)


# ---------------------------------------------------------------------------------------------- instalments

LINE = {"Num": "B1", "Cust": "K", "Issued": "01/01/2024", "Due": "01/02/2024", "Amount": "10,00"}
COLUMNS = {
    "invoice_id": "Num",
    "customer_id": "Cust",
    "issued_on": "Issued",
    "due_on": "Due",
    "amount": "Amount",
}


def folded(*rows):
    built = build("invoices", COLUMNS, [LINE | row for row in rows], instalments=True)
    whole, parts = with_instalments(built)
    return (
        whole.rows.select("invoice_id", "due_on", "amount").rows(),
        parts.select("invoice_id", "due_on", "amount").rows(),
        dict(whole.rejected.group_by("rule").len().iter_rows()),
    )


def test_lines_of_one_invoice_become_instalments_and_a_copy_is_rejected():
    second = {"Due": "01/03/2024", "Amount": "5,50"}
    invoices, parts, rejected = folded({}, second, second, {"Num": "B2"})
    assert sorted(invoices) == [("B1", dt.date(2024, 3, 1), "15.5"), ("B2", dt.date(2024, 2, 1), "10.00")]
    assert parts == [("B1", dt.date(2024, 2, 1), "10.00"), ("B1", dt.date(2024, 3, 1), "5.50")]
    assert rejected == {"invoices.invoice_id: exact copy of another row": 1}


@pytest.mark.parametrize("change", [{"Cust": "L"}, {"Issued": "02/01/2024"}, {"Amount": "-3,00"}])
def test_lines_that_are_no_instalments_are_left_for_the_check(change):
    invoices, parts, rejected = folded({}, {"Due": "01/03/2024", **change})
    assert (len(invoices), parts, rejected) == (2, [], {})


def test_an_unreadable_part_takes_the_rest_of_its_invoice_along():
    invoices, parts, rejected = folded({}, {"Due": "31/02/2024"}, {"Due": "01/04/2024"}, {"Num": "B2"})
    assert ([name for name, *_ in invoices], parts) == (["B2"], [])
    assert rejected == {
        "invoices.due_on: unreadable date": 1,
        "invoices.invoice_id: another row of it is in quarantine": 2,
    }
