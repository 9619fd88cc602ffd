"""A file of legal values with a hole, an overlap or a guess is refused with its line."""

from __future__ import annotations

from datetime import date

import pytest

from features.errors import InvalidInputError
from serving.dunning.legal import (
    LegalValueUnknownError,
    coverage_warning,
    covered_until,
    late_payment_rate,
    lines_to_add,
    load_legal_parameters,
    semesters,
)
from serving.dunning.legal.parameters import LEGAL_FOLDER
from tests.dunning_samples import is_localized

ECB = '{from: 2024-07-01, until: 2024-12-31, value: "4.25"'
TEXT = (LEGAL_FOLDER / "fr.yaml").read_text("utf-8")


def loaded(tmp_path, *pairs):
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "law.yaml"
    path.write_text(text, "utf-8")
    return load_legal_parameters(path)


def line_of(part):
    return TEXT[: TEXT.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (ECB, ECB.replace("07-01", "06-30"), "ecb_refinancing_rate has two values for 2024-06-30"),
        (ECB, ECB.replace("07-01", "07-02"), "ecb_refinancing_rate has no value between 2024-06-30 and 2024-07-02"),
        (ECB, ECB.replace("12-31", "01-01"), "ecb_refinancing_rate ends before it begins"),
        ("  ecb_margin:", "  ecb_margins:", "parameter ecb_margin is missing"),
        ("  ecb_margin:", "  ecb_margins:", "unknown parameter ecb_margins"),
        ("    unit: times", "    unit: hours", "'hours' is not accepted"),
        ("article: Code de commerce, D441-5", "article: \"\"", "'' is not accepted"),
        ("source: \"décret 2012-1115 of 2 October 2012\"", "sources: \"x\"", "source is missing"),
    ],
)  # fmt: skip
def test_each_fault_of_a_legal_file_is_named_with_its_line(tmp_path, old, new, fault):
    with pytest.raises(InvalidInputError) as refused:
        loaded(tmp_path, (old, new))
    assert all(is_localized(found) for found in refused.value.faults)
    at_fault = next(line for line in str(refused.value).splitlines() if fault in line)
    assert "law.yaml, line " in at_fault


def test_the_line_is_the_one_of_the_value(tmp_path):
    with pytest.raises(InvalidInputError, match=f"law.yaml, line {line_of(ECB)} "):
        loaded(tmp_path, (ECB, ECB.replace("2024-07-01", "2024-07-02")))


def test_a_value_nobody_verified_is_not_used(tmp_path):
    old = 'value: "2.15", verified: true, source: "press reports of the ECB decision of 18'
    legal = loaded(tmp_path, (old, old.replace("true", "false")))
    with pytest.raises(LegalValueUnknownError, match="written but not verified") as refused:
        late_payment_rate(legal, date(2026, 2, 1))
    assert "écrite mais non vérifiée" in refused.value.text.fr
    assert late_payment_rate(legal, date(2025, 8, 1))[1] == "ecb_plus_margin"


def test_terms_and_deadline_of_the_commercial_code_are_dated():
    legal = load_legal_parameters()
    names = (
        "term_without_agreement",
        "maximum_term_net",
        "maximum_term_fin_de_mois",
        "maximum_term_periodic_invoice",
    )
    assert [int(legal.value_on(name, date(2026, 1, 1)).value) for name in names] == [30, 60, 45, 45]
    with pytest.raises(LegalValueUnknownError, match="known: 2019-04-26"):
        legal.value_on("maximum_term_net", date(2019, 4, 25))


LAST_ECB = '      - {from: 2026-07-01, until: 2026-12-31, value: "2.40"'
LAST_LEGAL = '      - {from: 2026-07-01, until: 2026-12-31, value: "2.75"'


def without_line(tmp_path, start):
    line = next(line for line in TEXT.splitlines() if line.startswith(start))
    return loaded(tmp_path, (line + "\n", ""))


def test_every_semester_is_told_with_the_rate_that_late_payment_interest_uses():
    legal = load_legal_parameters()
    told = semesters(legal, date(2026, 8, 1))
    assert told[0].begins_on == date(2020, 1, 1)
    for semester in told:
        assert semester.without_clause == late_payment_rate(legal, semester.ends_on, has_clause=False)[0]
        rate, _ = late_payment_rate(legal, semester.begins_on)
        assert rate == max(semester.without_clause, semester.floor)


@pytest.mark.parametrize("start", [LAST_ECB, LAST_LEGAL])
def test_interest_ends_with_the_last_semester_that_has_both_rates(tmp_path, start):
    legal = without_line(tmp_path, start)
    assert covered_until(legal, date(2026, 9, 1)) == date(2026, 6, 30)
    [(name, line)] = lines_to_add(legal, date(2026, 9, 1))
    assert name == ("ecb_refinancing_rate" if start is LAST_ECB else "legal_interest_rate")
    assert "from: 2026-07-01, until: 2026-12-31" in line


def test_the_warning_comes_three_weeks_before_the_rates_end_and_stays():
    legal = load_legal_parameters()
    assert covered_until(legal, date(2026, 1, 1)) == date(2026, 12, 31)
    assert coverage_warning(legal, date(2026, 12, 10)) is None
    ahead = coverage_warning(legal, date(2026, 12, 11))
    assert "To do before" in ahead.en
    assert "31/12/2026" in ahead.fr
    after = coverage_warning(legal, date(2027, 1, 1))
    assert "no amount is reckoned" in after.en
    assert "2026-12-31" in after.en


def test_the_lines_to_add_are_read_once_they_are_filled_in(tmp_path):
    pairs = []
    for name, line in lines_to_add(load_legal_parameters(), date(2027, 2, 1)):
        filled = line.replace('value: "?"', 'value: "3.00"').replace("verified: false", "verified: true")
        last = LAST_ECB if name == "ecb_refinancing_rate" else LAST_LEGAL
        whole = next(row for row in TEXT.splitlines() if row.startswith(last))
        pairs.append((whole, f"{whole}\n      {filled}"))
    legal = loaded(tmp_path, *pairs)
    assert covered_until(legal, date(2027, 2, 1)) == date(2027, 6, 30)
    assert late_payment_rate(legal, date(2027, 3, 1), has_clause=False)[0] == 13


def test_a_line_left_unfilled_is_refused_by_its_line(tmp_path):
    [(_, line), _] = lines_to_add(load_legal_parameters(), date(2027, 2, 1))
    whole = next(row for row in TEXT.splitlines() if row.startswith(LAST_ECB))
    with pytest.raises(InvalidInputError, match=f"law.yaml, line {line_of(whole) + 1} "):
        loaded(tmp_path, (whole, f"{whole}\n      {line}"))
