"""The written probabilities are the true ones: an independent replay of thousands of twins agrees with them."""

import dataclasses

import numpy as np
import pytest

from data_samples.generator import WorldSettings
from data_samples.generator.customers import draw_customers
from data_samples.generator.day_calendar import DayCalendar
from data_samples.generator.episodes import (
    DISTRESSED,
    HEALTHY,
    STRAINED,
    draw_administrative_phases,
    draw_states,
    next_state,
)
from data_samples.generator.invoices import draw_invoices
from data_samples.generator.payment_process import PaymentProcess, play
from data_samples.generator.sector_climate import draw_climate
from data_samples.generator.truth import unpaid_probabilities
from features.words import HORIZONS

TWINS = 4000


def small_process(settings):
    random = np.random.default_rng(5)
    calendar = DayCalendar.from_settings(settings)
    customers = draw_customers(settings, calendar, random)
    states = draw_states(settings, calendar, customers.strain_rate, random)
    climate = draw_climate(settings, calendar, random)
    invoices = draw_invoices(settings, calendar, customers, states, climate, random)
    upset = draw_administrative_phases(settings, calendar, settings.customers, random)
    process = PaymentProcess.from_world(settings, calendar, customers, invoices, upset)
    return calendar, customers, invoices, process


def twins_of(process, row):
    """The same invoice many times over, each of a customer of its own."""
    chosen = np.full(TWINS, row)
    who = int(process.customer[row])
    return dataclasses.replace(
        process,
        customer=np.arange(TWINS),
        country=process.country[chosen],
        issued=process.issued[chosen],
        due=process.due[chosen],
        lateness_days=process.lateness_days[chosen],
        hesitation_days=process.hesitation_days[chosen],
        speed=process.speed[chosen],
        is_reminded=process.is_reminded[chosen],
        daily_payer=process.daily_payer[chosen],
        hold_shares=process.hold_shares[chosen],
        run_gap=np.repeat(process.run_gap[who : who + 1], TWINS, axis=0),
    )


@pytest.mark.parametrize("state", [HEALTHY, STRAINED, DISTRESSED])
@pytest.mark.parametrize("place", [0.1, 0.7])
def test_replaying_an_invoice_thousands_of_times_gives_its_true_probabilities(state, place):
    settings = WorldSettings(customers=12, months=8, seed=1, regime_change_month=5, tail_days=260)
    calendar, customers, invoices, process = small_process(settings)
    row = int(place * len(invoices))
    twins = twins_of(process, row)
    random = np.random.default_rng(11)
    rate = np.full(TWINS, 40 * customers.strain_rate[process.customer[row]])
    issued = int(twins.issued[0])
    states = np.zeros((TWINS, calendar.length), dtype=np.int8)
    states[:, issued] = state
    for day in range(issued + 1, calendar.length):
        factor = settings.regime_strain_factor if twins.is_hard_time[day] else 1.0
        states[:, day] = next_state(settings, states[:, day - 1], rate * factor, random)
    story = play(twins, states, random)
    days_late = np.where(story.settled < 0, 10_000, story.settled - twins.due)
    true = unpaid_probabilities(twins, states, rate)[0]
    for probability, horizon in zip(true, HORIZONS, strict=True):
        replayed = (days_late > horizon).mean()
        spread = np.sqrt(max(probability * (1 - probability), 1e-4) / TWINS)
        assert abs(replayed - probability) < 4.5 * spread, (horizon, replayed, probability)


def test_true_probabilities_are_in_range_and_never_rise_with_horizon():
    settings = WorldSettings(customers=60, months=10, seed=2)
    _, customers, _, process = small_process(settings)
    states = np.zeros((60, process.calendar.length), dtype=np.int8)
    unpaid = unpaid_probabilities(process, states, customers.strain_rate)
    assert unpaid.min() >= 0.0
    assert unpaid.max() <= 1.0
    assert (np.diff(unpaid, axis=1) <= 1e-12).all()


def test_a_distressed_customer_never_pays_likelier_than_a_healthy_one():
    settings = WorldSettings(customers=40, months=8, seed=3)
    _, customers, _, process = small_process(settings)
    shape = (40, process.calendar.length)
    by_state = [
        unpaid_probabilities(process, np.full(shape, state, dtype=np.int8), customers.strain_rate)
        for state in (HEALTHY, STRAINED, DISTRESSED)
    ]
    assert (by_state[1] >= by_state[0] - 1e-9).all()
    assert (by_state[2] >= by_state[1] - 1e-9).all()
