import datetime as dt
import doctest
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import calendars
from features import terms as terms_module
from features.ledger.importing import cells
from features.terms import EndOfMonthReading, Terms, due_date, due_date_report, due_dates, parse_terms

FIRST, SECOND = EndOfMonthReading
DAYS = st.dates(dt.date(2010, 1, 1), dt.date(2040, 12, 31))
READINGS = st.sampled_from(list(EndOfMonthReading))
WORDINGS = [
    "30 jours",
    "45 jours fin de mois",
    "fin de mois le 15",
    "45 jours fin de mois le 31",
    "fin de mois + 30 jours",
    "comptant",
    "le 10 du mois suivant",
    "fin du mois suivant",
    "2/10 net 30",
]


@pytest.mark.parametrize(
    ("wording", "days", "is_end_of_month"),
    [
        ("30 jours", 30, False),
        ("30 JOURS NET", 30, False),
        ("30 jours nets", 30, False),
        ("  60   net ", 60, False),
        ("Net 30 days", 30, False),
        ("NET30", 30, False),
        ("N30", 30, False),
        ("30", 30, False),
        ("Payment within 30 days", 30, False),
        ("Due in 30 days", 30, False),
        ("30 jours à compter de la date de facture", 30, False),
        ("virement 30 jours date de facture", 30, False),
        ("45J FDM", 45, True),
        ("30 j. fdm", 30, True),
        ("Chèque à 45 jours fin de mois", 45, True),
        ("45 days end of month", 45, True),
        ("EOM", 0, True),
        ("A réception de facture", 0, False),
        ("Due upon receipt", 0, False),
    ],
)
def test_common_wordings_are_understood(wording, days, is_end_of_month):
    terms = parse_terms(wording)
    assert terms is not None
    assert (terms.days, terms.is_end_of_month) == (days, is_end_of_month)


@pytest.mark.parametrize(
    "wording",
    [
        "",
        " ",
        "selon contrat",
        "30 jours ou plus",
        "30 jours fin de mois le 40",
        "99999 jours",
        "30/60/90",
        "J+",
        None,
    ],
)
def test_wordings_that_are_not_understood_are_not_guessed(wording):
    assert parse_terms(wording) is None


@pytest.mark.parametrize(
    "wording", ["2/10 net 30", "2/10, n/30", "2% 10 net 30", "escompte 2% à 10 jours, 30 jours net"]
)
def test_early_payment_discounts_are_read_beside_the_term(wording):
    assert parse_terms(wording) == Terms(days=30, discount_share=Decimal("0.02"), discount_days=10)


@given(DAYS)
def test_two_readings_of_45_days_end_of_month_differ_by_two_weeks(issued_on):
    terms = Terms(45, is_end_of_month=True)
    days_apart = abs((due_date(terms, issued_on, FIRST) - due_date(terms, issued_on, SECOND)).days)
    assert 14 <= days_apart <= 17


@given(st.sampled_from(WORDINGS), DAYS, READINGS)
def test_no_invoice_is_due_before_its_term_has_run(wording, issued_on, reading):
    terms = parse_terms(wording)
    assert terms is not None
    due = due_date(terms, issued_on, reading)
    assert due >= issued_on + dt.timedelta(terms.days)
    assert due <= issued_on + dt.timedelta(terms.days + 63)


@given(
    st.lists(st.tuples(st.sampled_from([*WORDINGS, "selon contrat", None]), DAYS | st.none()), max_size=30),
    READINGS,
)
def test_whole_columns_agree_with_single_invoices(rows, reading):
    terms = pl.Series([row[0] for row in rows], dtype=pl.String)
    issued_on = pl.Series([row[1] for row in rows], dtype=pl.Date)
    expected = [
        due_date(parsed, day, reading)
        if day is not None and (parsed := parse_terms(text)) is not None
        else None
        for text, day in rows
    ]
    assert due_dates(terms, issued_on, reading).to_list() == expected


def test_the_report_counts_due_dates_that_the_terms_do_not_give():
    day = dt.date(2024, 10, 5)
    rows = [
        ("45 jours fin de mois", dt.date(2024, 11, 30)),
        ("45 jours fin de mois", dt.date(2024, 12, 15)),
        ("45 jours fin de mois", dt.date(2024, 12, 16)),
        ("selon contrat", dt.date(2024, 12, 16)),
        (None, dt.date(2024, 12, 16)),
    ]
    invoices = pl.DataFrame(
        {
            "terms": [row[0] for row in rows],
            "issued_on": [day] * 5,
            "due_on": [row[1] for row in rows],
            "source_due_on": pl.Series([None] * 5, dtype=pl.Date),
            "kind": ["invoice"] * 5,
        }
    )
    report = due_date_report(invoices, FIRST)
    assert (report.invoices, report.without_terms, report.unreadable) == (5, 1, 1)
    assert (report.agreeing, report.differing) == (1, 2)
    known = report.by_terms.filter(pl.col("terms") == "45 jours fin de mois").row(0, named=True)
    assert known["agree_days_then_month_end"] == 1
    assert known["agree_month_end_then_days"] == 1
    assert known["agree_neither"] == 1


@pytest.mark.parametrize("module", [terms_module, calendars, cells])
def test_the_examples_in_the_docstrings_hold(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
