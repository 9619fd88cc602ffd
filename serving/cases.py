"""Scores and account facts as the cases a dunning policy decides on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl

from features.cents import CENTS
from models.score import Score
from serving.dunning import AccountFacts, Case, ScoredInvoice


def dunning_cases(
    scores: Sequence[Score], landmarks: pl.DataFrame, facts: Mapping[str, AccountFacts]
) -> list[Case]:
    """Pair each scored invoice with the state of its account.

    Args:
        scores: scores of the landmarks.
        landmarks: the landmarks scored.
        facts: account facts by invoice id; an invoice without facts (a draft) owes its whole amount.

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
        cases.append(Case(scored_invoice(score, issued_on, due_on, amount, currency, account), account))
    return cases


def scored_invoice(
    score: Score,
    issued_on: dt.date,
    due_on: dt.date,
    amount: Decimal,
    currency: str | None,
    account: AccountFacts,
) -> ScoredInvoice:
    """One scored invoice as the policy sees it.

    Args:
        score: its score.
        issued_on: day of issue.
        due_on: due date.
        amount: of the invoice, in its currency.
        currency: of the invoice; euro when null.
        account: state of its account.
    """
    known = score if score.has_opinion else None
    p10, p50, p90 = (None, None, None) if known is None else known.payment_dates
    return ScoredInvoice(
        invoice_id=score.invoice_id,
        customer_id=score.customer_id,
        as_of=score.as_of,
        issued_on=issued_on,
        due_on=due_on,
        amount=amount,
        open_amount=account.balance_amount,
        currency=currency or "EUR",
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
