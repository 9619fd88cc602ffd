"""Many nights in a row: what was done is remembered, and the promises hold from the first reminder to the last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendars import is_working_day
from serving.dunning import Case, Contact, StepTaken, TaskOpened, decide_night
from tests.dunning_samples import BAD_PAYER, POLICY, account, scored

FIRST_NIGHT = date(2025, 3, 3)
NIGHTS = 150


@st.composite
def portfolios(draw):
    """Up to six invoices of two customers, each with the night on which it is paid, in part or in full, if ever."""
    cases = {}
    payments = {}
    for number in range(draw(st.integers(1, 6))):
        due_on = FIRST_NIGHT + timedelta(days=draw(st.integers(-10, 25)))
        amount = Decimal(draw(st.sampled_from(["300.00", "4000.00", "30000.00"])))
        invoice_id = f"F-{number}"
        score = scored(
            invoice_id,
            due_on=due_on,
            amount=amount,
            customer_id=draw(st.sampled_from(["C-1", "C-2"])),
            grade=draw(st.sampled_from("ABCDE")),
            segment=draw(
                st.sampled_from(["prompt", "erratic", "punctual_slow_process", "new", "in_difficulty"])
            ),
            p_late=0.8,
            curve=((0, 0.8), (30, 0.5), (90, 0.3)),
        )
        cases[invoice_id] = Case(score, account(amount, **BAD_PAYER))
        if draw(st.booleans()):
            night = draw(st.integers(0, NIGHTS))
            payments[invoice_id] = night, draw(st.sampled_from([Decimal("1.0"), Decimal("0.6")]))
    return cases, payments


def live_through(cases, payments):
    """Run every night, doing what is decided, and return what happened."""
    contacts = defaultdict(list)
    steps = defaultdict(list)
    tasks = defaultdict(list)
    for number in range(NIGHTS):
        on = FIRST_NIGHT + timedelta(days=number)
        for invoice_id, (night, share) in payments.items():
            if night == number:
                case = cases[invoice_id]
                rest = (case.account.balance_amount * (1 - share)).quantize(Decimal("0.01"))
                paid = replace(
                    case.account, balance_amount=rest, closed_by=None if rest else "paid", last_paid_on=on
                )
                cases[invoice_id] = replace(case, account=paid)
        for account_night in decide_night(cases.values(), POLICY, on).accounts:
            talk = account_night.conversation
            joined = talk.invoice_ids if talk else ()
            if talk is not None:
                contacts[account_night.customer_id].append(Contact(on, talk.channel, joined))
            for decision in account_night.decisions:
                case = cases[decision.invoice_id]
                step = decision.next_step
                known = replace(case.account, contacts=tuple(contacts[account_night.customer_id]))
                if step is not None and step.channel == "task":
                    tasks[decision.invoice_id].append((decision, on))
                    opened = TaskOpened(decision.sequence_id, step.step_id, on)
                    known = replace(known, tasks=(*known.tasks, opened))
                elif decision.invoice_id in joined:
                    steps[decision.invoice_id].append((decision, on))
                    taken = StepTaken(decision.sequence_id, step.step_id, step.stage, on, step.tone)
                    if decision.gate_id == "settled":
                        thanked = TaskOpened(decision.sequence_id, step.step_id, on)
                        known = replace(known, tasks=(*known.tasks, thanked))
                    else:
                        known = replace(known, last_step=taken)
                cases[decision.invoice_id] = replace(case, account=known)
    return contacts, steps, tasks


@given(portfolios())
@settings(max_examples=25, deadline=None)
def test_over_many_nights_nobody_is_pestered_and_nothing_forgotten(portfolio):
    cases, payments = portfolio
    contacts, steps, tasks = live_through(dict(cases), payments)
    for of_customer in contacts.values():
        days = [contact.on for contact in of_customer]
        assert len(set(days)) == len(days)
        assert all(is_working_day(day, "FR") for day in days)
        for cap in POLICY.spec.contact_rules.caps:
            counted = [item.on for item in of_customer if cap.channel in (None, item.channel)]
            for day in counted:
                assert sum(0 <= (day - other).days < cap.days for other in counted) <= cap.contacts
    for invoice_id, score in ((key, case.score) for key, case in cases.items()):
        dunned = [(decision, on) for decision, on in steps[invoice_id] if decision.gate_id != "settled"]
        after_due = [decision.next_step for decision, on in dunned if on > score.due_on]
        assert [step.stage for step in after_due] == list(range(1, len(after_due) + 1))
        notices = [decision for decision, _ in dunned if decision.next_step.tone == "legal"]
        assert all(decision.requires_approval for decision in notices)
        assert len(notices) <= 1
        paid_on, share = payments.get(invoice_id, (NIGHTS, Decimal(0)))
        if share == 1:
            settled_on = FIRST_NIGHT + timedelta(days=paid_on)
            assert all(on < settled_on for _, on in dunned)
            thanks = [decision for decision, _ in steps[invoice_id] if decision.gate_id == "settled"]
            assert len(thanks) <= 1
        elif paid_on >= NIGHTS:
            assert [decision.sequence_id for decision, _ in tasks[invoice_id]] == ["handover"]
            assert len(notices) == 1
