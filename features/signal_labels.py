"""The signals an e-mail can carry, each declared once, and the table of what mails say; usable without the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

Qualifier = Literal["negated", "hypothetical", "past", "third_party", "other_sense", "question"]
"""Why a mention does not count: denied; only supposed; over; another company's; another meaning; only a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLabel:
    """The declaration of one label; nothing has a default, so that a new label is complete or refused.

    Attributes:
        name: the label, as in the labelled mails and the columns of the signals frame.
        mails_fr: mails that carry it, in French, as a feature's name shows them.
        mails_en: the same in English.
        shown_fr: what one such mail says, in French, as a page shows it beside the sentence quoted.
        shown_en: the same in English.
        is_grave: must almost never be raised on a mail that carries no signal: it stops or hardens a dunning sequence.
        raises_risk: more such mails never lower the predicted risk of late payment.
        blocked_by: qualifiers that take a mention out of the count; the others only inform the trained weights.
        negation: where a negation cancels a mention: before its words, where the cue says so (``before``); also
            inside them (``inside``); nowhere, as for every other qualifier of the sentence (``nowhere``).
        can_be_over: words that set a matter in the past or declare it settled qualify its mentions.
    """

    name: str
    mails_fr: str
    mails_en: str
    shown_fr: str
    shown_en: str
    is_grave: bool
    raises_risk: bool
    blocked_by: frozenset[Qualifier]
    negation: Literal["before", "inside", "nowhere"]
    can_be_over: bool


SIGNAL_LABELS: Final[tuple[SignalLabel, ...]] = (
    SignalLabel(
        name="financial_difficulty",
        mails_fr="mails parlant de difficultés financières",
        mails_en="mails telling of financial difficulty",
        shown_fr="difficultés financières",
        shown_en="financial difficulty",
        is_grave=True,
        raises_risk=True,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="insolvency",
        mails_fr="mails annonçant une procédure collective",
        mails_en="mails telling of insolvency",
        shown_fr="procédure collective",
        shown_en="insolvency",
        is_grave=True,
        raises_risk=True,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense", "third_party"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="payment_plan_request",
        mails_fr="demandes d'échelonnement",
        mails_en="requests for instalments",
        shown_fr="demande un échelonnement",
        shown_en="asks for instalments",
        is_grave=False,
        raises_risk=True,
        blocked_by=frozenset({"negated", "other_sense"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="extension_request",
        mails_fr="demandes de délai",
        mails_en="requests for more time",
        shown_fr="demande un délai",
        shown_en="asks for more time",
        is_grave=False,
        raises_risk=True,
        blocked_by=frozenset({"other_sense"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="dispute",
        mails_fr="mails de contestation",
        mails_en="mails disputing the claim",
        shown_fr="conteste la créance",
        shown_en="disputes the claim",
        is_grave=True,
        raises_risk=True,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense", "past"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="admin_block",
        mails_fr="mails signalant un blocage administratif",
        mails_en="mails telling of an administrative block",
        shown_fr="blocage administratif",
        shown_en="administrative blockage",
        is_grave=False,
        raises_risk=True,
        blocked_by=frozenset({"hypothetical", "other_sense", "past"}),
        negation="before",
        can_be_over=True,
    ),
    SignalLabel(
        name="promise_to_pay",
        mails_fr="promesses de paiement",
        mails_en="promises to pay",
        shown_fr="promesse de paiement",
        shown_en="promise to pay",
        is_grave=False,
        raises_risk=False,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense", "question"}),
        negation="inside",
        can_be_over=False,
    ),
    SignalLabel(
        name="payment_sent",
        mails_fr="annonces de paiement effectué",
        mails_en="notices of payment sent",
        shown_fr="dit avoir payé",
        shown_en="says it has paid",
        is_grave=False,
        raises_risk=False,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense", "question"}),
        negation="inside",
        can_be_over=False,
    ),
    SignalLabel(
        name="organisational_change",
        mails_fr="mails annonçant un changement d'organisation",
        mails_en="mails telling of a reorganisation",
        shown_fr="changement d'organisation",
        shown_en="reorganisation",
        is_grave=False,
        raises_risk=False,
        blocked_by=frozenset({"negated", "hypothetical", "other_sense", "question"}),
        negation="inside",
        can_be_over=True,
    ),
    SignalLabel(
        name="hostile_tone",
        mails_fr="mails au ton hostile",
        mails_en="hostile mails",
        shown_fr="ton hostile",
        shown_en="hostile tone",
        is_grave=True,
        raises_risk=False,
        blocked_by=frozenset({"other_sense"}),
        negation="nowhere",
        can_be_over=False,
    ),
)
"""The signals, in the order used everywhere; when each is given is defined in data_samples/emails/README.md."""

LABELS: Final[tuple[str, ...]] = tuple(label.name for label in SIGNAL_LABELS)
"""Names of the signals; columns of the signals frame."""
SIGNAL_LABEL: Final[dict[str, SignalLabel]] = {label.name: label for label in SIGNAL_LABELS}
GRAVE_LABELS: Final[frozenset[str]] = frozenset(label.name for label in SIGNAL_LABELS if label.is_grave)

PromiseStatus = Literal["dated", "undated", "implausible"]
"""What is known of a promised day: one that can be used; none is named; one is named that a person must check."""

PromiseDoubt = Literal["gone_by", "beyond_horizon", "weekday_differs", "no_such_day"]
"""Why a promised day is implausible: it lies before the mail; it lies too far ahead; the weekday named with it is
another; the calendar has no such day."""


def signals_schema(quoting: bool = True) -> dict[str, Any]:
    """Columns and types of the signal table."""
    schema: dict[str, Any] = {
        "email_id": pl.String,
        "customer_id": pl.String,
        "sent_at": pl.Datetime("us", "UTC"),
        "direction": pl.String,
        "language": pl.String,
        "auto_reply": pl.Boolean,
    }
    for label in LABELS:
        schema[f"{label}_probability"] = pl.Float64
        schema[label] = pl.Boolean
        schema[f"{label}_unsure"] = pl.Boolean
    schema |= {
        "promise_status": pl.String,
        "promise_doubt": pl.String,
        "promise_said_on": pl.Date,
        "promise_date": pl.Date,
        "promise_payable_on": pl.Date,
        "promise_amount": pl.Float64,
        "tone": pl.Float64,
    }
    if quoting:
        schema["quotes"] = pl.String
    return schema
