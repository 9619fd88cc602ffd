"""One receivable to decide on: what the model says of it and what is known of its account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.words import GRADES, INSTALMENT_KINDS, RUNGS, SEGMENTS, Grade, InstalmentKind, Rung, Segment
from serving.dunning.deciding.facts.account import AccountFacts
from serving.dunning.deciding.facts.validation import amount_faults, currency_faults, day_faults, word_faults
from serving.dunning.decision import receivable_id


@dataclass(frozen=True)
class ScoredInvoice:
    """One receivable (an invoice, or one instalment of it) as the model sees it at one as-of date.

    Attributes:
        invoice_id: the invoice, as the customer knows it.
        customer_id: key of the payer.
        as_of: the score knows only what was known strictly before this day.
        issued_on: issue date.
        due_on: due date of the receivable; dunning days count from here and no payment moves it.
        amount: gross amount of the receivable, in `currency`.
        open_amount: what was open when the score was made; the decision uses the account's balance instead.
        currency: ISO 4217 code.
        p_late: probability of being unpaid after the due date plus grace; null without an opinion.
        p_late_30: probability of being unpaid 30 days past due; null without an opinion.
        unpaid_probability: (days past due, probability of being unpaid then), ascending in days.
        payment_date_p10: day by which one invoice in ten like this one is paid; null without an opinion.
        payment_date_p50: the median payment day; null without an opinion.
        payment_date_p90: day by which nine in ten are paid; null without an opinion.
        grade: A (will pay on time) to E (will not); null without an opinion.
        history_depth: settled invoices known of this customer.
        cold_start_rung: where the opinion comes from.
        rfm_segment: payer behaviour; null when the segment is not known.
        model_version: version of the model that scored.
        feature_version: version of the feature catalogue.
        instalment_number: which instalment of the invoice this is; null for an invoice due as a whole.
        instalment_count: instalments of the invoice; null for an invoice due as a whole.
        instalment_kind: `instalment` or `retention` (retention money); null for an invoice due as a whole.
    """

    invoice_id: str
    customer_id: str
    as_of: date
    issued_on: date
    due_on: date
    amount: Decimal
    open_amount: Decimal
    currency: str = "EUR"
    p_late: float | None = None
    p_late_30: float | None = None
    unpaid_probability: tuple[tuple[int, float], ...] = ()
    payment_date_p10: date | None = None
    payment_date_p50: date | None = None
    payment_date_p90: date | None = None
    grade: Grade | None = None
    history_depth: int = 0
    cold_start_rung: Rung = "no_opinion"
    rfm_segment: Segment | None = None
    model_version: str = ""
    feature_version: str = ""
    instalment_number: int | None = None
    instalment_count: int | None = None
    instalment_kind: InstalmentKind | None = None

    def __post_init__(self) -> None:
        faults = day_faults((("as_of", self.as_of), ("issued_on", self.issued_on), ("due_on", self.due_on)))
        faults += amount_faults((("amount", self.amount), ("open_amount", self.open_amount)))
        named = [("p_late", self.p_late), ("p_late_30", self.p_late_30)]
        named += [(f"unpaid_probability at {days} days", share) for days, share in self.unpaid_probability]
        faults += [
            Fault(
                localized("{value} is not a probability", value=value),
                where=name,
                expected=localized("a number from 0 to 1, or null"),
            )
            for name, value in named
            if value is not None and not 0 <= value <= 1
        ]
        horizons = [days for days, _ in self.unpaid_probability]
        if horizons != sorted(set(horizons)):
            faults.append(
                Fault(
                    localized("horizons are not ascending"),
                    "unpaid_probability",
                    localized("each horizon once, ascending"),
                )
            )
        faults += word_faults(
            ("grade", self.grade, GRADES),
            ("cold_start_rung", self.cold_start_rung, RUNGS),
            ("rfm_segment", self.rfm_segment, SEGMENTS),
            ("instalment_kind", self.instalment_kind, tuple(INSTALMENT_KINDS)),
        )
        if not self.invoice_id or not self.customer_id:
            faults.append(Fault(localized("an empty key"), "invoice_id, customer_id", localized("both keys")))
        if self.amount <= 0:
            faults.append(
                Fault(
                    localized("{amount} is not an amount to pay", amount=self.amount),
                    "amount",
                    localized("more than 0"),
                )
            )
        faults += currency_faults((("currency", self.currency),))
        faults += self._instalment_faults()
        if faults:
            raise InvalidInputError(
                localized(
                    "scored invoice {invoice} cannot be decided on", invoice=self.invoice_id or "(no id)"
                ),
                faults,
            )

    def _instalment_faults(self) -> list[Fault]:
        number, count = self.instalment_number, self.instalment_count
        if number is None and count is None and self.instalment_kind is None:
            return []
        if number is not None and count is not None and number >= 1 and count >= 1:
            return []
        return [
            Fault(
                localized("instalment {number} of {instalments}", number=number, instalments=count),
                "instalment_number, instalment_count",
                localized(
                    "both from 1 on for an instalment; neither, nor a kind, for an invoice due as a whole"
                ),
            )
        ]

    @cached_property
    def receivable_id(self) -> str:
        """Key of the receivable: the invoice id, or `INVOICE#NUMBER` for an instalment."""
        return receivable_id(self.invoice_id, self.instalment_number)

    def unpaid_at(self, days_past_due: int) -> float | None:
        """Probability of still being unpaid that many days past due; null if unknown.

        The curve is known at its horizons only: the first one at or after the day is taken (a later day is
        never more likely to find the invoice unpaid), the last one beyond it, and `p_late` without a curve.
        """
        if not self.unpaid_probability:
            return self.p_late
        later = (share for days, share in self.unpaid_probability if days >= days_past_due)
        return next(later, self.unpaid_probability[-1][1])


@dataclass(frozen=True)
class Case:
    """A receivable with the state of its account: what one decision is made from.

    Attributes:
        score: the receivable as the model sees it.
        account: the account at decision time; its balance, not the scored one, is the amount to ask for.
    """

    score: ScoredInvoice
    account: AccountFacts

    @cached_property
    def receivable_id(self) -> str:
        """Key of the receivable."""
        return self.score.receivable_id

    @property
    def customer_id(self) -> str:
        """Key of the payer."""
        return self.score.customer_id

    @cached_property
    def demandable_amount(self) -> Decimal:
        """What could be asked for without a closed gate: net of credits, without the disputed part.

        A receivable that is disputed as a whole has its net balance here: the gate asks for nothing.
        """
        undisputed = self.account.undisputed_amount
        return undisputed if undisputed > 0 else self.account.net_balance_amount
