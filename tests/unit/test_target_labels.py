"""When a label exists, and what it says."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from features.errors import InvalidInputError
from models.target import HORIZONS, Target, labels, outcomes
from tests.settlement_samples import episodes

DUE = date(2025, 3, 31)
CUTOFF = date(2025, 4, 15)


def _labels(
    settled_on: date | None, known_on: date | None, cutoff: date = CUTOFF, grace: int = 0
) -> dict[str, object]:
    invoices = pl.DataFrame({"invoice_id": ["F1"], "due_on": [DUE]})
    settlements = episodes({"F1": [(settled_on, known_on)]})
    return labels(outcomes(invoices, settlements, cutoff), Target(grace)).row(0, named=True)


def test_a_label_exists_from_the_day_after_its_horizon():
    for settled in (date(2025, 3, 1), None):
        assert _labels(settled, settled, cutoff=date(2025, 3, 31))["is_late"] is None
        assert _labels(settled, settled, cutoff=date(2025, 4, 1))["is_late"] is (settled is None)


def test_an_open_invoice_past_due_is_late_never_on_time():
    found = _labels(None, None)
    assert found["is_late"] is True
    assert found["is_unpaid_7d"] is True
    assert found["days_late"] is None


def test_a_horizon_that_has_not_ended_has_no_label_though_paid():
    found = _labels(date(2025, 3, 20), date(2025, 3, 20))
    assert found["is_unpaid_7d"] is False
    assert [found[f"is_unpaid_{k}d"] for k in HORIZONS if k >= 15] == [None] * 4


def test_a_payment_known_on_the_cut_off_is_not_seen():
    assert _labels(date(2025, 3, 30), CUTOFF)["is_late"] is True
    assert _labels(date(2025, 3, 30), date(2025, 4, 14))["is_late"] is False


@pytest.mark.parametrize(("days", "expected"), [(5, False), (6, True)])
def test_grace_days_are_still_on_time(days: int, expected: bool):
    settled = date(2025, 4, days)
    assert (settled - DUE).days == days
    assert _labels(settled, settled, grace=5)["is_late"] is expected


def test_an_unusable_grace_says_what_is_usual():
    with pytest.raises(InvalidInputError, match=r"grace_days: is 45.*from 0 to 30.*5 is usual"):
        Target(45)


def _label(stories: list[tuple[date | None, ...]], closed_by: str = "paid", cutoff: date = date(2025, 8, 1)):
    invoices = pl.DataFrame({"invoice_id": ["F1"], "due_on": [DUE]})
    found = labels(outcomes(invoices, episodes({"F1": stories}, closed_by), cutoff), Target())
    return [found[f"is_unpaid_{k}d"].item() for k in HORIZONS]


def test_a_bounced_payment_is_labelled_by_its_state_at_the_cut_off():
    paid, bounced, again = date(2025, 3, 20), date(2025, 4, 3), date(2025, 4, 20)
    stories = [(paid, paid, bounced), (again, again)]
    assert _label(stories) == [True, True, True, False, False, False]
    assert _label(stories, cutoff=bounced) == [False, None, None, None, None, None]
    assert _label(stories[:1]) == [True] * 6


def test_a_write_off_is_unpaid_at_every_horizon():
    assert _label([(None, date(2025, 4, 2))], "written_off") == [True] * 6


def test_a_cancelled_invoice_has_labels_only_for_days_that_ended_before():
    cancelled = date(2025, 4, 8)
    assert _label([(None, cancelled)], "cancelled") == [True, True, None, None, None, None]
    assert _label([(None, cancelled)], "cancelled", cutoff=date(2025, 4, 8)) == [True, True, *[None] * 4]
    assert _label([(None, DUE)], "cancelled") == [None] * 6


def test_an_invoice_paid_then_cancelled_is_paid_until_its_cancellation():
    paid = episodes({"F1": [(date(2025, 3, 20), date(2025, 3, 20))]})
    cancelled = episodes({"F1": [(None, None), (None, date(2025, 4, 5))]}, "cancelled").with_columns(
        episode=pl.lit(2, pl.Int64)
    )
    invoices = pl.DataFrame({"invoice_id": ["F1"], "due_on": [DUE]})
    found = labels(outcomes(invoices, pl.concat([paid, cancelled]), date(2025, 8, 1)), Target())
    assert [found[f"is_unpaid_{k}d"].item() for k in HORIZONS] == [False, *[None] * 5]
