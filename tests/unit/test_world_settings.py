"""What a world refuses to be, and the days it covers."""

from datetime import date

import pytest

from data_samples.generator import WorldSettings
from features.errors import InvalidInputError


def test_every_wrong_setting_is_named_in_one_refusal():
    with pytest.raises(InvalidInputError) as refusal:
        WorldSettings(customers=0, months=0, seed=-1, regime_change_month=9)
    message = str(refusal.value)
    for part in ("customers: too few customers", "months: too few months", "seed: negative seed"):
        assert part in message
    assert "a month from 1 to 0" in message


def test_a_regime_change_after_the_last_month_is_refused():
    with pytest.raises(InvalidInputError, match="expected a month from 1 to 12"):
        WorldSettings(customers=5, months=12, seed=1, regime_change_month=13)


@pytest.mark.parametrize(
    ("months", "end", "start"),
    [
        (1, date(2026, 6, 30), date(2026, 6, 1)),
        (6, date(2026, 6, 30), date(2026, 1, 1)),
        (30, date(2026, 6, 30), date(2024, 1, 1)),
        (14, date(2025, 2, 10), date(2024, 1, 1)),
    ],
)
def test_the_world_begins_on_the_first_of_a_complete_month(months, end, start):
    assert WorldSettings(customers=1, months=months, seed=0, end=end).start == start
