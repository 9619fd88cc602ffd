"""Decisions answered before instalments, disputed parts and reconstructions are still read from the store."""

from __future__ import annotations

from datetime import date

from serving.dunning import Case
from serving.messages.decisions import DecisionAnswer
from serving.scoring.answering import decision_answer
from tests.dunning_samples import account, decided, scored

ADDED = {
    "asked_amount",
    "disputed_amount",
    "other_currency_amounts",
    "is_live",
    "instalment_number",
    "instalment_count",
    "side_task",
}


def test_an_answer_kept_before_the_newer_fields_is_still_read():
    decision = decided(Case(scored(), account()), date(2025, 10, 9))
    body = decision_answer(decision, "score-1").model_dump(mode="json")
    for name in ADDED:
        body.pop(name)
    for name in ("items", "lead_instalment_number"):
        body["conversation"].pop(name)
    read = DecisionAnswer.model_validate(body)
    assert (read.asked_amount, read.is_live, read.conversation.items) == (None, True, [])
    assert read.balance_amount == decision.balance_amount


def test_the_answer_names_each_invoice_of_the_conversation_with_its_amount():
    decision = decided(Case(scored(instalment_number=2, instalment_count=3), account()), date(2025, 10, 9))
    talk = decision_answer(decision, "score-1").conversation
    assert (talk.lead_invoice_id, talk.lead_instalment_number, talk.invoice_ids) == ("F-1", 2, ["F-1"])
    [item] = talk.items
    assert (item.instalment_numbers, str(item.amount)) == ([2], "5000.00")
