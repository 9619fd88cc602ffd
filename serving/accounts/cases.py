"""Scores and account facts as the cases a dunning policy decides on: for the night and for a request alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import polars as pl

from features.cents import CENTS
from features.ledger import Ledger
from features.ledger.customers_at import customers_at
from features.ledger.receivables import InstalmentPlace, receivables
from features.settings import DEFAULT_CURRENCY
from features.settlement import is_paid
from models.score import Score
from serving.dunning import AccountFacts, Case, ScoredInvoice

#: Days after which nobody is thanked any more for a payment that became known.
THANKS_DAYS: Final = 7


def with_country(landmarks: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """Landmarks with the payer's country beside, null where unknown: payment dates fall on its working days.

    The country is the one that was known before the as-of date of the landmark.
    """
    countries = {
        day: dict(
            customers_at(ledger.customers, ledger.customer_history, day)
            .select("customer_id", "country")
            .iter_rows()
        )
        for day in set(landmarks["as_of"].to_list())
    }
    found = [
        countries[day].get(customer_id)
        for customer_id, day in zip(landmarks["customer_id"], landmarks["as_of"], strict=True)
    ]
    return landmarks.with_columns(pl.Series("country", found, dtype=pl.String))


def dunning_cases(
    scores: Sequence[Score],
    landmarks: pl.DataFrame,
    facts: Mapping[str, AccountFacts],
    places: Mapping[str, InstalmentPlace],
) -> list[Case]:
    """Pair each scored receivable with the state of its account.

    Args:
        scores: scores of the landmarks.
        landmarks: the landmarks scored.
        facts: account facts by receivable; one without facts (a draft) owes its whole amount.
        places: which instalment a receivable is; one that is missing is an invoice due as a whole.

    Returns:
        One case per score, in the order of the scores. A score on the rung "no opinion" carries no
        probability into the policy.
    """
    columns = ("invoice_id", "as_of", "issued_on", "due_on", "amount", "currency")
    terms = {(row[0], row[1]): row[2:] for row in landmarks.select(columns).iter_rows()}
    cases = []
    for score in scores:
        issued_on, due_on, invoice_amount, currency = terms[score.invoice_id, score.as_of]
        amount = Decimal(round(invoice_amount * CENTS)) / CENTS
        account = facts.get(score.invoice_id) or AccountFacts(balance_amount=amount)
        place = places.get(score.invoice_id)
        cases.append(
            Case(scored_invoice(score, issued_on, due_on, amount, currency, account, place), account)
        )
    return cases


def scored_invoice(
    score: Score,
    issued_on: dt.date,
    due_on: dt.date,
    amount: Decimal,
    currency: str | None,
    account: AccountFacts,
    place: InstalmentPlace | None = None,
) -> ScoredInvoice:
    """One scored receivable as the policy sees it.

    Args:
        score: its score.
        issued_on: day of issue.
        due_on: due date.
        amount: of the receivable, in its currency.
        currency: of the invoice; euro when null.
        account: state of its account.
        place: which instalment it is; null for an invoice due as a whole.
    """
    known = score if score.has_opinion else None
    p10, p50, p90 = (None, None, None) if known is None else known.payment_dates
    scored = ScoredInvoice(
        invoice_id=score.invoice_id,
        customer_id=score.customer_id,
        as_of=score.as_of,
        issued_on=issued_on,
        due_on=due_on,
        amount=amount,
        open_amount=account.balance_amount,
        currency=currency or DEFAULT_CURRENCY,
        p_late=None if known is None else known.p_late,
        p_late_30=None if known is None else known.p_late_30,
        unpaid_probability=() if known is None else known.unpaid_probability,
        payment_date_p10=p10,
        payment_date_p50=p50,
        payment_date_p90=p90,
        grade=None if known is None else known.grade,
        history_depth=score.history_depth,
        cold_start_rung=score.cold_start_rung,
        rfm_segment=score.rfm_segment,
        model_version=score.model_version,
        feature_version=score.feature_version,
    )
    return _placed(scored, place)


def _placed(whole: ScoredInvoice, place: InstalmentPlace | None) -> ScoredInvoice:
    """The receivable under the number its customer knows: of its invoice, with its place among the instalments."""
    if place is None:
        return whole
    return replace(
        whole,
        invoice_id=place.invoice_id,
        instalment_number=place.number,
        instalment_count=place.count,
        instalment_kind=place.kind,
    )


def recently_paid(ledger: Ledger, as_of: dt.date, states: pl.DataFrame) -> pl.DataFrame:
    """Receivables whose payment became known by a day and not long before it, as far back as thanks make sense.

    Args:
        ledger: the ledger.
        as_of: the day.
        states: what was settled by what was known through the day (`settlement_at` the next one).
    """
    since = as_of - dt.timedelta(days=THANKS_DAYS)
    issued = receivables(ledger).invoices.filter(pl.col("issued_on") < as_of)
    known = states.filter(is_paid() & (pl.col("settlement_known_on") >= since))
    return issued.join(known, on="invoice_id", how="semi").sort("invoice_id")


def reminded_cases(
    paid: pl.DataFrame,
    facts: Mapping[str, AccountFacts],
    places: Mapping[str, InstalmentPlace],
    as_of: dt.date,
) -> Iterator[Case]:
    """The paid receivables that were reminded of since they fell due, as cases without an opinion."""
    for row in paid.iter_rows(named=True):
        account = facts[row["invoice_id"]]
        if account.last_step is not None and account.last_step.stage > 0:
            paid_one = ScoredInvoice(
                row["invoice_id"],
                row["customer_id"],
                as_of,
                row["issued_on"],
                row["due_on"],
                row["amount"],
                account.balance_amount,
                row["currency"],
            )
            yield Case(_placed(paid_one, places.get(row["invoice_id"])), account)
