"""The night's work on every open invoice: score, explain, route. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from features.asof import PaymentHistory
from features.ledger import Ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from features.settlement import is_paid, settlement_at, settlement_episodes
from models.bundle import ModelBundle
from models.score import Score, score_frame
from serving.account_facts import account_facts
from serving.cases import dunning_cases
from serving.dunning import (
    AccountFacts,
    Case,
    DecisionRecord,
    Explained,
    Night,
    Policy,
    ScoredInvoice,
    decide_night,
)
from serving.freshness import feed_days_of_ledger
from serving.store import Overrides

#: Days after which nobody is thanked any more for a payment that became known.
THANKS_DAYS: Final = 7


@dataclass(frozen=True)
class RoutedNight:
    """What the policy made of the night's scores.

    Attributes:
        night: conversations and deferrals, customer by customer.
        records: one record per open invoice, as the replay reads them, and per invoice paid after a reminder.
    """

    night: Night
    records: tuple[DecisionRecord, ...]


def with_country(landmarks: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Landmarks with the payer's country beside, null where unknown: payment dates fall on its working days."""
    return landmarks.join(
        customers.select("customer_id", "country"),
        on="customer_id",
        how="left",
        validate="m:1",
        maintain_order="left",
    )


def score_open_invoices(
    bundle: ModelBundle,
    features: PaymentHistory | pl.DataFrame,
    landmarks: pl.DataFrame,
    customers: pl.DataFrame,
    *,
    with_reasons: bool = True,
) -> pl.DataFrame:
    """Score landmarks, explain them and name each payer's segment.

    Args:
        bundle: the champion.
        features: the answer of `compute_features` for the landmarks, or the history they are computed from.
        landmarks: what is scored, in the same order.
        customers: the ledger's customers.
        with_reasons: explain too.

    Returns:
        One score per landmark in their order, as `models.score.Scores.frame` writes them.
    """
    return score_frame(bundle, features, with_country(landmarks, customers), with_reasons)


def route_open_invoices(
    ledger: Ledger,
    signals: pl.DataFrame | None,
    scores: Sequence[Score],
    landmarks: pl.DataFrame,
    policy: Policy,
    as_of: dt.date,
    settings: LedgerSettings,
    overrides: Overrides | None = None,
) -> RoutedNight:
    """Decide on every open invoice: gates, sequence, one conversation a customer, capacity.

    An invoice that was reminded of and has just been paid is decided too, so that its customer is thanked; it
    has no score.

    A ledger whose invoices and payments end well before the as-of date is a stale feed: the policy then takes
    no automatic step. What people decided about an invoice (`overrides`) is followed as in the score service.
    """
    paid = recently_paid(ledger, as_of, settings)
    facts = account_facts(
        ledger,
        [*(score.invoice_id for score in scores), *paid["invoice_id"].to_list()],
        as_of,
        signals=signals,
        feeds=feed_days_of_ledger(ledger, as_of),
        settings=settings,
        overrides=overrides,
    )
    cases = [*dunning_cases(scores, landmarks, facts), *_reminded(paid, facts, as_of)]
    night = decide_night(cases, policy, as_of)
    decided = {
        decision.receivable_id: decision for account in night.accounts for decision in account.decisions
    }
    explained = {score.invoice_id: _explanation(score) for score in scores}
    records = tuple(
        DecisionRecord(
            as_of,
            case.score,
            case.account,
            decided[case.receivable_id],
            explained.get(case.receivable_id, ()),
        )
        for case in cases
    )
    return RoutedNight(night, records)


def recently_paid(ledger: Ledger, as_of: dt.date, settings: LedgerSettings) -> pl.DataFrame:
    """Receivables whose payment became known in the last days before a day, as far back as thanks make sense."""
    since = as_of - dt.timedelta(days=THANKS_DAYS)
    whole = receivables(ledger)
    known = settlement_at(settlement_episodes(whole, settings), as_of).filter(
        is_paid() & (pl.col("settlement_known_on") >= since)
    )
    issued = whole.invoices.filter(pl.col("issued_on") < as_of)
    return issued.join(known.select("invoice_id"), on="invoice_id", how="semi").sort("invoice_id")


def _reminded(paid: pl.DataFrame, facts: Mapping[str, AccountFacts], as_of: dt.date) -> Iterator[Case]:
    """The paid invoices that were reminded of since they fell due, as cases without an opinion."""
    for row in paid.iter_rows(named=True):
        account = facts[row["invoice_id"]]
        if account.last_step is not None and account.last_step.stage > 0:
            yield Case(
                ScoredInvoice(
                    row["invoice_id"],
                    row["customer_id"],
                    as_of,
                    row["issued_on"],
                    row["due_on"],
                    row["amount"],
                    account.balance_amount,
                    row["currency"],
                ),
                account,
            )


def _explanation(score: Score) -> tuple[Explained, ...]:
    """The reasons of a score as they are kept with its decision; none when it was not explained."""
    if score.explanation is None:
        return ()
    return tuple(
        Explained(reason.group, reason.contribution, reason.text.fr, reason.text.en)
        for reason in score.explanation.reasons
    )
