"""What goes in and out of the reader of client e-mails, and the ten labels it decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from features.signal_labels import LABELS as LABELS

GRAVE_LABELS: frozenset[str] = frozenset({"insolvency", "financial_difficulty", "dispute", "hostile_tone"})
"""Signals that must almost never be raised on a mail that carries none: they stop or harden a dunning sequence."""

LANGUAGES: tuple[str, ...] = ("fr", "en", "mixed")


@dataclass(frozen=True, slots=True)
class Mail:
    """One inbound e-mail as received.

    Attributes:
        id: identifier of the mail, unique within a batch.
        sent_at: civil day on which it was sent; relative dates are resolved from it.
        subject: subject line, may be empty.
        body: plain text as received, quoted thread, signature and disclaimer included.
    """

    id: str
    sent_at: dt.date
    subject: str
    body: str


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
    """

    mail: Mail
    language: str
    labels: frozenset[str]
    promise_date: dt.date | None = None
    promise_amount: float | None = None
    auto_reply: bool = False


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
        qualifiers: why the mention does not count (``negated``, ``hypothetical``, ``past``, ``third_party``,
            ``other_sense``, ``question``); empty when it counts.
    """

    label: str
    text: str
    is_strong: bool
    qualifiers: tuple[str, ...] = ()


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
        promise_date: day of the earliest promised payment; null without promise or when no single day is meant.
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
    promise_date: dt.date | None = None
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
            the verb beside it can tell ("Friday", "the 10th").
    """

    start: int
    end: int
    on: dt.date | None
    tense: str


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
    qualifiers: list[str] = field(default_factory=list)
