"""The climate of each sector: a hidden monthly state, and the index that is published about it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from data_samples.generator.day_calendar import DayCalendar, FloatArray
from data_samples.generator.settings import WorldSettings

INDEX_NAME = "sector_payment_climate"
PUBLICATION_DELAY_DAYS = 35
_PERSISTENCE = 0.88
_SEASON_POINTS = 1.5


def draw_climate(settings: WorldSettings, calendar: DayCalendar, random: np.random.Generator) -> FloatArray:
    """Hidden climate, sector x month, in standard deviations; more is worse for payment.

    Half of it is common to all sectors. It follows its own past (0.88 a month); a regime change makes it one
    standard deviation worse from its month on.
    """
    months = int(calendar.month[-1]) + 1
    sectors = len(settings.sector_weight)
    climate = np.empty((sectors, months))
    step = np.sqrt(1 - _PERSISTENCE**2)
    common, own = random.normal(), random.normal(size=sectors)
    for month in range(months):
        climate[:, month] = np.sqrt(0.5) * (common + own)
        common = _PERSISTENCE * common + step * random.normal()
        own = _PERSISTENCE * own + step * random.normal(size=sectors)
    if settings.regime_change_month is not None:
        climate[:, settings.regime_change_month - 1 :] += 1.0
    return climate


def indicator_rows(
    settings: WorldSettings, calendar: DayCalendar, climate: FloatArray, random: np.random.Generator
) -> pl.DataFrame:
    """The ledger's indicators: one index per sector and month, published five weeks after the month.

    The index is 100 minus five points a standard deviation of climate, with a season and a measurement error
    of one point: more is better. Months whose figure was not published by the end of the ledger are not in
    it.
    """
    rows: dict[str, list[object]] = {
        "name": [],
        "sector": [],
        "country": [],
        "period": [],
        "value": [],
        "published_on": [],
    }
    for month in range(int(calendar.month[settings.days - 1]) + 1):
        year, number = divmod(settings.start.year * 12 + settings.start.month - 1 + month, 12)
        next_year, next_number = divmod(year * 12 + number + 1, 12)
        published = date(next_year, next_number + 1, 1) + timedelta(days=PUBLICATION_DELAY_DAYS - 1)
        season = _SEASON_POINTS * np.cos(2 * np.pi * number / 12)
        errors = random.normal(0.0, 1.0, len(settings.sector_weight))
        for position, sector in enumerate(settings.sector_weight):
            if published > settings.end:
                continue
            rows["name"].append(INDEX_NAME)
            rows["sector"].append(sector)
            rows["country"].append("FR")
            rows["period"].append(f"{year}-{number + 1:02d}")
            rows["value"].append(
                round(float(100 - 5 * climate[position, month] + season + errors[position]), 1)
            )
            rows["published_on"].append(published)
    return pl.DataFrame(
        rows,
        schema={
            "name": pl.String, "sector": pl.String, "country": pl.String,
            "period": pl.String, "value": pl.Float64, "published_on": pl.Date,
        },
    )  # fmt: skip
