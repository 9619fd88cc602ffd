"""The true odds: the exact probability of each invoice to be unpaid k days past due, seen from its issue.

What the oracle knows on the issue day: the customer's habit of that month, its hesitation, speed and payment
run calendar, its cash state of that day and whether its accounts department is upset that day, the sector's
climate of that month, the invoice itself, the calendar of seasons and of the regime change, and every parameter
of the world. What it does not know: whether this invoice will be forgotten, blocked or disputed, when cash
states change, which runs are skipped, whether it is paid in parts, and of course any draw of the payment
itself. These are summed over exactly (a forward recursion over hold x cash state), not sampled. A model cannot
beat these odds except by luck; it can come near them only as far as the ledger shows the hidden habit and
states.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from data_samples.generator.customers import Customers
from data_samples.generator.day_calendar import COUNTRY_CODES, BoolArray, DayCalendar, FloatArray, IntArray
from data_samples.generator.episodes import NEVER, STATE_NAMES
from data_samples.generator.invoices import Invoices
from data_samples.generator.payment_process import (
    BLOCKED,
    DISPUTED,
    FORGOTTEN,
    FREE,
    HOLD_NAMES,
    PART_PAID,
    TWICE_PART_PAID,
    PaymentProcess,
    PaymentStory,
)
from data_samples.generator.settings import WorldSettings
from features.words import HORIZONS

_CHUNK = 8192
_LIVE_STATES = 3


def unpaid_probabilities(
    process: PaymentProcess, states: npt.NDArray[np.int8], strain_rate: FloatArray
) -> FloatArray:
    """True P(unpaid at the end of due + k), invoice x `HORIZONS`, from the day of issue.

    Args:
        process: what decides when each invoice is paid.
        states: customer x day, cash state (read on the issue day only).
        strain_rate: chance a day that a healthy customer becomes strained, per customer.
    """
    count = len(process.customer)
    result = np.empty((count, len(HORIZONS)))
    order = np.argsort(process.due - process.issued, kind="stable")
    for begin in range(0, count, _CHUNK):
        rows = order[begin : begin + _CHUNK]
        state = states[process.customer[rows], process.issued[rows]]
        result[rows] = _forward(process, rows, state, strain_rate[process.customer[rows]])
    return result


def _forward(
    process: PaymentProcess, rows: IntArray, state: npt.NDArray[np.int8], strain_rate: FloatArray
) -> FloatArray:
    settings = process.settings
    length = len(rows)
    mass = np.zeros((6, _LIVE_STATES, length))
    for live in range(_LIVE_STATES):
        mass[:4, live] = process.hold_shares[rows].T * (state == live)
    lost = np.zeros(length)
    term = process.due[rows] - process.issued[rows]
    run_chance = process.run_chance(rows)
    unpaid = np.ones((length, len(HORIZONS)))
    _record(unpaid, term, 0, mass, lost)
    for age in range(1, int(term.max()) + max(HORIZONS) + 1):
        day = process.issued[rows] + age
        _change_states(
            settings,
            mass,
            lost,
            strain_rate * np.where(process.is_hard_time[day], settings.regime_strain_factor, 1.0),
        )
        for hold in (FORGOTTEN, BLOCKED, DISPUTED):
            freed = mass[hold] * process.release_chance(hold, rows, age)
            mass[hold] -= freed
            mass[FREE] += freed * ((1 - settings.full_credit_share) if hold == DISPUTED else 1.0)
        if (process.run_gap[process.customer[rows], day] > 0).any():
            _pay(process, rows, day, mass, run_chance)
        _record(unpaid, term, age, mass, lost)
    return unpaid


def _change_states(
    settings: WorldSettings, mass: FloatArray, lost: FloatArray, strain_rate: FloatArray
) -> None:
    healthy, strained, distressed = mass[:, 0], mass[:, 1], mass[:, 2]
    falls = healthy * strain_rate
    sinks, recovers = (
        strained * settings.strain_to_distress_per_day,
        strained * settings.strain_to_healthy_per_day,
    )
    cures = distressed * settings.distress_to_healthy_per_day
    ends = distressed * settings.distress_to_insolvent_per_day
    lost += ends.sum(axis=0)
    mass[:, 0] += recovers + cures - falls
    mass[:, 1] += falls - sinks - recovers
    mass[:, 2] += sinks - cures - ends


def _pay(
    process: PaymentProcess, rows: IntArray, day: IntArray, mass: FloatArray, run_chance: FloatArray
) -> None:
    settings = process.settings
    intensity, gap = process.intensity(rows, day), process.season_gap(rows, day)
    for state in range(_LIVE_STATES):
        pays = run_chance * -np.expm1(-intensity * settings.cash_speed[state])
        follows = run_chance * -np.expm1(-gap * settings.part_speed[state])
        paid = mass[FREE, state] * pays
        from_first, from_second = mass[PART_PAID, state] * follows, mass[TWICE_PART_PAID, state] * follows
        mass[FREE, state] -= paid
        mass[PART_PAID, state] += paid * settings.part_payment_share[state] - from_first
        mass[TWICE_PART_PAID, state] += from_first * settings.third_instalment_share - from_second


def _record(unpaid: FloatArray, term: IntArray, age: int, mass: FloatArray, lost: FloatArray) -> None:
    for column, horizon in enumerate(HORIZONS):
        now = term + horizon == age
        if now.any():
            unpaid[now, column] = np.clip(mass[:, :, now].sum(axis=(0, 1)) + lost[now], 0.0, 1.0)


def probability_rows(
    invoices: Invoices, unpaid: FloatArray, state_at_issue: npt.NDArray[np.int8], upset_at_issue: BoolArray
) -> pl.DataFrame:
    """One row per invoice: true P(unpaid at the end of due + k), and the states of the payer the oracle knew."""
    names = {f"unpaid_probability_{horizon}d": unpaid[:, column] for column, horizon in enumerate(HORIZONS)}
    return pl.DataFrame(
        {
            "invoice_id": invoices.ids,
            **names,
            "cash_state_at_issue": [STATE_NAMES[s] for s in state_at_issue.tolist()],
            "is_administrative_phase_at_issue": pl.Series(upset_at_issue),
        }
    )


def outcome_rows(calendar: DayCalendar, invoices: Invoices, story: PaymentStory) -> pl.DataFrame:
    """One row per invoice: what really happened, beyond the end of the ledger.

    `settled_on` is null when the invoice was not settled within the tail; `days_late` is then null too.
    """
    days = calendar.to_dates(story.settled)
    never = pl.Series(story.settled == NEVER)
    held = pl.Series(story.released == NEVER)
    return pl.DataFrame(
        {
            "invoice_id": invoices.ids,
            "settled_on": days.set(never, None),
            "days_late": pl.Series(story.settled - invoices.due).set(never, None),
            "hold": [HOLD_NAMES[kind] for kind in story.hold.tolist()],
            "released_on": calendar.to_dates(story.released).set(held, None),
            "is_part_paid": pl.Series(story.first_part != NEVER),
            "is_credited_in_full": pl.Series(story.credited),
        }
    )


def customer_rows(
    settings: WorldSettings, calendar: DayCalendar, customers: Customers, insolvent: IntArray
) -> pl.DataFrame:
    """One row per customer: the hidden parameters the world gave it."""
    months = int(calendar.month[settings.days - 1]) + 1
    return pl.DataFrame(
        {
            "customer_id": customers.ids,
            "country": [COUNTRY_CODES[code] for code in customers.country.tolist()],
            "habit_days_mean": customers.habit_days[:, :months].mean(axis=1),
            "habit_days_last": customers.habit_days[:, months - 1],
            "hesitation_days": customers.hesitation_days,
            "payment_speed": customers.speed,
            "run_kind": [str(kind) for kind in customers.run_kind],
            "strain_per_year": customers.strain_rate * 365.0,
            "dispute_share": customers.dispute_share,
            "requires_order_number": pl.Series(customers.requires_order_number),
            "is_reminded": pl.Series(customers.is_reminded),
            "prints_other_reading": pl.Series(customers.other_reading),
            "invoices_per_month": customers.monthly_rate,
            "insolvent_on": calendar.to_dates(insolvent).set(pl.Series(insolvent == NEVER), None),
        }
    )


def episode_rows(
    calendar: DayCalendar, customers: Customers, states: npt.NDArray[np.int8], upset: BoolArray
) -> pl.DataFrame:
    """One row per customer and spell of cash trouble or of an upset accounts department, the tail included."""
    return pl.concat(
        [
            _spells(calendar, customers, states, STATE_NAMES),
            _spells(calendar, customers, upset.astype(np.int8), ("", "administrative")),
        ]
    ).sort("customer_id", "from_on", "spell")


def _spells(
    calendar: DayCalendar, customers: Customers, values: npt.NDArray[np.int8], names: tuple[str, ...]
) -> pl.DataFrame:
    who, begins = np.nonzero(np.diff(values, axis=1, prepend=-1) != 0)
    last = np.append(who[1:] != who[:-1], True)
    ends = np.where(last, calendar.length - 1, np.append(begins[1:], 0) - 1)
    kinds = values[who, begins]
    keep = kinds != 0
    return pl.DataFrame(
        {
            "customer_id": pl.Series(customers.ids).gather(who[keep]),
            "spell": pl.Series([names[kind] for kind in kinds[keep].tolist()], dtype=pl.String),
            "from_on": calendar.to_dates(begins[keep]),
            "until_on": calendar.to_dates(ends[keep]),
        }
    )
