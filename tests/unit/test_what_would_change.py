"""What would change the grade, and where a payer stands: true to the model and to the values."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.words import GRADES
from models.explanation.comparison import compare
from models.explanation.counterfactual import LEVERS, what_would_change_the_grade
from models.grades import grades
from models.score import score
from tests.model_samples import bundle, overdue, unseen

FEATURES, LANDMARKS = unseen()
SCORES = score(bundle(), FEATURES, LANDMARKS, with_reasons=False).frame()


def test_a_proposed_change_gives_the_grade_it_promises_when_it_is_made():
    found = 0
    for row in range(LANDMARKS.height):
        part = slice(row, row + 1)
        answers = what_would_change_the_grade(bundle(), FEATURES[part], LANDMARKS[part])
        for answer in answers:
            found += 1
            assert GRADES.index(answer.grade) < GRADES.index(SCORES["grade"][row])
            changes = {}
            values = {k: v for k, v in FEATURES.row(row, named=True).items() if isinstance(v, float)}
            for lever in LEVERS:
                if lever.name in answer.levers:
                    changes |= lever.change(values) or {}
            changed = FEATURES[part].with_columns(
                pl.lit(value).fill_nan(None).alias(name)
                for name, value in changes.items()
                if name in FEATURES.columns
            )
            again = score(bundle(), changed, LANDMARKS[part], with_reasons=False).frame()
            assert again["grade"][0] == answer.grade
            assert answer.texts.fr
            assert answer.texts.en.startswith("the customer pays")
    assert found >= 3


def test_the_best_grade_asks_for_no_change():
    best = SCORES.with_row_index().filter(pl.col("grade") == "A")["index"].to_list()
    for row in best[:5]:
        part = slice(row, row + 1)
        assert what_would_change_the_grade(bundle(), FEATURES[part], LANDMARKS[part]) == []


def test_nothing_is_promised_for_an_invoice_long_overdue():
    features, landmarks = overdue(75)
    assert what_would_change_the_grade(bundle(), features[:1], landmarks[:1]) == []


def test_a_payer_getting_worse_is_told_so_in_both_languages():
    found = {(one.against, one.measure): one for one in compare(
        {"late_share_90d": 0.8, "late_share_365d": 0.4, "sector_late_share_365d": 0.31, "days_late_mean_3n": 14.0,
         "days_late_mean_all": 3.0}
    )}  # fmt: skip
    own = found["own_past", "late_share"]
    assert own.texts.en == "80% of invoices late over 90 days, 40% over a year: getting worse"
    assert own.texts.fr == (
        "80\u00a0% de factures en retard sur 90 jours, 40\u00a0% sur un an\u00a0: en dégradation"
    )
    assert found["own_past", "days_late"].texts.en == (
        "last 3 invoices settled 14 days after the due date, usually 3 days after the due date: later than usual"
    )
    assert found["sector", "late_share"].texts.en.endswith("31% in its sector: late more often")
    assert ("portfolio", "late_share") not in found


def test_a_payer_without_history_is_compared_with_nobody():
    assert compare({"sector_late_share_365d": 0.3}) == ()


@pytest.mark.parametrize(
    ("late", "late_30", "grade"),
    [
        (0.2, 0.0, "A"),
        (0.25, 0.1, "B"),
        (0.5, 0.24, "C"),
        (0.6, 0.25, "D"),
        (1.0, 0.49, "D"),
        (0.9, 0.5, "E"),
    ],
)
def test_grades_follow_their_table(late, late_30, grade):
    assert GRADES[int(grades(np.array([late]), np.array([late_30]))[0])] == grade
