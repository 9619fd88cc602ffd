"""What goes in and out of the reader of client e-mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from features.signal_labels import PromiseDoubt, PromiseStatus, Qualifier

LANGUAGES: tuple[str, ...] = ("fr", "en", "mixed")

PROMISE_FIELDS: tuple[str, ...] = (
    "promise_status",
    "promise_doubt",
    "promise_said_on",
    "promise_date",
    "promise_payable_on",
    "promise_amount",
)
"""What ``MailSignals`` says of a promise, in the order of the signals frame and of the records."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One inbound e-mail as received.

    Attributes:
        id: identifier of the mail, unique within a batch.
        sent_at: civil day on which it was sent; relative dates are resolved from it.
        subject: subject line, may be empty.
        body: plain text as received, quoted thread, signature and disclaimer included.
        country: the sender's country (ISO 3166 alpha-2), whose days off are its own; null when not known: a French
            mail is then taken for one from France, of an English one weekends only are days off.
    """

    id: str
    sent_at: dt.date
    subject: str
    body: str
    country: str | None = None

    def calendar_country(self, language: str) -> str | None:
        """Whose days off apply to what the mail promises, given the language it is written in."""
        return self.country or (None if language == "en" else "FR")


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A mail with the answers a person gave, for training and measurement.

    Attributes:
        mail: the mail itself.
        language: ``fr``, ``en`` or ``mixed``, of the sender's own text.
        labels: the signals present; empty when there is none.
        promise_date: day of the earliest promised payment, null when none can be resolved.
        promise_amount: amount promised for that day, in the currency of the mail, null when not stated.
        auto_reply: true when a machine sent the mail.
        writer: who wrote it, or the set it belongs to; empty when not recorded.
    """

    mail: Mail
    language: str
    labels: frozenset[str]
    promise_date: dt.date | None = None
    promise_amount: float | None = None
    auto_reply: bool = False
    writer: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The sentence of the sender's own text that carries a signal, as written."""

    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Cue:
    """One mention found in the sender's own text.

    Attributes:
        label: signal the mention speaks for.
        text: the words as the sender wrote them.
        is_strong: true when the words alone nearly decide the signal.
        qualifiers: why the mention does not count (``Qualifier``); empty when it counts.
    """

    label: str
    text: str
    is_strong: bool
    qualifiers: tuple[Qualifier, ...] = ()


@dataclass(frozen=True, slots=True)
class MailSignals:
    """What one mail says, with the evidence.

    Attributes:
        id: identifier of the mail.
        language: ``fr``, ``en`` or ``mixed``, of the sender's own text.
        auto_reply: true when a machine sent the mail.
        labels: signals decided, in the order of ``LABELS``.
        unsure_labels: signals in the abstention zone; they never move a route by themselves.
        probabilities: calibrated probability (0 to 1) of each of the ten labels.
        quotes: the sentences behind the decided and unsure labels; empty when quoting is off.
        cues: mentions found, counted or not, so that a person can see why.
        promise_status: ``dated``, ``undated`` or ``implausible`` (``PromiseStatus``); null without promise.
        promise_doubt: why the day is implausible (``PromiseDoubt``); null otherwise.
        promise_said_on: day of the earliest promised payment as the words give it, also when it is implausible;
            null when they give none.
        promise_date: the promised day that may be relied on: ``promise_said_on``, or the last working day of the
            stretch meant when that ends on a day off; null unless the status is ``dated``.
        promise_payable_on: first working day from ``promise_date`` on, when a bank can move the money; later than it
            when the words name a day off; null with it.
        promise_amount: amount promised for that day in the currency of the mail; null when not stated.
        tone: from -1 (hostile) to 1 (warm); 0 when the words carry no tone. A weak signal, to be compared
            with the same customer's own past only.
    """

    id: str
    language: str
    auto_reply: bool
    labels: tuple[str, ...]
    unsure_labels: tuple[str, ...]
    probabilities: Mapping[str, float]
    quotes: tuple[Quote, ...] = ()
    cues: tuple[Cue, ...] = ()
    promise_status: PromiseStatus | None = None
    promise_doubt: PromiseDoubt | None = None
    promise_said_on: dt.date | None = None
    promise_date: dt.date | None = None
    promise_payable_on: dt.date | None = None
    promise_amount: float | None = None
    tone: float = 0.0


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A moment named in a text, resolved from the day the mail was sent.

    Attributes:
        start: first character in the text.
        end: character after the last.
        on: the single day meant; null when the words give no single day ("early April", "the next payment run").
        tense: ``future`` or ``past`` when the words decide it, ``today`` for the day itself, ``open`` when only
            the verb beside it decides ("Friday", "the 10th").
        since: first day of the stretch whose last day is meant ("end of May", "week 21"); null for a single day.
        weekday: the weekday named (0 Monday to 6 Sunday); null when none is.
        day: the day of the month named, when the words give no month; null otherwise.
        has_date: the words give a day of a month, named or in figures ("12 June", "the 12th", "12/6").
        doubt: why the words cannot be trusted; null when they agree.
    """

    start: int
    end: int
    on: dt.date | None
    tense: str
    since: dt.date | None = None
    weekday: int | None = None
    day: int | None = None
    has_date: bool = False
    doubt: PromiseDoubt | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money named in a text."""

    start: int
    end: int
    value: float


@dataclass(slots=True)
class Mention:
    """Words that speak for a label, before and after qualification.

    Attributes:
        label: signal spoken for.
        start: first word (index in the folded words of the text).
        end: word after the last.
        is_strong: true when the words alone nearly decide the signal.
        is_negatable: true when a negation beside the words cancels them ("no dispute").
        sentence: index of the sentence.
        cue: key of the cue that found it.
        qualifiers: why it does not count; filled by the qualifier component.
    """

    label: str
    start: int
    end: int
    is_strong: bool
    is_negatable: bool
    sentence: int
    cue: str
    qualifiers: list[Qualifier] = field(default_factory=list)
