import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InvalidInputError
from features.ledger.importing import cells


def read_amounts(values, decimal, thousands=None, *, is_typed=False):
    frame = pl.DataFrame({"cell": values}, schema={"cell": pl.String})
    trimmed = cells.text(pl.col("cell"))
    return frame.select(cells.amounts(trimmed, decimal, thousands, is_typed=is_typed)).to_series().to_list()


def read_days(values, formats, *, is_typed=False):
    frame = pl.DataFrame({"cell": values}, schema={"cell": pl.String})
    return (
        frame.select(cells.days(cells.text(pl.col("cell")), formats, is_typed=is_typed)).to_series().to_list()
    )


@pytest.mark.parametrize(
    ("written", "decimal", "meant"),
    [
        ("1 234,50", ",", "1234.50"),
        ("1\u00a0234,50", ",", "1234.50"),
        ("1\u202f234\u202f567,5", ",", "1234567.5"),
        ("1.234,50", ",", "1234.50"),
        ("1'234.50", ".", "1234.50"),
        ("1\u2019234.50", ".", "1234.50"),
        ("1,234,567.89", ".", "1234567.89"),
        ("12,5", ",", "12.5"),
        (",5", ",", "0.5"),
        ("-12,5", ",", "-12.5"),
        ("\u221212,5", ",", "-12.5"),
        ("12,50-", ",", "-12.50"),
        ("(12,50)", ",", "-12.50"),
        ("+3", ",", "3"),
        ("12,50 €", ",", "12.50"),
        ("€ 12.50", ".", "12.50"),
        ("EUR 1 000,00", ",", "1000.00"),
        ("12.345", ".", "12.345"),
        ("  7,00 ", ",", "7.00"),
        ("1.50", ",", None),
        ("1,50", ".", None),
        ("12 34,50", ",", None),
        ("1 234 5,00", ",", None),
        ("abc", ",", None),
        ("1,2,3", ",", None),
        ("-", ",", None),
        ("12,", ",", None),
        ("1e3", ".", None),
        ("", ",", None),
    ],
)
def test_amounts_are_read_as_written_or_not_at_all(written, decimal, meant):
    assert read_amounts([written], decimal) == [meant]


@given(
    st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
    st.sampled_from(
        [(",", " "), (",", "."), (",", "\u202f"), (".", ","), (".", "'"), (",", "\u00a0"), (".", "")]
    ),
)
def test_any_amount_comes_back_from_any_style(amount, style):
    decimal, separator = style
    written = f"{amount:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", separator)
    read = read_amounts([written], decimal)[0]
    assert read is not None
    assert read == f"{amount:.2f}"


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        (["1 234,50", "7"], ","),
        (["1.234,50"], ","),
        (["1,234.50", "3,000"], "."),
        (["1.234.567"], ","),
        (["0,125"], ","),
        (["12", "13", None], "."),
        (["1.5"], "."),
    ],
)
def test_the_decimal_sign_is_told_from_the_column(values, sign):
    assert cells.decimal_sign(pl.Series(values, dtype=pl.String), "invoices.amount", is_typed=False) == sign


@pytest.mark.parametrize(("values", "shown"), [(["1,234", "5"], "'1,234'"), (["1,50", "2.50"], "'1,50'")])
def test_a_decimal_sign_that_cannot_be_told_is_asked_for(values, shown):
    with pytest.raises(InvalidInputError) as refusal:
        cells.decimal_sign(pl.Series(values), "invoices.amount", is_typed=False)
    assert shown in str(refusal.value)
    assert "decimal: ','" in str(refusal.value)
    assert "invoices.amount" in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "formats", "meant"),
    [
        ("31/01/2024", ["dd/mm/yyyy"], dt.date(2024, 1, 31)),
        ("1/2/2024", ["d/m/yyyy"], dt.date(2024, 2, 1)),
        ("1/2/2024", ["m/d/yyyy"], dt.date(2024, 1, 2)),
        ("31/01/24", ["dd/mm/yy"], dt.date(2024, 1, 31)),
        ("20240131", ["yyyymmdd"], dt.date(2024, 1, 31)),
        ("31.01.2024", ["%d.%m.%Y"], dt.date(2024, 1, 31)),
        ("31-01-2024", ["dd/mm/yyyy", "dd-mm-yyyy"], dt.date(2024, 1, 31)),
        ("31/01/2024 14:05", ["dd/mm/yyyy hh:mi"], dt.date(2024, 1, 31)),
        ("45322", ["excel"], dt.date(2024, 1, 31)),
        ("2024-01-31", [], dt.date(2024, 1, 31)),
        ("2024-01-31 00:00:00", [], dt.date(2024, 1, 31)),
        ("2024-02-29", [], dt.date(2024, 2, 29)),
        ("31/02/2024", ["dd/mm/yyyy"], None),
        ("29/02/2023", ["dd/mm/yyyy"], None),
        ("31/01/24", ["dd/mm/yyyy"], None),
        ("01/31/2024", ["dd/mm/yyyy"], None),
        ("31/01/2024", [], None),
        ("2024-01-31", ["dd/mm/yyyy"], None),
        ("00/00/0000", ["dd/mm/yyyy"], None),
    ],
)
def test_dates_are_read_by_the_stated_formats_or_not_at_all(written, formats, meant):
    assert read_days([written], formats) == [meant]


def test_machine_dates_of_a_workbook_are_understood_beside_the_stated_format():
    written = ["2024-01-31 00:00:00", "31/01/2024"]
    assert read_days(written, ["dd/mm/yyyy"], is_typed=True) == [dt.date(2024, 1, 31)] * 2


def test_figures_of_a_workbook_are_understood_beside_the_stated_sign():
    assert read_amounts(["1234.5", "1 234,5", "1.234"], ",", is_typed=True) == ["1234.5", "1234.5", "1234"]


def test_formats_that_would_fit_are_suggested():
    assert cells.suggested_formats(pl.Series(["31/01/2024", "12/02/2024"])) == "these fit: dd/mm/yyyy"
    assert cells.suggested_formats(pl.Series(["soon"])) == "no common format fits"


def test_yes_and_no_are_the_stated_words_in_any_case():
    frame = pl.DataFrame({"cell": ["OUI", "non", "peut-être", None]})
    assert frame.select(cells.flags(pl.col("cell"), ["oui"], ["non"])).to_series().to_list() == [
        True,
        False,
        None,
        None,
    ]


def test_stray_blanks_and_words_for_nothing_are_no_values():
    frame = pl.DataFrame({"cell": [" a ", "\u00a0", "N/A", "", "00012"]})
    assert frame.select(cells.text(pl.col("cell"), ["N/A"])).to_series().to_list() == [
        "a",
        None,
        None,
        None,
        "00012",
    ]
