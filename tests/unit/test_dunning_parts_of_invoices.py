"""Instalments and disputed parts: one conversation, each invoice once, only what may be asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from serving.dunning import TaskOpened, decide_customer
from serving.dunning.deciding.decide import decide_case
from tests.dunning_samples import MONDAY, POLICY, overdue_case


def decide(case):
    return decide_case(case, POLICY, MONDAY)


def instalment(number, *, invoice_id="F-1", count=3, **changes):
    fields = {"instalment_number": number, "instalment_count": count, "instalment_kind": "instalment"}
    return overdue_case(invoice_id, fields=fields, **changes)


def test_an_invoice_is_listed_once_in_the_conversation_with_its_due_instalments():
    items = [instalment(2), instalment(1, days_late=50), overdue_case("F-2"), instalment(3, days_late=-30)]
    decided = decide_customer(items, POLICY, MONDAY)
    talk = decided.conversation
    assert [(item.invoice_id, item.instalment_numbers) for item in talk.items] == [
        ("F-1", (1, 2)),
        ("F-2", ()),
    ]
    assert [item.amount for item in talk.items] == [Decimal("10000.00"), Decimal("5000.00")]
    assert talk.receivable_ids == ("F-1#1", "F-1#2", "F-2")
    assert [decision.receivable_id for decision in decided.decisions] == ["F-1#1", "F-1#2", "F-1#3", "F-2"]
    assert {decision.invoice_id for decision in decided.decisions} == {"F-1", "F-2"}
    assert decided.decisions[2].conversation is None, "the third is not due"


def test_the_recovery_indemnity_is_claimed_once_for_each_invoice():
    items = [instalment(number, days_late=60, stage=4) for number in (2, 1)] + [
        overdue_case("F-2", days_late=60, stage=4)
    ]
    decided = decide_customer(items, POLICY, MONDAY)
    claimed = {item.receivable_id: item.claim.is_indemnity_claimed for item in decided.decisions}
    assert claimed == {"F-1#1": True, "F-1#2": False, "F-2": True}
    asked = sum(item.asked_amount + item.claim.claimed_amount for item in decided.decisions)
    assert decided.conversation.totals == (("EUR", asked),)


def test_the_undisputed_rest_of_an_invoice_goes_on_being_asked_for():
    decision = decide(overdue_case("F-1", has_open_dispute=True, disputed_amount=Decimal("1800.00")))
    assert (decision.gate_id, decision.next_step.channel) == (None, "email")
    assert (decision.balance_amount, decision.disputed_amount, decision.asked_amount) == (
        Decimal("5000.00"),
        Decimal("1800.00"),
        Decimal("3200.00"),
    )
    assert (decision.side_task.step_id, decision.side_task.channel) == ("resolve_dispute", "task")
    assert "1,800.00 EUR" in decision.why[-1].en
    talk = decide_customer(
        [overdue_case("F-1", has_open_dispute=True, disputed_amount=Decimal("1800.00"))], POLICY, MONDAY
    )
    assert talk.conversation.totals == (("EUR", Decimal("3200.00")),)


@pytest.mark.parametrize("disputed", [None, "5000.00", "4985.01"])
def test_a_dispute_about_all_or_nearly_all_of_it_stops_dunning(disputed):
    amount = None if disputed is None else Decimal(disputed)
    decision = decide(overdue_case("F-1", has_open_dispute=True, disputed_amount=amount))
    assert (decision.gate_id, decision.next_step.channel, decision.side_task) == (
        "open_dispute",
        "task",
        None,
    )
    assert decision.asked_amount == 0


def test_the_task_of_a_disputed_part_is_opened_once():
    opened = TaskOpened("dispute", "resolve_dispute", MONDAY)
    part = {"has_open_dispute": True, "disputed_amount": Decimal("1800.00"), "dispute_opened_on": MONDAY}
    assert decide(overdue_case("F-1", **part)).side_task is not None
    assert decide(overdue_case("F-1", tasks=(opened,), **part)).side_task is None
