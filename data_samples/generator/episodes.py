"""Spells of trouble: cash (healthy, strained, distressed, insolvent) and upsets of the accounts department."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from data_samples.generator.day_calendar import BoolArray, DayCalendar, FloatArray, IntArray
from data_samples.generator.settings import WorldSettings

HEALTHY, STRAINED, DISTRESSED, INSOLVENT = 0, 1, 2, 3
STATE_NAMES = ("healthy", "strained", "distressed", "insolvent")
NEVER = -1
"""Day number of what did not happen within the tail."""

_WARM_UP_DAYS = 400


def regime_days(settings: WorldSettings, calendar: DayCalendar) -> BoolArray:
    """For each day of the calendar, whether the harder economy is in force."""
    if settings.regime_change_month is None:
        return np.zeros(calendar.length, dtype=np.bool_)
    return calendar.month >= settings.regime_change_month - 1


def draw_states(
    settings: WorldSettings, calendar: DayCalendar, strain_rate: FloatArray, random: np.random.Generator
) -> npt.NDArray[np.int8]:
    """The state of every customer on every day (customer x day), a Markov chain in days.

    The chain runs 400 days before the world so that it begins in its usual mixture; nobody is insolvent on
    day 0.
    """
    factor = np.where(regime_days(settings, calendar), settings.regime_strain_factor, 1.0)
    states = np.empty((len(strain_rate), calendar.length), dtype=np.int8)
    state = np.zeros(len(strain_rate), dtype=np.int8)
    for day in range(-_WARM_UP_DAYS, calendar.length):
        if day == 0:
            state[state == INSOLVENT] = HEALTHY
        state = next_state(settings, state, strain_rate * (factor[day] if day >= 0 else 1.0), random)
        if day >= 0:
            states[:, day] = state
    return states


def next_state(
    settings: WorldSettings, state: npt.NDArray[np.int8], strain_rate: FloatArray, random: np.random.Generator
) -> npt.NDArray[np.int8]:
    """The state of every customer on the next day.

    Args:
        settings: the world's parameters.
        state: the state of each customer today.
        strain_rate: chance that a healthy customer is strained tomorrow, per customer.
        random: source of chance.
    """
    draw = random.random(len(state))
    after = state.copy()
    after[(state == HEALTHY) & (draw < strain_rate)] = STRAINED
    worse, better = settings.strain_to_distress_per_day, settings.strain_to_healthy_per_day
    after[(state == STRAINED) & (draw < worse)] = DISTRESSED
    after[(state == STRAINED) & (draw >= worse) & (draw < worse + better)] = HEALTHY
    end, cure = settings.distress_to_insolvent_per_day, settings.distress_to_healthy_per_day
    after[(state == DISTRESSED) & (draw < end)] = INSOLVENT
    after[(state == DISTRESSED) & (draw >= end) & (draw < end + cure)] = HEALTHY
    return after


def insolvent_from(states: npt.NDArray[np.int8]) -> IntArray:
    """Day on which each customer became insolvent; -1 for the others."""
    insolvent = states == INSOLVENT
    return np.where(insolvent.any(axis=1), insolvent.argmax(axis=1), NEVER)


def draw_administrative_phases(
    settings: WorldSettings, calendar: DayCalendar, count: int, random: np.random.Generator
) -> BoolArray:
    """Whether the accounts department of each customer is upset on each day (customer x day).

    Phases begin at any time and last a geometric number of days; the first day is drawn from the usual mixture.
    """
    onset, end = settings.administrative_onset_per_year / 365.0, 1.0 / settings.administrative_days
    phases = np.empty((count, calendar.length), dtype=np.bool_)
    upset = random.random(count) < onset / (onset + end)
    for day in range(calendar.length):
        draw = random.random(count)
        upset = np.where(upset, draw >= end, draw < onset)
        phases[:, day] = upset
    return phases
