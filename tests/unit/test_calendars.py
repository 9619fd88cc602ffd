import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import calendars

DAYS = st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31))
COUNTRIES = st.sampled_from(["FR", "DE", "GB", "US", "AE", None, "XX"])


@pytest.mark.parametrize(
    ("day", "country", "works"),
    [
        (dt.date(2024, 7, 14), "FR", False),
        (dt.date(2024, 7, 15), "FR", True),
        (dt.date(2024, 11, 1), "FR", False),  # All Saints: a holiday in France, not in Great Britain
        (dt.date(2024, 11, 1), "GB", True),
        (dt.date(2024, 5, 20), "FR", False),  # Whit Monday
        (dt.date(2024, 11, 1), None, True),  # unknown payer country: weekends only
        (dt.date(2024, 11, 2), None, False),
        (dt.date(2024, 11, 1), "XX", True),
    ],
)
def test_known_days_work_or_rest(day, country, works):
    assert calendars.is_working_day(day, country) is works


@given(DAYS, COUNTRIES)
def test_next_and_previous_working_days_are_the_nearest_working_ones(day, country):
    after, before = calendars.next_working_day(day, country), calendars.previous_working_day(day, country)
    assert before <= day <= after
    assert calendars.is_working_day(after, country)
    assert calendars.is_working_day(before, country)
    between = [before + dt.timedelta(n) for n in range(1, (after - before).days)]
    assert not any(calendars.is_working_day(other, country) for other in between if other != day)


@given(DAYS, st.integers(0, 90), COUNTRIES)
def test_counting_agrees_with_walking_day_by_day(start, length, country):
    end = start + dt.timedelta(length)
    walked = sum(calendars.is_working_day(start + dt.timedelta(n), country) for n in range(length))
    assert calendars.working_days_between(start, end, country) == walked
    assert calendars.working_days_between(end, start, country) == -walked


@given(DAYS, st.integers(1, 30), COUNTRIES)
def test_adding_working_days_counts_each_working_day_once(day, count, country):
    reached = calendars.add_working_days(day, count, country)
    one = dt.timedelta(1)
    assert calendars.is_working_day(reached, country)
    assert calendars.working_days_between(day + one, reached + one, country) == count


@given(st.lists(st.tuples(DAYS | st.none(), DAYS | st.none(), COUNTRIES), max_size=20))
def test_columns_agree_with_single_days(rows):
    starts = pl.Series([row[0] for row in rows], dtype=pl.Date)
    ends = pl.Series([row[1] for row in rows], dtype=pl.Date)
    countries = pl.Series([row[2] for row in rows], dtype=pl.String)
    counted = calendars.working_days_between_columns(starts, ends, countries)
    assert counted.to_list() == [
        None if start is None or end is None else calendars.working_days_between(start, end, country)
        for start, end, country in rows
    ]


def test_an_unknown_country_is_said_to_have_no_calendar():
    assert calendars.has_calendar("FR")
    assert not calendars.has_calendar("XX")
    assert not calendars.has_calendar(None)
