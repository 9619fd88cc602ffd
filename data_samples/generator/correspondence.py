"""Letters: which e-mail a customer sends when, so that what it says fits what is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data_samples.generator.allocations import DisputeDays
from data_samples.generator.customers import Customers, StrArray
from data_samples.generator.day_calendar import BoolArray, DayCalendar, FloatArray, IntArray
from data_samples.generator.episodes import DISTRESSED, NEVER, STRAINED, insolvent_from
from data_samples.generator.invoices import Invoices
from data_samples.generator.mail_bank import LabelledEmail, mails_for, redate
from data_samples.generator.payment_process import BLOCKED, PaymentStory
from data_samples.generator.reminder_letters import reminder_letter
from data_samples.generator.reminders import Events, office_minutes
from data_samples.generator.settings import WorldSettings
from features.words import CALL, REMINDER_REPLIED, REMINDER_SENT

NO_INVOICE = -1
NO_DAY = -1 << 40
_SEASON_TRIES = 3
_NAMED_SHARE = 0.6
"""Inbound mails about one invoice whose invoice the receiving clerk noted."""

_STRAINED_WISHES = {
    "extension_request": 0.40,
    "financial_difficulty": 0.30,
    "financial_difficulty+extension_request": 0.20,
    "payment_plan_request": 0.10,
}
_DISTRESSED_WISHES = {
    "financial_difficulty": 0.25,
    "payment_plan_request": 0.25,
    "financial_difficulty+payment_plan_request": 0.20,
    "financial_difficulty+extension_request": 0.15,
    "hostile_tone": 0.07,
    "financial_difficulty+promise_to_pay": 0.08,
}
_DISPUTE_WISHES = {"dispute": 0.75, "dispute+hostile_tone": 0.25}
_BLOCKED_WISHES = {"admin_block": 0.80, "admin_block+extension_request": 0.20}
_PHASE_CHANGE_WISHES = {"organisational_change": 0.65, "admin_block+organisational_change": 0.35}
_SENT_WISHES = {"payment_sent": 0.93, "payment_sent+hostile_tone": 0.07}
_INSOLVENCY_WISHES = {"insolvency": 0.8, "financial_difficulty+insolvency": 0.2}


@dataclass(frozen=True)
class Letters:
    """Inbound e-mails to be written, one position per mail.

    Attributes:
        customer: position of the customer.
        day: day number on which it would be sent.
        wish: labels the mail must carry, joined by "+"; empty for a mail without signal.
        invoice: position of the invoice it is about, -1 for none.
        payment_day: day on which the money announced comes; far below zero where none is meant to.
    """

    customer: IntArray
    day: IntArray
    wish: StrArray
    invoice: IntArray
    payment_day: IntArray


def draw_letters(
    settings: WorldSettings,
    customers: Customers,
    invoices: Invoices,
    story: PaymentStory,
    disputes: DisputeDays,
    states: np.typing.NDArray[np.int8],
    upset: BoolArray,
    random: np.random.Generator,
) -> Letters:
    """Every inbound mail of the world.

    Strained and distressed customers write about money about once or twice in two months; contested and stuck
    invoices bring their letters; late payers announce a payment a few days before it comes or say that it has
    left; a distressed customer also promises what it does not keep. Everyone sends mails that mean nothing.
    """
    parts = [
        *_letters_of_customers(settings, customers, states, upset, random),
        *_letters_about_invoices(settings, invoices, story, disputes, states, random),
    ]
    return Letters(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Letters.__dataclass_fields__)
    )


def _letters_of_customers(
    settings: WorldSettings,
    customers: Customers,
    states: np.typing.NDArray[np.int8],
    upset: BoolArray,
    random: np.random.Generator,
) -> list[Letters]:
    span = settings.days
    state = states[:, :span]
    in_phase = upset[:, :span] & (state <= DISTRESSED)
    day_numbers = np.arange(span)
    present = (day_numbers >= customers.arrives[:, None]) & (day_numbers <= customers.leaves[:, None])
    parts = []
    for kinds, per_month, among in (
        (_STRAINED_WISHES, settings.strained_mails_per_month, state == STRAINED),
        (_DISTRESSED_WISHES, settings.distressed_mails_per_month, state == DISTRESSED),
        ({"": 1.0}, settings.neutral_mails_per_month, state <= DISTRESSED),
        ({"organisational_change": 1.0}, settings.change_mails_per_month, state <= DISTRESSED),
        (_PHASE_CHANGE_WISHES, settings.phase_change_mails_per_month, in_phase),
        (_BLOCKED_WISHES, settings.phase_blocked_mails_per_month, in_phase),
    ):
        who, day = np.nonzero(among & present)
        chosen = random.random(len(who)) < per_month / 30.4
        parts.append(_plain(who[chosen], day[chosen], _choose(kinds, int(chosen.sum()), random)))
    ended = insolvent_from(states)
    who = np.flatnonzero(
        (ended != NEVER) & (ended < span) & (random.random(len(ended)) < settings.insolvency_mail_share)
    )
    parts.append(
        _plain(
            who, ended[who] + random.integers(0, 10, len(who)), _choose(_INSOLVENCY_WISHES, len(who), random)
        )
    )
    return parts


def _letters_about_invoices(
    settings: WorldSettings,
    invoices: Invoices,
    story: PaymentStory,
    disputes: DisputeDays,
    states: np.typing.NDArray[np.int8],
    random: np.random.Generator,
) -> list[Letters]:
    count = len(invoices)
    contested = random.random(len(disputes.invoice)) < settings.dispute_mail_share
    rows = disputes.invoice[contested]
    parts = [_about(invoices, rows, disputes.opened[contested], _choose(_DISPUTE_WISHES, len(rows), random))]

    stuck = np.flatnonzero((story.hold == BLOCKED) & (random.random(count) < settings.blocked_mail_share))
    latest = invoices.due[stuck] + 15
    latest = np.where(story.released[stuck] == NEVER, latest, np.minimum(latest, story.released[stuck]))
    width = np.maximum(latest - invoices.issued[stuck] - 1, 1)
    day = invoices.issued[stuck] + 1 + (random.random(len(stuck)) * width).astype(np.int64)
    parts.append(_about(invoices, stuck, day, _choose(_BLOCKED_WISHES, len(stuck), random)))

    announced = (story.settled != NEVER) & ~story.credited & (story.settled > invoices.due)
    draw = random.random(count)
    promised = np.flatnonzero(announced & (draw < settings.promise_mail_share))
    ahead = random.integers(2, 10, len(promised))
    day = np.maximum(story.settled[promised] - ahead, invoices.issued[promised] + 1)
    wishes = np.full(len(promised), "promise_to_pay")
    parts.append(_about(invoices, promised, day, wishes, story.settled[promised]))

    sent = np.flatnonzero(announced & (draw > 1 - settings.payment_sent_mail_share))
    day = story.settled[sent] - random.integers(0, 2, len(sent))
    parts.append(_about(invoices, sent, day, _choose(_SENT_WISHES, len(sent), random), story.settled[sent]))

    horizon = np.minimum(invoices.due + random.integers(3, 30, count), states.shape[1] - 1)
    poor = states[invoices.customer, horizon] == DISTRESSED
    unpaid = (story.settled == NEVER) | (story.settled > horizon + 20)
    broken = np.flatnonzero(poor & unpaid & (random.random(count) < settings.promise_mail_share))
    parts.append(_about(invoices, broken, horizon[broken], np.full(len(broken), "promise_to_pay")))
    return parts


def write_inbound(
    settings: WorldSettings,
    calendar: DayCalendar,
    customers: Customers,
    invoices: Invoices,
    letters: Letters,
    random: np.random.Generator,
) -> tuple[pl.DataFrame, pl.DataFrame, Events]:
    """Choose and date a labelled mail for each letter.

    A mail is moved by whole weeks, so that its weekdays stay right, and its full dates are moved with it.
    Letters that would be sent after the last day of the ledger are not written.

    Returns:
        The ledger's rows (without ids); the truth about each row, in the same order: source mail, labels,
        language, promised day where it moves with the mail; and the letters about one invoice, as events.
    """
    order = np.lexsort((letters.invoice, letters.wish, letters.customer, letters.day))
    order = order[letters.day[order] < settings.days]
    tries = random.random((len(order), _SEASON_TRIES))
    minutes = office_minutes(random, len(order))
    named = random.random(len(order)) < _NAMED_SHARE
    start = calendar.start
    rows: list[tuple[object, ...]] = []
    truth: list[tuple[object, ...]] = []
    kept: list[int] = []
    for place, position in enumerate(order.tolist()):
        who, wanted = int(letters.customer[position]), int(letters.day[position])
        announces = int(letters.payment_day[position])
        wish = str(letters.wish[position])
        bank = mails_for(wish, str(customers.language[who]), wish == "promise_to_pay" and announces != NO_DAY)
        mail = _in_season(bank, tries[place], (start + timedelta(days=wanted)).timetuple().tm_yday)
        is_promise = mail.promise_on is not None and announces != NO_DAY
        if mail.promise_on is not None and is_promise:
            wanted = announces - (mail.promise_on - mail.sent_on).days
        invoice = int(letters.invoice[position])
        earliest = 0 if invoice == NO_INVOICE else int(invoices.issued[invoice]) + 1
        day = _same_weekday(mail, start, wanted, earliest, is_promise)
        if day >= settings.days:
            continue
        shift = start + timedelta(days=day) - mail.sent_on
        about = invoices.ids[invoice] if invoice != NO_INVOICE and named[place] else None
        rows.append(
            (
                customers.ids[who],
                day,
                int(minutes[place]),
                "inbound",
                redate(mail.subject, mail.sent_on, shift),
                redate(mail.body, mail.sent_on, shift),
                about,
            )
        )
        moves = mail.promise_on is not None and mail.promise_moves_with_the_mail
        truth.append(
            (mail.id, list(mail.labels), mail.language, mail.auto_reply,
             mail.promise_on + shift if moves and mail.promise_on is not None else None)
        )  # fmt: skip
        kept.append(invoice)
    replied = [place for place, invoice in enumerate(kept) if invoice != NO_INVOICE]
    events = Events(
        np.array([kept[place] for place in replied], dtype=np.int64),
        np.array([rows[place][1] for place in replied], dtype=np.int64),
        np.array([rows[place][2] for place in replied], dtype=np.int64),
        np.full(len(replied), REMINDER_REPLIED),
        np.full(len(replied), "email"),
        np.zeros(len(replied), dtype=np.int64),
    )
    return _mail_frame(rows), _truth_frame(truth), events


def write_outbound(
    settings: WorldSettings,
    customers: Customers,
    invoices: Invoices,
    calendar: DayCalendar,
    reminders: Events,
) -> pl.DataFrame:
    """The reminder e-mails (rows without ids), one per customer, day and step, naming every invoice."""
    by_mail = (
        (reminders.kind == REMINDER_SENT) & (reminders.channel == "email") & (reminders.day < settings.days)
    )
    rows = np.flatnonzero(by_mail)
    who = invoices.customer[reminders.invoice[rows]]
    order = np.lexsort((reminders.invoice[rows], reminders.step[rows], who, reminders.day[rows]))
    rows, who = rows[order], who[order]
    day, step = reminders.day[rows], reminders.step[rows]
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (who[1:] != who[:-1]) | (day[1:] != day[:-1]) | (step[1:] != step[:-1])
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], len(rows))[: len(begins)]
    letters: list[tuple[object, ...]] = []
    due = calendar.to_dates(invoices.due)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        named = reminders.invoice[rows[begin:end]].tolist()
        lines = [(invoices.ids[number], int(invoices.cents[number]), due[number]) for number in named]
        customer = int(who[begin])
        subject, body = reminder_letter(str(customers.language[customer]), int(step[begin]), lines)
        about = invoices.ids[named[0]] if len(named) == 1 else None
        letters.append(
            (
                customers.ids[customer],
                int(day[begin]),
                int(reminders.minute[rows[begin]]),
                "outbound",
                subject,
                body,
                about,
            )
        )
    return _mail_frame(letters)


def replies_to_reminders(mails: Events, reminders: Events) -> Events:
    """The mails about an invoice that came within seven days after a reminder for it."""
    if len(mails) == 0 or len(reminders) == 0:
        return Events(*(getattr(mails, name)[:0] for name in Events.__dataclass_fields__))
    sent = np.isin(reminders.kind, (REMINDER_SENT, CALL))
    span = 1 << 20
    keys = np.unique(reminders.invoice[sent] * span + reminders.day[sent])
    wanted = mails.invoice * span + mails.day
    position = np.searchsorted(keys, wanted, side="left") - 1
    before = keys[np.maximum(position, 0)]
    replies = (position >= 0) & (before // span == mails.invoice) & (wanted - before <= 7)
    return Events(*(getattr(mails, name)[replies] for name in Events.__dataclass_fields__))


def _in_season(bank: tuple[LabelledEmail, ...], tries: FloatArray, day_of_year: int) -> LabelledEmail:
    """Of a few mails drawn, the one whose own day lies nearest in the year: its month names fit best."""
    drawn = [bank[int(value * len(bank))] for value in tries.tolist()]

    def distance(mail: LabelledEmail) -> int:
        apart = abs(mail.sent_on.timetuple().tm_yday - day_of_year)
        return min(apart, 365 - apart)

    return min(drawn, key=distance)


def _same_weekday(mail: LabelledEmail, start: date, wanted: int, earliest: int, prefers_later: bool) -> int:
    """The day near the wanted one on which the mail's own weekday falls, not before the earliest.

    A promise that will be kept is rather dated up to five days after the payment than before it.
    """
    weekday_of_day_zero = start.weekday()
    apart = (mail.sent_on.weekday() - weekday_of_day_zero - wanted) % 7
    day = wanted + (apart if apart <= (5 if prefers_later else 3) else apart - 7)
    while day < earliest:
        day += 7
    return day


def _plain(who: IntArray, day: IntArray, wish: StrArray) -> Letters:
    return Letters(who, day, wish, np.full(len(who), NO_INVOICE), np.full(len(who), NO_DAY))


def _about(
    invoices: Invoices, rows: IntArray, day: IntArray, wish: StrArray, payment_day: IntArray | None = None
) -> Letters:
    announced = np.full(len(rows), NO_DAY) if payment_day is None else payment_day
    return Letters(invoices.customer[rows], day, wish, rows, announced)


def _choose(shares: dict[str, float], count: int, random: np.random.Generator) -> StrArray:
    weights = np.array(list(shares.values()))
    return np.array(list(shares), dtype=np.str_)[
        random.choice(len(weights), size=count, p=weights / weights.sum())
    ]


def _mail_frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={"customer_id": pl.String, "day": pl.Int64, "minute": pl.Int64, "direction": pl.String,
                "subject": pl.String, "body": pl.String, "invoice_id": pl.String},
        orient="row",
    )  # fmt: skip


def _truth_frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={"source_mail_id": pl.String, "labels": pl.List(pl.String), "language": pl.String,
                "auto_reply": pl.Boolean, "promise_on": pl.Date},
        orient="row",
    )  # fmt: skip
