"""The earliest promised payment of a mail: its day, how far it can be relied on, and its sum."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from features.calendars import next_working_day, previous_working_day
from features.email.promises.amount import promised_sum
from features.email.promises.moment import choose_moment, sentence_of
from features.email.reading import Reading
from features.email.time_expressions.calendar_days import PLAUSIBLE_DAYS_AHEAD
from features.email.values import TimeExpression
from features.signal_labels import PromiseDoubt, PromiseStatus


@dataclass(frozen=True, slots=True)
class Promise:
    """What a mail that contains a promise says about its earliest payment.

    Attributes:
        status: ``dated``, ``undated`` or ``implausible``.
        doubt: why the day is implausible; null otherwise.
        said_on: the day as the words give it, also when it is implausible; null when they give none.
        on: the day that may be relied on; null unless the status is ``dated``.
        payable_on: first working day from ``on`` on; null with it.
        amount: sum promised for that day; null when not stated.
        sentence: index of the sentence that names the day; null when none does.
    """

    status: PromiseStatus
    doubt: PromiseDoubt | None = None
    said_on: dt.date | None = None
    on: dt.date | None = None
    payable_on: dt.date | None = None
    amount: float | None = None
    sentence: int | None = None


def promised_payment(reading: Reading) -> Promise:
    """The earliest promised payment of a mail that was found to contain a promise.

    The day is that of a moment to come inside the promise's own words, else the nearest one in its sentence, else
    the only one of the mail. A day that has gone by, lies more than ``PLAUSIBLE_DAYS_AHEAD`` ahead, does not exist or
    is not the weekday named with it is implausible. A stretch ("fin du mois", "next week") that ends on a day off is
    meant to its last working day; a day named ("le 15", "Saturday") stays as said.
    """
    mentions = [m for m in reading.mentions if m.label == "promise_to_pay"]
    counted = [m for m in mentions if m.is_strong and not set(m.qualifiers) - {"question", "third_party"}]
    chosen = choose_moment(counted or mentions, reading)
    amount = promised_sum(chosen, counted, reading)
    if chosen is None:
        return Promise("undated", amount=amount)
    sentence = sentence_of(chosen.start, reading)
    doubt = chosen.doubt or _doubt_about(chosen.on, reading.sent_on)
    if doubt is not None:
        return Promise("implausible", doubt, said_on=chosen.on, amount=amount, sentence=sentence)
    if chosen.on is None:
        return Promise("undated", amount=amount, sentence=sentence)
    on = _day_meant(chosen, chosen.on, reading)
    return Promise(
        "dated",
        said_on=chosen.on,
        on=on,
        payable_on=next_working_day(on, reading.country),
        amount=amount,
        sentence=sentence,
    )


def _doubt_about(on: dt.date | None, sent_on: dt.date) -> PromiseDoubt | None:
    if on is None:
        return None
    if on < sent_on:
        return "gone_by"
    return "beyond_horizon" if (on - sent_on).days > PLAUSIBLE_DAYS_AHEAD else None


def _day_meant(chosen: TimeExpression, on: dt.date, reading: Reading) -> dt.date:
    """The day itself, or the last working day of a stretch; the last day again when none is left in it."""
    if chosen.since is None:
        return on
    working = previous_working_day(on, reading.country)
    return working if working >= max(chosen.since, reading.sent_on) else on
