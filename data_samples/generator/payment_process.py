"""How an invoice gets paid: a daily hazard that depends on habit, payment runs, season, cash and obstacles.

On a day of a payment run, an invoice that nothing holds up is paid with probability `1 - exp(-intensity *
gap)`: `gap` being the days since the run before. The intensity rises around the customer's usual payment
day. An invoice may be held up from its issue (forgotten, stuck in administration, contested); then it is
first released, day by day. `truth.py` computes the exact odds from the very functions of this module.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_samples.generator.customers import Customers
from data_samples.generator.day_calendar import (
    COUNTRY_CODES,
    SUPPLIER_COUNTRY,
    BoolArray,
    DayCalendar,
    FloatArray,
    IntArray,
)
from data_samples.generator.episodes import NEVER, regime_days
from data_samples.generator.invoices import Invoices
from data_samples.generator.settings import WorldSettings

FREE, FORGOTTEN, BLOCKED, DISPUTED, PART_PAID, TWICE_PART_PAID, SETTLED = range(7)
HOLDS = (FREE, FORGOTTEN, BLOCKED, DISPUTED)
HOLD_NAMES = ("free", "forgotten", "blocked", "disputed")
_FIRST_DISPUTE_END = 8
_FIRST_UNBLOCKING = 3
_DISPUTE_END_PER_WORKING_DAY = 1 / 35
_SUPPLIER = COUNTRY_CODES.index(SUPPLIER_COUNTRY)


@dataclass(frozen=True)
class PaymentProcess:
    """What decides when each invoice is paid, one position per invoice in every array.

    Attributes:
        settings: the world's parameters.
        calendar: the days.
        customer: position of the customer.
        country: position of the payer's country.
        issued: day number of the issue.
        due: day number of the due date.
        lateness_days: usual payment day, days past due.
        hesitation_days: width of the rise around it.
        speed: intensity a day once the usual day is past.
        is_reminded: reminders are sent for this invoice.
        daily_payer: the customer pays on any working day, no run is ever skipped.
        hold_shares: chance of beginning free, forgotten, blocked or disputed (columns in that order).
        run_gap: customer x day, days since the run before, 0 without a run.
        is_hard_time: day, whether the regime change is in force.
    """

    settings: WorldSettings
    calendar: DayCalendar
    customer: IntArray
    country: IntArray
    issued: IntArray
    due: IntArray
    lateness_days: FloatArray
    hesitation_days: FloatArray
    speed: FloatArray
    is_reminded: BoolArray
    daily_payer: BoolArray
    hold_shares: FloatArray
    run_gap: npt.NDArray[np.int8]
    is_hard_time: BoolArray

    @classmethod
    def from_world(
        cls,
        settings: WorldSettings,
        calendar: DayCalendar,
        customers: Customers,
        invoices: Invoices,
        upset: BoolArray,
    ) -> PaymentProcess:
        """The process of every invoice of a world; `upset` says who is in an administrative phase on which day."""
        who = invoices.customer
        return cls(
            settings=settings,
            calendar=calendar,
            customer=who,
            country=customers.country[who],
            issued=invoices.issued,
            due=invoices.due,
            lateness_days=invoices.lateness_days,
            hesitation_days=customers.hesitation_days[who],
            speed=customers.speed[who],
            is_reminded=customers.is_reminded[who],
            daily_payer=(customers.run_kind == "daily")[who],
            hold_shares=_hold_shares(settings, customers, invoices, upset[who, invoices.issued]),
            run_gap=customers.run_gap,
            is_hard_time=regime_days(settings, calendar),
        )

    def intensity(self, rows: IntArray, day: IntArray) -> FloatArray:
        """Payment intensity of free invoices of a healthy customer, over the days since the run before.

        Zero on days without a payment run.
        """
        gap = self.run_gap[self.customer[rows], day]
        past_due = day - self.due[rows]
        usual = self.lateness_days[rows] + self.settings.regime_lateness_days * self.is_hard_time[day]
        rise = np.clip((usual - past_due) / self.hesitation_days[rows], -40.0, 40.0)
        season = self.calendar.speed[self.country[rows], day]
        reminded = np.where(
            self.is_reminded[rows] & self._after_reminder(past_due), self.settings.reminder_speed, 1.0
        )
        rate: FloatArray = self.speed[rows] / (1.0 + np.exp(rise)) * season * reminded * gap
        return rate

    def season_gap(self, rows: IntArray, day: IntArray) -> FloatArray:
        """Days since the run before, weighted by the season: what drives the instalments after the first."""
        gap: FloatArray = (
            self.run_gap[self.customer[rows], day] * self.calendar.speed[self.country[rows], day]
        )
        return gap

    def run_chance(self, rows: IntArray) -> FloatArray:
        """Chance that a scheduled run takes place."""
        return np.where(self.daily_payer[rows], 1.0, self.settings.run_held_probability)

    def release_chance(self, hold: int, rows: IntArray, age: int) -> FloatArray:
        """Chance a day that a held-up invoice is released.

        Args:
            hold: forgotten, blocked or disputed.
            rows: positions of the invoices.
            age: days since their issue.
        """
        day = self.issued[rows] + age
        past_due, reminded = day - self.due[rows], self.is_reminded[rows]
        first, second = self.settings.reminder_days[:2]
        if hold == FORGOTTEN:
            return np.where(past_due <= 2, 0.0, np.where(reminded & (past_due > first), 0.14, 0.035))
        if hold == BLOCKED:
            late = np.where(reminded & (past_due > second), 0.07, np.where(past_due > 0, 0.035, 0.012))
            return late * (age >= _FIRST_UNBLOCKING)
        may_end = self.calendar.working[_SUPPLIER, day] & (age >= _FIRST_DISPUTE_END)
        return np.where(may_end, _DISPUTE_END_PER_WORKING_DAY, 0.0)

    def _after_reminder(self, past_due: IntArray) -> BoolArray:
        window = self.settings.reminder_window_days
        hit = np.zeros(len(past_due), dtype=np.bool_)
        for step in self.settings.reminder_days:
            hit |= (past_due > step) & (past_due <= step + window)
        return hit


def _hold_shares(
    settings: WorldSettings, customers: Customers, invoices: Invoices, in_phase: BoolArray
) -> FloatArray:
    who = invoices.customer
    stuck = customers.requires_order_number[who] & (invoices.order_number == "")
    blocked = np.where(stuck, settings.blocked_share_without_order_number, settings.blocked_share)
    blocked = blocked + np.where(invoices.channel == "post", settings.blocked_share_by_post, 0.0)
    blocked = blocked + np.where(in_phase, settings.blocked_share_in_phase, 0.0)
    disputed = customers.dispute_share[who]
    forgotten = np.full(len(who), settings.forgotten_share)
    return np.column_stack([1 - blocked - disputed - forgotten, forgotten, blocked, disputed])


@dataclass(frozen=True)
class PaymentStory:
    """What happened to each invoice; days are numbers, -1 where it did not happen within the tail.

    Attributes:
        hold: how the invoice began (free, forgotten, blocked, disputed).
        released: day on which what held it up ended; its own issue day when nothing did.
        first_part: day of the first part payment.
        second_part: day of the second part payment.
        settled: day on which it was settled.
        credited: settled by a credit note of the whole amount instead of money.
    """

    hold: IntArray
    released: IntArray
    first_part: IntArray
    second_part: IntArray
    settled: IntArray
    credited: BoolArray


def play(process: PaymentProcess, states: npt.NDArray[np.int8], random: np.random.Generator) -> PaymentStory:
    """Let the days pass: what happens to each invoice from the day after its issue to the end of the tail.

    Args:
        process: what decides.
        states: customer x day, cash state.
        random: source of chance.
    """
    settings, count = process.settings, len(process.customer)
    held_run = random.random(process.run_gap.shape, dtype=np.float32) < settings.run_held_probability
    cumulative = np.cumsum(process.hold_shares, axis=1)
    hold = (random.random(count)[:, None] > cumulative[:, :3]).sum(axis=1)
    stage = hold.copy()
    released = np.where(hold == FREE, process.issued, NEVER)
    first_part, second_part, settled = (np.full(count, NEVER) for _ in range(3))
    credited = np.zeros(count, dtype=np.bool_)
    speed = np.array([*settings.cash_speed, 0.0])
    part_share = np.array([*settings.part_payment_share, 0.0])
    part_speed = np.array([*settings.part_speed, 0.0])
    rows = np.arange(count)
    for age in range(1, settings.tail_days):
        if age % 8 == 0:
            rows = rows[stage[rows] != SETTLED]
        day = process.issued[rows] + age
        for hold_kind in (FORGOTTEN, BLOCKED, DISPUTED):
            held = rows[stage[rows] == hold_kind]
            freed = held[random.random(len(held)) < process.release_chance(hold_kind, held, age)]
            released[freed] = process.issued[freed] + age
            stage[freed] = FREE
            if hold_kind == DISPUTED:
                full = freed[random.random(len(freed)) < settings.full_credit_share]
                stage[full], settled[full], credited[full] = SETTLED, process.issued[full] + age, True
        open_rows = stage[rows] != SETTLED
        who = process.customer[rows]
        running = (
            open_rows & (process.run_gap[who, day] > 0) & (process.daily_payer[rows] | held_run[who, day])
        )
        at_run, run_day = rows[running], day[running]
        state = states[process.customer[at_run], run_day]
        stage_now = stage[at_run]
        draw, part_draw = random.random((2, len(at_run)))
        pays = (stage_now == FREE) & (draw < -np.expm1(-process.intensity(at_run, run_day) * speed[state]))
        next_part = -np.expm1(-process.season_gap(at_run, run_day) * part_speed[state])
        follows = ((stage_now == PART_PAID) | (stage_now == TWICE_PART_PAID)) & (draw < next_part)
        in_part = pays & (part_draw < part_share[state])
        third = follows & (stage_now == PART_PAID) & (part_draw < settings.third_instalment_share)
        ends = (pays & ~in_part) | (follows & ~third)
        first_part[at_run[in_part]] = run_day[in_part]
        stage[at_run[in_part]] = PART_PAID
        second_part[at_run[third]] = run_day[third]
        stage[at_run[third]] = TWICE_PART_PAID
        settled[at_run[ends]] = run_day[ends]
        stage[at_run[ends]] = SETTLED
    return PaymentStory(hold, released, first_part, second_part, settled, credited)
