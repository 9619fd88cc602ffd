from pathlib import Path

import pytest
import yaml

from features.terms import EndOfMonthReading, due_date, parse_terms

CASES = yaml.safe_load(
    (Path(__file__).parent / "terms" / "worked_due_dates.yaml").read_text(encoding="utf-8")
)["cases"]


@pytest.mark.parametrize(("source", "wording", "issued_on", "days_first", "month_end_first"), CASES)
def test_due_dates_agree_with_the_worked_table(source, wording, issued_on, days_first, month_end_first):
    terms = parse_terms(wording)
    assert terms is not None, f"{wording} ({source}) is not understood"
    assert due_date(terms, issued_on, EndOfMonthReading.DAYS_THEN_MONTH_END) == days_first
    assert due_date(terms, issued_on, EndOfMonthReading.MONTH_END_THEN_DAYS) == month_end_first


def test_the_worked_table_names_a_source_for_every_case():
    assert {case[0] for case in CASES} <= {"dgccrf", "hand"}
    assert len(CASES) >= 25
