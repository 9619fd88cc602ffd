"""What callers get back: one shape per question, one shape for every error."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field

from features.signal_labels import PromiseDoubt, PromiseStatus
from features.words import Grade, Rung
from serving.messages.decisions import DecisionAnswer
from serving.messages.reply import Probability, Reply, read_from


class ErrorFault(Reply):
    """One thing wrong with a request."""

    row: int | None = Field(None, description="place in the list of the request, from 0; null for the whole")
    field: str | None = Field(None, description="name of the field; null for the whole row")
    message: str = Field(description="what is wrong")
    expected: str | None = Field(None, description="what would have been right")
    known: dict[str, Any] | None = Field(None, description="on a conflict: what is known under the id")
    offered: dict[str, Any] | None = Field(None, description="on a conflict: what was offered")


class ErrorBody(Reply):
    """Why a request was not answered."""

    code: str = Field(description="a fixed word a program can act on", examples=["invalid_request"])
    message: str = Field(description="what was wrong and what to do")
    faults: list[ErrorFault] = Field(default_factory=list, description="every fault found, up to 100")


class ErrorAnswer(Reply):
    """The one shape of all errors."""

    error: ErrorBody


class MissingField(Reply):
    """A field the request did not give."""

    field: str
    assumed: str | None = Field(description="what was taken instead; null when it stays unknown")
    source: Literal["ledger", "assumption", "none"] = Field(
        description="where the value came from: the known invoice, an assumption, or nowhere"
    )


class ReasonAnswer(Reply):
    """What one group of facts contributes to the explained probability."""

    group: str = Field(description="group of facts, such as payment_behaviour")
    label_fr: str = Field(validation_alias=read_from("label_fr", "label", "fr"))
    label_en: str = Field(validation_alias=read_from("label_en", "label", "en"))
    contribution: float = Field(description="share of probability added (above 0) or taken away (below 0)")
    fr: str = Field(
        validation_alias=read_from("fr", "text", "fr"),
        description="the reason in French, with the real values",
    )
    en: str = Field(
        validation_alias=read_from("en", "text", "en"),
        description="the reason in English, with the real values",
    )


class ExplanationAnswer(Reply):
    """Why a probability is what it is: base + contributions + others + calibration = probability."""

    explained_days: int = Field(description="days past due whose probability of being unpaid is explained")
    base: float = Field(description="the probability of an average invoice over the same days past due")
    calibration: float = Field(description="what calibration adds")
    others: float = Field(description="what all groups that are not among the reasons add together")
    probability: Probability
    reasons: list[ReasonAnswer] = Field(description="strongest first")


class EvidenceAnswer(Reply):
    """A sentence of a recent e-mail of the customer, as it was written."""

    email_id: str
    sent_at: dt.datetime
    label: str = Field(description="what the sentence says, such as promise_to_pay")
    is_decided: bool = Field(description="false when unsure: shown, but it moves nothing by itself")
    quote: str


class RemarkAnswer(Reply):
    """What a reader of a score must know of it beside the figures."""

    id: Literal["unpriced_amounts"] = Field(
        description="unpriced_amounts: some amounts are in a currency without an exchange rate, and left out"
    )
    fr: str
    en: str


class ScoreAnswer(Reply):
    """The score of one invoice at one as-of date."""

    score_id: str
    invoice_id: str | None = Field(description="null for a draft without a number")
    customer_id: str
    as_of: dt.date
    is_known_customer: bool = Field(description="false when the history holds nothing on the customer")
    missing_fields: list[MissingField]
    due_on: dt.date | None = Field(
        None, description="last day on which payment is on time; null in answers kept before it was told"
    )
    is_simulation: bool = Field(
        False,
        description=(
            "the content sent is not that of the known invoice of this id, or the id is of an account the key does not "
            "see: a score of what was sent, stored apart from the invoice, without a decision"
        ),
    )
    p_late: Probability = Field(description="probability of being unpaid after the due date plus grace")
    p_late_30: Probability = Field(description="probability of being unpaid 30 days past due")
    unpaid_probability: dict[str, Probability] = Field(
        description="probability of being unpaid k days past due, by k", examples=[{"0": 0.41, "30": 0.12}]
    )
    payment_date_p10: dt.date = Field(description="one invoice in ten like this one is paid by then")
    payment_date_p50: dt.date = Field(description="one in two is paid by then")
    payment_date_p90: dt.date = Field(description="nine in ten are paid by then")
    grade: Grade
    history_depth: int = Field(ge=0, description="settled invoices known of the customer")
    cold_start_rung: Rung
    remarks: list[RemarkAnswer] = Field(
        default_factory=list, description="what the score does not take into account; usually empty"
    )
    explanation: ExplanationAnswer | None = Field(description="null when reasons were not asked for")
    evidence: list[EvidenceAnswer] = Field(
        description="what recent e-mails of the customer say, newest first"
    )
    decision: DecisionAnswer | None = Field(description="null for a draft or a simulation: nothing is dunned")
    model_version: str
    feature_version: str
    policy_version: str


class ScoresAnswer(Reply):
    """The scores of a request, in its order."""

    as_of: dt.date
    model_version: str
    feature_version: str
    policy_version: str
    is_stored: bool = Field(
        description="false while the store is unavailable: spooled on disk, stored when it is back"
    )
    scores: list[ScoreAnswer]


class StoredScoreAnswer(Reply):
    """A score as it was answered, and what people decided since."""

    score: ScoreAnswer
    created_at: dt.datetime
    overrides: list[OverrideAnswer]


class OverrideAnswer(Reply):
    """A person's decision in place of the proposed one; in force until the invoice is settled or overridden again."""

    override_id: str
    decision_id: str
    invoice_id: str | None
    proposed_sequence_id: str | None
    sequence_id: str | None = Field(description="null: the policy is followed again")
    reason: str
    decided_by: str
    hold_until: dt.date | None
    created_at: dt.datetime


class InvoiceExplanationAnswer(Reply):
    """The newest stored explanation of an invoice: as it was answered, not computed again."""

    invoice_id: str
    score_id: str
    as_of: dt.date
    created_at: dt.datetime
    p_late: Probability
    p_late_30: Probability
    grade: Grade
    remarks: list[RemarkAnswer] = Field(
        default_factory=list, description="what the score does not take into account; usually empty"
    )
    explanation: ExplanationAnswer | None
    evidence: list[EvidenceAnswer]
    decision: DecisionAnswer | None
    model_version: str


class EventOutcome(Reply):
    """What became of one event."""

    row: int
    type: str
    id: str
    outcome: Literal["accepted", "already_known", "completed", "replaced", "pending", "erased"] = Field(
        description="pending: waits for its invoice; replaced: the newest statement counts; "
        "erased: was erased on request and is not stored again"
    )
    customer_id: str | None


class EventsAnswer(Reply):
    """What became of each event; all are on disk."""

    outcomes: list[EventOutcome]


class EmailCue(Reply):
    """A mention found in an e-mail, counted or not."""

    text: str = Field(description="the words as the sender wrote them")
    qualifiers: list[str] = Field(description="why it does not count: negated, hypothetical, past, ...")


class EmailSignal(Reply):
    """One thing an e-mail may say, with the sentences and words it rests on."""

    label: str
    is_decided: bool = Field(description="false when unsure: shown, but it moves nothing by itself")
    probability: Probability
    quotes: list[str]
    cues: list[EmailCue]


class EmailAnswer(Reply):
    """What one e-mail says."""

    language: str = Field(description="fr, en or mixed, of the sender's own text")
    is_auto_reply: bool
    promise_status: PromiseStatus | None = Field(
        description="null without a promise; implausible: a day is named that a person must check"
    )
    promise_doubt: PromiseDoubt | None = Field(description="why the day is implausible")
    promise_said_on: dt.date | None = Field(
        description="day of the earliest promised payment as the words give it, also when it is implausible"
    )
    promise_on: dt.date | None = Field(
        description="the promised day that may be relied on; null unless the status is dated"
    )
    promise_payable_on: dt.date | None = Field(
        description="first working day from promise_on on; later than it when the words name a day off"
    )
    promise_amount: float | None = Field(description="amount promised, in the currency of the mail")
    tone: float = Field(ge=-1, le=1, description="from -1 (hostile) to 1 (warm); a weak signal")
    signals: list[EmailSignal]


class ModelAnswer(Reply):
    """The model that serves now."""

    model_version: str
    feature_version: str
    trained_on_known_before: dt.date
    settings: dict[str, int | str | None] = Field(
        description="how lateness, settlement and money were read when it was trained, and are read when it scores"
    )
    feature_count: int
    loaded_at: dt.datetime
    facts: dict[str, Any] = Field(description="figures about the training, for people")


class PolicyAnswer(Reply):
    """The dunning policy that serves now."""

    policy_id: str
    policy_version: str
    sha256: str
    sequence_ids: list[str]
    loaded_at: dt.datetime


class FeedAnswer(Reply):
    """How fresh one kind of fact is."""

    name: str
    is_provided: bool
    loaded_at: dt.datetime | None
    known_on: dt.date | None = Field(description="newest day of a fact, by load or event")
    complete_through_on: dt.date | None = Field(
        description="day through which the source states that it is complete; null where it does not"
    )
    received_at: dt.datetime | None
    age_hours: float | None = Field(description="hours since the newest load or event; null before the first")


StoredScoreAnswer.model_rebuild()
