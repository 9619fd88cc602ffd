"""Any receivable with any score on any account: what the properties of the dunning policy are drawn from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from features.words import BLOCKAGE_KINDS, CLOSED_BY, RUNGS
from serving.dunning import (
    GRADES,
    SEGMENTS,
    AccountFacts,
    Contact,
    DebtorStatement,
    FeedDay,
    PartPayment,
    Promise,
    ScoredInvoice,
    StepTaken,
    TaskOpened,
)
from serving.dunning.words import CHANNELS, TONES
from tests.dunning_samples import FRESH, POLICY

FIRST, LAST = date(2019, 6, 1), date(2027, 6, 30)

days = st.dates(FIRST, LAST)
optional_days = st.none() | days
amounts = st.decimals(Decimal("0.01"), Decimal("250000"), places=2)
shares = st.floats(0, 1)
sequence_ids = st.sampled_from([*POLICY.spec.sequences, "a_sequence_of_an_older_policy"])
steps_taken = st.builds(
    StepTaken, sequence_ids, st.just("step"), st.integers(-2, 6), days, st.none() | st.sampled_from(TONES)
)
tasks = st.builds(TaskOpened, sequence_ids, st.just("step"), days, optional_days)
contacts = st.lists(st.builds(Contact, days, st.sampled_from(CHANNELS)), max_size=6).map(tuple)
statements = st.none() | st.builds(DebtorStatement, days, st.sampled_from([None, "Nous paierons {bientôt}."]))


@st.composite
def promises(draw):
    made_on = draw(days)
    ahead = draw(st.sampled_from([-3, 0, 5, 30, 45, 46, 400]))
    return Promise(
        made_on, made_on + timedelta(days=ahead), draw(st.none() | amounts), draw(st.none() | st.text())
    )


@st.composite
def records(draw):
    due = draw(st.integers(0, 60))
    return {"fallen_due_count": due, "late_count": draw(st.integers(0, due))}


@st.composite
def by_currency(draw, values):
    currencies = draw(st.lists(st.sampled_from(["EUR", "GBP", "USD"]), unique=True, max_size=3))
    return tuple((currency, draw(values)) for currency in sorted(currencies))


@st.composite
def scores(draw):
    due_on = draw(days)
    amount = draw(amounts)
    curve = tuple(
        zip((0, 7, 15, 30, 60, 90), sorted(draw(st.tuples(*[shares] * 6)), reverse=True), strict=True)
    )
    parts = draw(st.sampled_from([(None, None, None), (2, 3, "instalment"), (3, 3, "retention")]))
    return ScoredInvoice(
        "F-1",
        "C-1",
        as_of=draw(days),
        issued_on=due_on - timedelta(days=draw(st.integers(0, 90))),
        due_on=due_on,
        amount=amount,
        open_amount=amount,
        currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
        p_late=draw(st.none() | shares),
        unpaid_probability=draw(st.sampled_from([(), curve])),
        grade=draw(st.none() | st.sampled_from(GRADES)),
        history_depth=draw(st.integers(0, 500)),
        cold_start_rung=draw(st.sampled_from(RUNGS)),
        rfm_segment=draw(st.none() | st.sampled_from(SEGMENTS)),
        instalment_number=parts[0],
        instalment_count=parts[1],
        instalment_kind=parts[2],
    )


plain_accounts = st.builds(
    AccountFacts,
    balance_amount=st.decimals(Decimal("-500"), Decimal("250000"), places=2),
    unapplied_credit_amount=st.just(Decimal("0.00")) | amounts,
    closed_by=st.none() | st.none() | st.sampled_from(CLOSED_BY),
    feeds=st.sampled_from([FRESH, FRESH, (FeedDay("payments", date(2023, 5, 1)), FRESH[1]), ()]),
    has_open_dispute=st.booleans(),
    disputed_amount=st.none() | amounts,
    dispute_opened_on=optional_days,
    is_insolvent=st.booleans(),
    insolvency_published_on=optional_days,
    insolvency_hint=statements,
    mediation_since=st.none() | optional_days,
    complaint_opened_on=st.none() | optional_days,
    payment_announced_on=optional_days,
    promise=st.none() | promises(),
    unclear_promise=statements,
    has_running_plan=st.booleans(),
    plan_next_due_on=optional_days,
    admin_blockage=st.none() | st.sampled_from(BLOCKAGE_KINDS),
    admin_blockage_since=optional_days,
    last_paid_on=optional_days,
    is_natural_person=st.none() | st.booleans(),
    is_strategic=st.booleans(),
    contacts=contacts,
    quiet_days=st.lists(days, max_size=3).map(tuple),
    last_step=st.none() | steps_taken,
    tasks=st.lists(tasks, max_size=3).map(tuple),
    country=st.sampled_from([None, "FR", "DE", "AE", "ZZ"]),
    language=st.sampled_from([None, "fr", "en", "de"]),
    delivery_channel=st.sampled_from([None, "email", "portal", "post"]),
    customer_since_on=optional_days,
    turnover_amounts=by_currency(amounts),
    overdue_amounts=by_currency(amounts),
    outstanding_amounts=by_currency(amounts),
    exchange_rates=by_currency(st.decimals(Decimal("0.1"), Decimal("10"), places=4)),
    credit_limit=st.none() | amounts,
    late_part_payments=st.lists(st.builds(PartPayment, days, amounts), max_size=2).map(tuple),
)
accounts = st.builds(
    lambda account, record: replace(account, **record), plain_accounts, st.just({}) | records()
)
# An account on which no gate stops dunning, with everything else free.
open_accounts = accounts.map(
    lambda account: replace(
        account,
        balance_amount=abs(account.balance_amount) + 200,
        unapplied_credit_amount=Decimal("0.00"),
        closed_by=None,
        feeds=FRESH,
        has_open_dispute=False,
        is_insolvent=False,
        insolvency_hint=None,
        mediation_since=None,
        complaint_opened_on=None,
        payment_announced_on=None,
        promise=None,
        unclear_promise=None,
        has_running_plan=False,
        admin_blockage=None,
        last_paid_on=None,
    )
)
