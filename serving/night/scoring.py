"""The night's work on every open invoice: score, explain, route. Pure: values in, values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.asof import PaymentHistory
from features.ledger import Ledger
from features.ledger.customers_at import payers_at
from features.ledger.receivables import instalment_places
from features.settings import LedgerSettings
from features.settlement import settlement_at, settlement_episodes
from models.bundle import ModelBundle
from models.score import Score, score_frame
from serving.accounts import account_facts
from serving.accounts.cases import dunning_cases, recently_paid, reminded_cases, with_country
from serving.accounts.freshness import feed_days, feeds_of_ledger
from serving.accounts.payers import cases_of_payers
from serving.dunning import (
    DecisionRecord,
    Explained,
    Night,
    Policy,
    decide_night,
)
from serving.store import Overrides


@dataclass(frozen=True)
class RoutedNight:
    """What the policy made of the night's scores.

    Attributes:
        night: conversations and deferrals, customer by customer.
        records: one record per open invoice, as the replay reads them, and per invoice paid after a reminder.
    """

    night: Night
    records: tuple[DecisionRecord, ...]


def score_open_invoices(
    bundle: ModelBundle,
    features: PaymentHistory | pl.DataFrame,
    landmarks: pl.DataFrame,
    ledger: Ledger,
    *,
    with_reasons: bool = True,
) -> pl.DataFrame:
    """Score landmarks, explain them and name each payer's segment.

    Args:
        bundle: the champion.
        features: the answer of `compute_features` for the landmarks, or the history they are computed from.
        landmarks: what is scored, in the same order.
        ledger: whose customers they are of; what was known of them before the as-of date counts.
        with_reasons: explain too.

    Returns:
        One score per landmark in their order, as `models.score.Scores.frame` writes them.
    """
    return score_frame(bundle, features, with_country(landmarks, ledger), with_reasons)


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

    What became known on the as-of date itself counts, as it does in the score service. A receivable that was reminded
    of and has just been paid is decided too, so that its customer is thanked; it has no score. Merged customers are one
    payer, to whom one conversation is held.

    A ledger whose invoices and payments end well before the as-of date is a stale feed: the policy then takes
    no automatic step. What people decided about an invoice (`overrides`) is followed as in the score service.
    """
    states = settlement_at(settlement_episodes(ledger, settings), as_of + dt.timedelta(days=1))
    scored = pl.Series([score.invoice_id for score in scores], dtype=pl.String)
    paid = recently_paid(ledger, as_of, states).filter(~pl.col("invoice_id").is_in(scored.implode()))
    facts = account_facts(
        ledger,
        [*scored.to_list(), *paid["invoice_id"].to_list()],
        as_of,
        signals=signals,
        feeds=feed_days(feeds_of_ledger(ledger, as_of)),
        settings=settings,
        overrides=overrides,
        states=states,
        currency=policy.spec.policy.currency,
    )
    places = instalment_places(ledger)
    payers = payers_at(ledger.customer_merges, as_of + dt.timedelta(days=1))
    cases = cases_of_payers(
        [*dunning_cases(scores, landmarks, facts, places), *reminded_cases(paid, facts, places, as_of)],
        payers,
    )
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


def _explanation(score: Score) -> tuple[Explained, ...]:
    """The reasons of a score as they are stored with its decision; none when it was not explained."""
    if score.explanation is None:
        return ()
    return tuple(
        Explained(reason.text.fr, reason.text.en, reason.group, reason.contribution)
        for reason in score.explanation.reasons
    )
