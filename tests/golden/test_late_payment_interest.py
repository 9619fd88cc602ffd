"""Late-payment interest against worked cases with their sources."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from serving.dunning.legal import (
    LegalValueUnknownError,
    Principal,
    late_payment_interest,
    late_payment_rate,
    load_legal_parameters,
)

CASES = yaml.safe_load((Path(__file__).parent / "late_payment_interest" / "cases.yaml").read_text("utf-8"))
LEGAL = load_legal_parameters()


def _clause(case):
    return Decimal(case["clause_percent"]) if "clause_percent" in case else None


@pytest.mark.parametrize("case", CASES["rates"], ids=lambda case: case["name"])
def test_the_rate_of_a_day_is_the_published_one(case):
    rate, basis = late_payment_rate(LEGAL, case["day"], _clause(case), has_clause=case["has_clause"])
    assert (rate, basis) == (Decimal(case["rate"]), case["basis"])


@pytest.mark.parametrize("case", CASES["interest"], ids=lambda case: case["name"])
def test_interest_equals_the_hand_calculation_to_the_cent(case):
    principals = [Principal(Decimal(case["amount"]), case["until"])]
    interest, periods = late_payment_interest(
        LEGAL, case["due_on"], principals, _clause(case), has_clause=case["has_clause"]
    )
    assert interest == Decimal(case["interest"])
    assert sum(period.days for period in periods) == (case["until"] - case["due_on"]).days


@pytest.mark.parametrize("case", CASES["part_payments"], ids=lambda case: case["name"])
def test_a_late_part_payment_bears_interest_until_it_came_in(case):
    principals = [Principal(Decimal(item["amount"]), item["until"]) for item in case["principals"]]
    interest, _ = late_payment_interest(LEGAL, case["due_on"], principals, has_clause=case["has_clause"])
    assert interest == Decimal(case["interest"])


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: str(case["day"]))
def test_a_semester_without_a_sourced_rate_is_refused_in_words(case):
    with pytest.raises(LegalValueUnknownError) as refused:
        late_payment_rate(LEGAL, case["day"])
    message = str(refused.value)
    assert f"no value of {case['name']} for {case['day']}" in message
    assert "add the value with its source" in message
    assert f"{case['day']:%d/%m/%Y}" in refused.value.text.fr
    assert str(case["day"]) in refused.value.text.en


def test_every_case_names_its_source():
    assert all(case["source"] for cases in CASES.values() for case in cases)


def test_every_shipped_value_names_source_and_article_and_is_marked_verified():
    for parameter in LEGAL.parameters.values():
        assert parameter.article
        assert all(value.source and value.verified for value in parameter.values)


def test_the_forty_euro_indemnity_holds_since_2013_and_not_before():
    value = LEGAL.value_on("recovery_indemnity", CASES["rates"][0]["day"])
    assert value.value == Decimal("40.00")
    with pytest.raises(LegalValueUnknownError, match="no value of recovery_indemnity for 2012-12-31"):
        LEGAL.value_on("recovery_indemnity", value.begins_on.replace(year=2012, month=12, day=31))
