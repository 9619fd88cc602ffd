"""The hazard rows against a slow, obvious version; nothing known from the cut-off on may change them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hazard.training_set import training_rows
from models.intervals import hazard_rows, intervals_for
from tests.settlement_samples import episodes

CUTOFF = date(2025, 6, 1)
INTERVALS = intervals_for(0)
ENDS = INTERVALS.bounds

stories = st.lists(
    st.tuples(
        st.integers(-400, 10),  # due, in days from the cut-off
        st.integers(-70, 420),  # as of, in days past due
        st.one_of(st.none(), st.integers(-60, 420)),  # days late
        st.integers(0, 12),  # days from payment to knowledge
    ),
    min_size=1,
    max_size=12,
)


def _frames(found: list[tuple[int, int, int | None, int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    landmarks, settlements = [], {}
    for number, (due, dpd, late, lag) in enumerate(found):
        due_on = CUTOFF + timedelta(days=due)
        settled = None if late is None else due_on + timedelta(days=late)
        landmarks.append(
            {
                "invoice_id": f"F{number:03d}",
                "as_of": due_on + timedelta(days=dpd),
                "issued_on": due_on - timedelta(days=60),
                "due_on": due_on,
            }
        )
        settlements[f"F{number:03d}"] = [
            (settled, None if settled is None else settled + timedelta(days=lag))
        ]
    return pl.DataFrame(landmarks), episodes(settlements)


def _slowly(landmarks: pl.DataFrame, settlements: pl.DataFrame) -> list[tuple[int, int, float, float]]:
    rows = []
    known = {row["invoice_id"]: row for row in settlements.iter_rows(named=True)}
    for number, landmark in enumerate(landmarks.iter_rows(named=True)):
        due, as_of = landmark["due_on"], landmark["as_of"]
        seen = known[landmark["invoice_id"]]
        is_seen = seen["settlement_known_on"] is not None and seen["settlement_known_on"] < CUTOFF
        dpd = (as_of - due).days
        late = max((seen["settled_on"] - due).days, dpd) if is_seen else None
        for position, end in enumerate(ENDS):
            begin = -10_000 if position == 0 else ENDS[position - 1]
            if dpd > end or due + timedelta(days=end) >= CUTOFF:
                continue
            if late is not None and late <= begin:
                continue
            first_day = dpd if position == 0 else max(dpd, begin + 1)
            rows.append(
                (number, position, float(late is not None and late <= end), float(end - first_day + 1))
            )
    return rows


@given(stories)
@settings(max_examples=150, deadline=None)
def test_rows_equal_walking_day_by_day(found):
    landmarks, settlements = _frames(found)
    got = training_rows(landmarks, settlements, INTERVALS, CUTOFF, 0.3)
    rows = list(
        zip(
            got.rows.landmark.tolist(),
            got.rows.interval.tolist(),
            got.is_settled.tolist(),
            got.rows.days_at_risk.tolist(),
            strict=True,
        )
    )
    assert rows == _slowly(landmarks, settlements)


@given(stories, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_what_is_known_from_the_cut_off_on_changes_nothing(found, random):
    landmarks, settlements = _frames(found)
    before = training_rows(landmarks, settlements, INTERVALS, CUTOFF, 0.3)
    is_later = pl.col("settlement_known_on") >= CUTOFF
    shift = random.randint(0, 200)
    falsified = settlements.with_columns(
        settled_on=pl.when(is_later)
        .then(pl.col("settled_on") + pl.duration(days=shift))
        .otherwise("settled_on"),
        settlement_known_on=pl.when(is_later)
        .then(pl.col("settlement_known_on") + pl.duration(days=shift))
        .otherwise("settlement_known_on"),
    )
    deleted = settlements.with_columns(
        settled_on=pl.when(~is_later).then("settled_on"),
        settlement_known_on=pl.when(~is_later).then("settlement_known_on"),
    )
    for other in (falsified, deleted):
        after = training_rows(landmarks, other, INTERVALS, CUTOFF, 0.3)
        assert np.array_equal(before.rows.landmark, after.rows.landmark)
        assert np.array_equal(before.rows.interval, after.rows.interval)
        assert np.array_equal(before.is_settled, after.is_settled)


@given(stories)
@settings(max_examples=80, deadline=None)
def test_an_unobserved_interval_is_left_out_paid_or_not(found):
    landmarks, settlements = _frames(found)
    got = training_rows(landmarks, settlements, INTERVALS, CUTOFF, 0.3)
    ends = np.asarray(ENDS)[got.rows.interval]
    due = landmarks["due_on"].to_list()
    for landmark, end in zip(got.rows.landmark.tolist(), ends.tolist(), strict=True):
        assert due[landmark] + timedelta(days=int(end)) < CUTOFF


@given(st.lists(st.integers(-90, 500), min_size=1, max_size=20))
def test_a_landmark_has_every_interval_ahead_once(days):
    rows = hazard_rows(np.asarray(days), INTERVALS)
    for number, dpd in enumerate(days):
        mine = rows.interval[rows.landmark == number].tolist()
        expected = [i for i, end in enumerate(ENDS) if dpd <= end] or [len(ENDS) - 1]
        assert mine == expected
        at_risk = rows.days_at_risk[rows.landmark == number]
        assert (at_risk >= 1).all()
        if dpd <= ENDS[-1]:
            assert at_risk.sum() == ENDS[-1] - dpd + 1
