import datetime as dt
import random

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger.importing.mapping import Formats, Table
from features.ledger.importing.sources import ReadSource
from features.ledger.importing.tables import build_table
from features.ledger.importing.text_files import MALFORMED

FORMATS = Formats(dates=["dd/mm/yyyy"], decimal=",")


def build(name, columns, rows, *, where=(), one_row_per_id=False, is_typed=False):
    """One table cut out of rows given as dictionaries of text."""
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.all().cast(pl.String))
    frame = frame.with_columns(
        source_file=pl.lit("x.csv"),
        source_row=pl.int_range(2, pl.len() + 2),
        **{MALFORMED: pl.lit(value=False)},
    )
    table = Table.model_validate({"where": list(where), "one_row_per_id": one_row_per_id, "columns": columns})
    return build_table(name, table, ReadSource(frame, is_typed, ("x.csv",)), FORMATS)


def test_a_due_date_is_derived_from_terms_in_the_chosen_reading():
    rows = [
        {"Date": "05/10/2024", "Cond": "45 jours fin de mois"},
        {"Date": "22/10/2024", "Cond": "fin de mois le 15"},
        {"Date": "22/10/2024", "Cond": "selon accord"},
        {"Date": "31/02/2024", "Cond": "30 jours"},
        {"Date": "22/10/2024", "Cond": None},
    ]
    columns = {
        "issued_on": "Date",
        "due_on": {"terms": {"wording": "Cond", "issued_on": "Date", "reading": "month_end_then_days"}},
    }
    built = build("invoices", columns, rows)
    assert built.rows["due_on"].to_list() == [dt.date(2024, 12, 15), dt.date(2024, 11, 15), None]
    assert built.rejected.select("due_on", "rule").rows() == [
        ("selon accord", "invoices.due_on: unreadable terms"),
        ("30 jours", "invoices.issued_on: unreadable date"),
    ]


def test_words_are_translated_and_unknown_ones_put_aside_kept_or_emptied():
    rows = [{"Mode": "VIR"}, {"Mode": "CHQ"}, {"Mode": "???"}, {"Mode": None}]
    values = {"VIR": "transfer", "CHQ": ""}
    refused = build("payments", {"method": {"from": "Mode", "values": values}}, rows)
    assert refused.rows["method"].to_list() == ["transfer", None, None]
    assert refused.rejected.select("method", "rule").rows() == [
        ("???", "payments.method: word not in the mapping")
    ]
    kept = build("payments", {"method": {"from": "Mode", "values": values, "otherwise": "keep"}}, rows)
    assert kept.rows["method"].to_list() == ["transfer", None, "???", None]
    emptied = build("payments", {"method": {"from": "Mode", "values": values, "otherwise": "empty"}}, rows)
    assert emptied.rows["method"].to_list() == ["transfer", None, None, None]
    assert kept.rejected.height == emptied.rejected.height == 0


def test_running_numbers_follow_the_content_not_the_order_of_the_export():
    rows = [{"Num": "1", "Montant": str(amount)} for amount in (30, 10, 20)] + [{"Num": "2", "Montant": "5"}]
    columns = {"payment_id": {"template": "{Num}/{#}"}, "amount": "Montant"}
    shuffled = random.Random(3).sample(rows, len(rows))
    expected = {"1/1": "10", "1/2": "20", "1/3": "30", "2/1": "5"}
    for order in (rows, shuffled):
        built = build("payments", columns, order)
        assert dict(built.rows.select("payment_id", "amount").iter_rows()) == expected


def test_templates_name_any_column_and_are_empty_when_one_is():
    rows = [{"N° pièce (Réf.)": "7", "b[0]": "x"}, {"N° pièce (Réf.)": None, "b[0]": "x"}]
    built = build("payments", {"payment_id": {"template": "P-{N° pièce (Réf.)}-{b[0]}"}}, rows)
    assert built.rows["payment_id"].to_list() == ["P-7-x", None]


def test_a_customer_described_in_several_ways_takes_the_most_frequent_description():
    rows = [
        {"Id": "1", "Nom": "Moulin Faye", "Pays": None},
        {"Id": "1", "Nom": "Moulin Faye", "Pays": "FR"},
        {"Id": "1", "Nom": "MOULIN FAYE SARL", "Pays": "FR"},
        {"Id": "2", "Nom": "Zinc", "Pays": "BE"},
        {"Id": "2", "Nom": "Zinc", "Pays": "BE"},
    ]
    columns = {"customer_id": "Id", "name": "Nom", "country": "Pays"}
    for order in (rows, rows[::-1]):
        built = build("customers", columns, order, one_row_per_id=True)
        assert sorted(built.rows.select("customer_id", "name", "country").rows()) == [
            ("1", "Moulin Faye", "FR"),
            ("2", "Zinc", "BE"),
        ]
        assert [(note.count, "most frequent" in note.text.en) for note in built.notes] == [(1, True)]


def test_repeated_invoices_become_one_only_when_they_are_equal():
    rows = [{"Num": "1", "M": "10"}, {"Num": "1", "M": "10"}, {"Num": "2", "M": "5"}, {"Num": "2", "M": "6"}]
    built = build("invoices", {"invoice_id": "Num", "amount": "M"}, rows, one_row_per_id=True)
    assert sorted(built.rows.select("invoice_id", "amount").rows()) == [("1", "10"), ("2", "5"), ("2", "6")]


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"equals": "FA"}, ["1"]),
        ({"in": ["FA", "AV"]}, ["1", "2"]),
        ({"not_in": ["FA"]}, ["2", "3", "4"]),
        ({"starts_with": "A"}, ["2", "4"]),
        ({"matches": "^[FA]A$"}, ["1", "4"]),
        ({"is_empty": "true"}, ["3"]),
        ({"is_empty": "false"}, ["1", "2", "4"]),
    ],
)
def test_conditions_choose_rows_and_the_rest_is_counted(condition, kept):
    rows = [
        {"Id": "1", "Type": "FA"},
        {"Id": "2", "Type": "AV"},
        {"Id": "3", "Type": " "},
        {"Id": "4", "Type": "AA"},
    ]
    built = build("invoices", {"invoice_id": "Id"}, rows, where=[{"column": "Type", **condition}])
    assert built.rows["invoice_id"].to_list() == kept
    assert [note.count for note in built.notes] == [4 - len(kept)]


@pytest.mark.parametrize(("condition", "kept"), [({"above": "0"}, ["1"]), ({"below": "0"}, ["2"])])
def test_conditions_on_figures_read_them_as_amounts(condition, kept):
    rows = [
        {"Id": "1", "M": "1 000,50"},
        {"Id": "2", "M": "-2"},
        {"Id": "3", "M": "x"},
        {"Id": "4", "M": "0,00"},
    ]
    built = build("invoices", {"invoice_id": "Id"}, rows, where=[{"column": "M", **condition}])
    assert built.rows["invoice_id"].to_list() == kept


def test_signs_zeros_and_first_filled_columns_are_taken_as_the_mapping_says():
    rows = [{"Id": "7", "A": "-1,50", "B": None, "C": "x"}, {"Id": "00008", "A": "2,00", "B": "b", "C": "y"}]
    columns = {
        "invoice_id": {"from": "Id", "zero_pad": "5"},
        "amount": {"from": "A", "absolute": "true"},
        "terms": {"from": ["B", "C"]},
    }
    built = build("invoices", columns, rows)
    assert built.rows.select("invoice_id", "amount", "terms").rows() == [
        ("00007", "1.50", "x"),
        ("00008", "2.00", "b"),
    ]
    negated = build("payments", {"amount": {"from": "A", "negate": "true"}}, rows)
    assert negated.rows["amount"].to_list() == ["1.50", "-2.00"]


def test_a_shifted_date_is_stated_as_an_assumption():
    columns = {
        "opened_on": {"from": "D", "shift_days": "-1", "assumption": {"en": "day before", "fr": "la veille"}},
    }
    built = build("disputes", columns, [{"D": "01/03/2024"}])
    assert built.rows["opened_on"].to_list() == [dt.date(2024, 2, 29)]
    assert [(note.text.en, note.text.fr) for note in built.assumptions] == [
        ("disputes.opened_on: day before", "disputes.opened_on\u202f: la veille")
    ]


@pytest.mark.parametrize(
    ("column", "spec", "cells", "expected"),
    [
        (
            "issued_on",
            "X",
            ["2024-01-05", "2024-01-06"],
            ["dates as dd/mm/yyyy", "these fit: yyyy-mm-dd", "2 rows"],
        ),
        ("amount", "X", ["a", "b"], ["unreadable amount", "'a'"]),
        (
            "kind",
            {"from": "X", "values": {"FA": "invoice"}},
            ["Fact", "Avr"],
            ["one of FA", "otherwise: keep"],
        ),
    ],
)
def test_a_column_of_which_nothing_can_be_read_is_a_wrong_mapping(column, spec, cells, expected):
    with pytest.raises(InvalidInputError) as refusal:
        build("invoices", {column: spec}, [{"X": cell} for cell in cells])
    for part in (f"invoices.{column}", "'X'", *expected):
        assert part in str(refusal.value)
