"""A file of legal values with a hole, an overlap or a guess is refused with its line."""

from __future__ import annotations

from datetime import date

import pytest

from features.errors import InvalidInputError
from serving.dunning.legal import LegalValueUnknownError, late_payment_rate, load_legal_parameters
from serving.dunning.legal.parameters import LEGAL_FOLDER

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
