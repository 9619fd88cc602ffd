"""When a label exists, and what it says."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from features.errors import InvalidInputError
from models.target import HORIZONS, Target, labels, outcomes

DUE = date(2025, 3, 31)
CUTOFF = date(2025, 4, 15)


def _labels(
    settled_on: date | None, known_on: date | None, cutoff: date = CUTOFF, grace: int = 0
) -> dict[str, object]:
    invoices = pl.DataFrame({"invoice_id": ["F1"], "due_on": [DUE]})
    settlements = pl.DataFrame(
        {"invoice_id": ["F1"], "settled_on": [settled_on], "settlement_known_on": [known_on]},
        schema_overrides={"settled_on": pl.Date, "settlement_known_on": pl.Date},
    )
    return labels(outcomes(invoices, settlements, cutoff), Target(grace), cutoff).row(0, named=True)


def test_a_label_exists_from_the_day_after_its_own_day_paid_or_not():
    for settled in (date(2025, 3, 1), None):
        assert _labels(settled, settled, cutoff=date(2025, 3, 31))["is_late"] is None
        assert _labels(settled, settled, cutoff=date(2025, 4, 1))["is_late"] is (settled is None)


def test_an_open_invoice_past_due_is_late_never_on_time():
    found = _labels(None, None)
    assert found["is_late"] is True
    assert found["is_unpaid_7d"] is True
    assert found["days_late"] is None


def test_horizons_whose_day_has_not_ended_have_no_label_even_when_the_invoice_is_paid():
    found = _labels(date(2025, 3, 20), date(2025, 3, 20))
    assert found["is_unpaid_7d"] is False
    assert [found[f"is_unpaid_{k}d"] for k in HORIZONS if k >= 15] == [None] * 4


def test_a_payment_known_on_the_cut_off_is_not_seen():
    assert _labels(date(2025, 3, 30), CUTOFF)["is_late"] is True
    assert _labels(date(2025, 3, 30), date(2025, 4, 14))["is_late"] is False


@pytest.mark.parametrize(("days", "expected"), [(5, False), (6, True)])
def test_grace_days_are_still_on_time(days: int, expected: bool):
    settled = date(2025, 4, days - 0)
    assert (settled - DUE).days == days
    assert _labels(settled, settled, grace=5)["is_late"] is expected


def test_an_unusable_grace_says_what_is_usual():
    with pytest.raises(InvalidInputError, match=r"grace_days is 45.*from 0 to 30.*5 is usual"):
        Target(45)
