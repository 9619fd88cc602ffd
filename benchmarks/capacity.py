"""Whom to call when only a few calls can be made: net benefit against amount, lateness and chance, in simulated worlds.

Once a week, every customer with overdue invoices could be called and N are. Each ranking chooses its N from what was
known that day; what its calls would have brought is then reckoned from the true payment days of the world.

Two things are not measured here. The *effect* of a call is the assumption of the policy file (days saved, share of loss
avoided, on an invoice that would otherwise stay unpaid); and the world is simulated. What is measured is whom a
ranking picks under that assumption: a call to somebody who pays this week anyway brings nothing. A customer called
is not called again for two weeks, by any ranking. Calls do not change what happens later in the world.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

from data_samples.generator import WorldSettings, simulate_world
from features.asof import PaymentHistory, open_landmarks
from features.ledger import Ledger, last_known_on
from models.bundle import ModelBundle
from models.score import score
from models.training.from_ledger import train_bundle, training_input
from serving.accounts.cases import scored_invoice
from serving.dunning import AccountFacts, Policy, ScoredInvoice, load_policy, net_benefit
from serving.dunning.policy.sequences import Effect

NOBODY_AGAIN_DAYS: Final = 14
NIGHTS_APART_DAYS: Final = 7
LIVED_NIGHTS: Final = 26
RESAMPLES: Final = 10_000
RANDOM_DRAWS: Final = 20
NOTHING: Final = Decimal(0)
BENEFIT, ORACLE, RANDOM = "net benefit", "what truly happened (no ranking can do better)", "at random"


@dataclass(frozen=True)
class Candidate:
    """One customer that could be called on one night, about all its overdue invoices.

    Attributes:
        customer_id: the customer.
        balance: overdue in all.
        expected: net benefit by the model, as the policy reckons it, less one call.
        p_unpaid: highest chance of an overdue invoice to stay unpaid for the days a call can save.
        p_late_30: highest chance to be unpaid 30 days past due.
        oldest_days: days past due of the oldest invoice.
        brought: net benefit given what truly happened.
        stays_unpaid: whether any overdue invoice truly stays unpaid for those days.
        euro_days: balance that truly stays unpaid, times the days saved.
    """

    customer_id: str
    balance: Decimal
    expected: Decimal
    p_unpaid: float
    p_late_30: float
    oldest_days: int
    brought: Decimal
    stays_unpaid: bool
    euro_days: Decimal


Ranking = Callable[[Candidate], Any]
RANKINGS: Final[Mapping[str, Ranking]] = {
    BENEFIT: lambda one: one.expected,
    "amount": lambda one: one.balance,
    "p_late_30": lambda one: one.p_late_30,
    "chance to stay unpaid": lambda one: one.p_unpaid,
    "oldest first": lambda one: one.oldest_days,
    ORACLE: lambda one: one.brought,
}


def main() -> None:
    """Simulate the worlds, call, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[21, 22, 23, 24, 25, 26, 27, 28], help="worlds to simulate"
    )
    parser.add_argument("--customers", type=int, default=300, help="customers of each world")
    parser.add_argument("--months", type=int, default=30, help="months of each world")
    parser.add_argument("--calls", type=int, nargs="+", default=[5, 15, 30], help="calls a night")
    options = parser.parse_args()
    policy = load_policy()
    worlds = [_live(seed, options.customers, options.months, policy) for seed in options.seeds]
    print(json.dumps(measure(worlds, options.calls, policy), indent=1, ensure_ascii=False))


def measure(
    worlds: Sequence[Sequence[Sequence[Candidate]]], calls: Sequence[int], policy: Policy
) -> dict[str, Any]:
    """What each ranking's calls bring, over all worlds, with intervals over worlds drawn again.

    Args:
        worlds: world x night x candidate.
        calls: calls a night.
        policy: whose costs and effects are assumed.
    """
    answer: dict[str, Any] = {
        "worlds": len(worlds),
        "nights_each": LIVED_NIGHTS,
        "candidates_a_night": round(float(np.mean([len(night) for world in worlds for night in world])), 1),
        "cost_of_a_call": str(policy.spec.economics.costs["call"]),
        "effects": "assumed by the policy file",
    }
    for count in calls:
        names = [*RANKINGS, RANDOM]
        told = {name: [_figures(_called(world, name, count)) for world in worlds] for name in names}
        answer[f"{count} calls a night"] = {
            name: _summary(told[name], told[BENEFIT] if name != BENEFIT else None) for name in names
        }
    return answer


def _called(world: Sequence[Sequence[Candidate]], name: str, count: int) -> list[list[Candidate]]:
    """The candidates a ranking calls, night by night; ties by customer id."""
    if name == RANDOM:
        draws = np.random.default_rng(7)
        nights: list[list[Candidate]] = [[] for _ in world]
        for _ in range(RANDOM_DRAWS):
            customers = sorted({one.customer_id for night in world for one in night})
            places = dict(zip(customers, draws.permutation(len(customers)).tolist(), strict=True))
            for night, chosen in zip(nights, _by(world, _place_in(places), count), strict=True):
                night += chosen
        return nights
    return list(_by(world, RANKINGS[name], count))


def _place_in(places: Mapping[str, int]) -> Ranking:
    return lambda one: places[one.customer_id]


def _by(world: Sequence[Sequence[Candidate]], ranking: Ranking, count: int) -> Iterator[list[Candidate]]:
    last: dict[str, int] = {}
    for number, night in enumerate(world):
        day = number * NIGHTS_APART_DAYS
        free = [
            one for one in night if day - last.get(one.customer_id, -NOBODY_AGAIN_DAYS) >= NOBODY_AGAIN_DAYS
        ]
        ordered = sorted(free, key=lambda one: one.customer_id)
        chosen = sorted(ordered, key=ranking, reverse=True)[:count]
        last |= {one.customer_id: day for one in chosen}
        yield chosen


def _figures(nights: Sequence[Sequence[Candidate]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Per night: calls, net benefit, useless calls, euro-days saved."""
    return np.array(
        [
            (
                len(night),
                float(sum((one.brought for one in night), NOTHING)),
                sum(not one.stays_unpaid for one in night),
                float(sum((one.euro_days for one in night), NOTHING)),
            )
            for night in nights
        ]
    )


def _summary(worlds: Sequence[Any], benefit: Sequence[Any] | None) -> dict[str, Any]:
    """Figures a call, and how much net benefit's ranking brings more, with its interval."""
    found = np.concatenate(worlds).sum(axis=0)
    answer: dict[str, Any] = {
        "net_benefit_a_call": round(found[1] / found[0], 2),
        "useless_calls_share": round(found[2] / found[0], 3),
        "euro_days_saved_a_call": round(found[3] / found[0]),
    }
    if benefit is not None:
        less = [_a_call(ranked) - _a_call(own) for ranked, own in zip(benefit, worlds, strict=True)]
        random = np.random.default_rng(7)
        means = np.array(less)[random.integers(0, len(less), (RESAMPLES, len(less)))].mean(axis=1)
        answer["less_than_net_benefit_by"] = round(float(np.mean(less)), 2)
        answer["interval_90_over_worlds"] = [
            round(float(edge), 2) for edge in np.quantile(means, [0.05, 0.95])
        ]
        answer["by_world"] = [round(value, 2) for value in less]
    return answer


def _a_call(nights: Any) -> float:
    """Net benefit a call over all nights of a world."""
    total = nights.sum(axis=0)
    return float(total[1] / total[0])


def _live(seed: int, customers: int, months: int, policy: Policy) -> list[list[Candidate]]:
    """The candidates of each night in the last months of a world, by a model trained before them."""
    started = time.perf_counter()
    world = simulate_world(WorldSettings(customers=customers, months=months, seed=seed))
    ledger = world.ledger
    last = last_known_on(ledger)
    if last is None:
        msg = f"world {seed} is empty"
        raise ValueError(msg)
    # The true days are known for longer than the ledger runs: the last night needs no later ledger.
    first = last - timedelta(days=NIGHTS_APART_DAYS * (LIVED_NIGHTS - 1))
    history = PaymentHistory.from_ledger(ledger)
    bundle, _ = train_bundle(training_input(ledger, history, first))
    nights = []
    for number in range(LIVED_NIGHTS):
        day = first + timedelta(days=NIGHTS_APART_DAYS * number)
        nights.append(_candidates(ledger, history, bundle, world.truth["outcomes"], policy, day))
    print(f"world {seed}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return nights


def _candidates(
    ledger: Ledger,
    history: PaymentHistory,
    bundle: ModelBundle,
    outcomes: pl.DataFrame,
    policy: Policy,
    day: date,
) -> list[Candidate]:
    """Every customer with something overdue on the day."""
    landmarks = open_landmarks(ledger, day).filter(pl.col("due_on") < day)
    if not landmarks.height:
        return []
    scores = score(bundle, history, landmarks, with_reasons=False).rows()
    paid = (
        ledger.payments.filter(pl.col("known_on") < day)
        .group_by("invoice_id")
        .agg(paid=pl.col("amount").sum())
    )
    owed = ledger.invoices.join(paid, on="invoice_id", how="left", validate="1:1")
    balances = dict(owed.select("invoice_id", pl.col("amount") - pl.col("paid").fill_null(0)).iter_rows())
    truly_settled_on = dict(outcomes.select("invoice_id", "settled_on").iter_rows())
    found: dict[str, list[tuple[ScoredInvoice, Decimal]]] = {}
    for scored, landmark in zip(scores, landmarks.iter_rows(named=True), strict=True):
        balance = balances[landmark["invoice_id"]]
        if balance > 0:
            account = AccountFacts(balance)
            amount = Decimal(str(round(landmark["amount"], 2)))
            case = scored_invoice(scored, landmark["issued_on"], landmark["due_on"], amount, "EUR", account)
            found.setdefault(landmark["customer_id"], []).append((case, balance))
    return [
        _candidate(customer_id, cases, policy, day, truly_settled_on)
        for customer_id, cases in sorted(found.items())
    ]


def _candidate(
    customer_id: str,
    cases: Sequence[tuple[ScoredInvoice, Decimal]],
    policy: Policy,
    day: date,
    truly_settled_on: Mapping[str, date | None],
) -> Candidate:
    economics = policy.spec.economics
    gain = brought = euro_days = NOTHING
    chances = []
    stays = False
    for invoice, balance in cases:
        effect = _effect(invoice, balance, policy)
        saved = math.ceil(effect.days_saved)
        chance = invoice.unpaid_at((day - invoice.due_on).days + saved)
        settled_on = truly_settled_on[invoice.invoice_id]
        is_unpaid = settled_on is None or settled_on > day + timedelta(days=saved)
        chances.append(1.0 if chance is None else chance)
        stays = stays or is_unpaid
        gain += net_benefit("call", effect, economics, balance, chance).gain_amount or NOTHING
        brought += net_benefit("call", effect, economics, balance, float(is_unpaid)).gain_amount or NOTHING
        euro_days += balance * effect.days_saved if is_unpaid else NOTHING
    cost = economics.costs["call"]
    return Candidate(
        customer_id=customer_id,
        balance=sum((balance for _, balance in cases), NOTHING),
        expected=gain - cost,
        p_unpaid=max(chances),
        p_late_30=max(invoice.p_late_30 or 0.0 for invoice, _ in cases),
        oldest_days=max((day - invoice.due_on).days for invoice, _ in cases),
        brought=brought - cost,
        stays_unpaid=stays,
        euro_days=euro_days,
    )


def _effect(score: ScoredInvoice, balance: Decimal, policy: Policy) -> Effect:
    """The assumed effect of the sequence the invoice is in."""
    route = policy.route_of(score.rfm_segment, score.grade, policy.band_of(balance), "overdue")
    effect = policy.spec.sequences[route.sequence].effect
    if effect is None:
        msg = f"sequence {route.sequence} has no effect"
        raise ValueError(msg)
    return effect


if __name__ == "__main__":
    main()
