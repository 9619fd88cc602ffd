"""Scores and account facts as the cases a dunning policy decides on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

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
        has_opinion = row["cold_start_rung"] != _NO_OPINION
        cases.append(
            (
                ScoredInvoice(
                    invoice_id=row["invoice_id"],
                    customer_id=row["customer_id"],
                    as_of=row["as_of"],
                    issued_on=issued_on,
                    due_on=due_on,
                    amount=amount,
                    open_amount=account.balance_amount,
                    currency=currency or "EUR",
                    p_late=row["p_late"] if has_opinion else None,
                    p_late_30=row["p_late_30"] if has_opinion else None,
                    unpaid_probability=tuple((k, row[f"unpaid_probability_{k}d"]) for k in _HORIZONS)
                    if has_opinion
                    else (),
                    payment_date_p10=row["payment_date_p10"] if has_opinion else None,
                    payment_date_p50=row["payment_date_p50"] if has_opinion else None,
                    payment_date_p90=row["payment_date_p90"] if has_opinion else None,
                    grade=row["grade"] if has_opinion else None,
                    history_depth=int(row["history_depth"]),
                    cold_start_rung=row["cold_start_rung"],
                    rfm_segment=row.get("rfm_segment"),
                    model_version=row["model_version"],
                    feature_version=row["feature_version"],
                ),
                account,
            )
        )
    return cases
