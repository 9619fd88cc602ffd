"""Scores and account facts as the cases a dunning policy decides on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from features.settings import CENTS
from serving.dunning import AccountFacts, ScoredInvoice

_HORIZONS = (0, 7, 15, 30, 60, 90)
_NO_OPINION = "no_opinion"


def dunning_cases(
    scores: pl.DataFrame, landmarks: pl.DataFrame, facts: Mapping[str, AccountFacts]
) -> list[tuple[ScoredInvoice, AccountFacts]]:
    """Pair each scored invoice with the state of its account.

    Args:
        scores: the answer of `models.scoring.score_landmarks`, with `rfm_segment` where it is known.
        landmarks: the landmarks scored.
        facts: account facts by invoice id; an invoice without facts (a draft) owes its whole amount.

    Returns:
        One case per score, in the order of the scores. A score on the rung "no opinion" carries no
        probability into the policy.
    """
    columns = ("invoice_id", "as_of", "issued_on", "due_on", "amount", "currency")
    terms = {(row[0], row[1]): row[2:] for row in landmarks.select(columns).iter_rows()}
    cases = []
    for row in scores.iter_rows(named=True):
        issued_on, due_on, invoice_amount, currency = terms[row["invoice_id"], row["as_of"]]
        amount = Decimal(round(invoice_amount * CENTS)) / CENTS
        account = facts.get(row["invoice_id"]) or AccountFacts(balance_amount=amount)
        cases.append((scored_invoice(row, issued_on, due_on, amount, currency, account), account))
    return cases


def scored_invoice(
    score: Mapping[str, Any],
    issued_on: dt.date,
    due_on: dt.date,
    amount: Decimal,
    currency: str | None,
    account: AccountFacts,
) -> ScoredInvoice:
    """One scored invoice as the policy sees it.

    Args:
        score: a row of the answer of `models.scoring.score_landmarks`.
        issued_on: day of issue.
        due_on: due date.
        amount: of the invoice, in its currency.
        currency: of the invoice; euro when null.
        account: state of its account.
    """
    has_opinion = score["cold_start_rung"] != _NO_OPINION
    return ScoredInvoice(
        invoice_id=score["invoice_id"],
        customer_id=score["customer_id"],
        as_of=score["as_of"],
        issued_on=issued_on,
        due_on=due_on,
        amount=amount,
        open_amount=account.balance_amount,
        currency=currency or "EUR",
        p_late=score["p_late"] if has_opinion else None,
        p_late_30=score["p_late_30"] if has_opinion else None,
        unpaid_probability=tuple((k, score[f"unpaid_probability_{k}d"]) for k in _HORIZONS)
        if has_opinion
        else (),
        payment_date_p10=score["payment_date_p10"] if has_opinion else None,
        payment_date_p50=score["payment_date_p50"] if has_opinion else None,
        payment_date_p90=score["payment_date_p90"] if has_opinion else None,
        grade=score["grade"] if has_opinion else None,
        history_depth=int(score["history_depth"]),
        cold_start_rung=score["cold_start_rung"],
        rfm_segment=score.get("rfm_segment"),
        model_version=score["model_version"],
        feature_version=score["feature_version"],
    )
