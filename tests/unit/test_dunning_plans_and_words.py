"""Payment plans within bounds, variants drawn for good, and texts with the right figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from serving.dunning import (
    DEFAULT_POLICY_PATH,
    Case,
    DebtorStatement,
    Instalment,
    PartPayment,
    StepTaken,
    check_plan,
    decide_customer,
    message_for,
    parse_policy,
    plan_bounds,
)
from serving.dunning.deciding.steps.claims import claim_of
from serving.dunning.deciding.steps.holdout import assignment, draw
from serving.dunning.decision import NO_CLAIM
from serving.dunning.policy.tables import TABLES, markdown, routes_table
from serving.dunning.writing import written_amount
from tests.dunning_samples import BAD_PAYER, POLICY, decide
from tests.dunning_samples import account as an_account
from tests.dunning_samples import scored as a_score

ON = date(2025, 10, 20)
PLAN = [Instalment(ON + timedelta(days=30 * n), Decimal("1000.00")) for n in range(4)]


def test_bounds_shrink_and_levels_rise_with_risk_and_amount():
    low, high = (plan_bounds(POLICY, grade, Decimal("4000.00")) for grade in ("A", "E"))
    assert (low.max_instalments, low.max_days, low.minimum_first_amount) == (6, 180, Decimal("400.00"))
    assert (high.max_instalments, high.max_days, high.minimum_first_amount) == (3, 90, Decimal("1600.00"))
    assert (low.approval_level, high.approval_level) == ("collector", "credit_manager")
    assert plan_bounds(POLICY, None, Decimal("20000.00")).approval_level == "finance_director"


def test_a_plan_within_bounds_goes_to_the_level_of_its_amount():
    verdict = check_plan(PLAN, POLICY, "A", Decimal("4000.00"), ON)
    assert (verdict.is_within_bounds, verdict.approval_level, verdict.why) == (True, "collector", ())


def test_a_plan_outside_bounds_goes_to_the_highest_level():
    plan = [*PLAN, Instalment(ON + timedelta(days=200), Decimal("6000.00"))]
    verdict = check_plan(plan, POLICY, "E", Decimal("10000.00"), ON)
    assert (verdict.is_within_bounds, verdict.approval_level) == (False, "finance_director")
    assert [reason.rule_id for reason in verdict.why] == [
        "plan.max_instalments",
        "plan.max_days",
        "plan.minimum_first_amount",
    ]
    assert verdict.why[1].en == "Last instalment in 200 days, at most 90."


def test_a_plan_that_is_inconsistent_cannot_be_granted():
    verdict = check_plan([PLAN[2], PLAN[1]], POLICY, "A", Decimal("4000.00"), ON)
    assert (verdict.is_within_bounds, verdict.approval_level) == (False, None)
    assert [reason.rule_id for reason in verdict.why] == ["plan.total", "plan.order"]
    empty = check_plan([], POLICY, "A", Decimal("4000.00"), ON)
    assert [reason.rule_id for reason in empty.why] == ["plan.total"]


def running(text_change=("enabled: false", "enabled: true")):
    return parse_policy(DEFAULT_POLICY_PATH.read_text("utf-8").replace(*text_change))


def scored(customer_id="C-1", segment="deteriorating", grade="A", due_on=ON - timedelta(days=7), **fields):
    return a_score(
        customer_id=customer_id, segment=segment, grade=grade, due_on=due_on, p_late=0.5, curve=(), **fields
    )


def account(**facts):
    return an_account(**{"language": None, **BAD_PAYER, **facts})


def text_of(score, facts, on=ON):
    case = Case(score, facts)
    decision = decide_customer([case], POLICY, on).decisions[0]
    return message_for(decision, case, POLICY)


def test_the_experiment_is_off_by_default():
    decision = decide(scored(), account(), POLICY, ON)
    assert (decision.experiment_id, decision.variant_id, decision.assignment_probability) == (
        None,
        None,
        None,
    )


def test_customers_are_drawn_for_good_close_to_the_stated_shares_and_logged():
    policy = running()
    variants = [draw(policy.spec.experiment, f"C-{n}").id for n in range(5000)]
    assert variants == [draw(policy.spec.experiment, f"C-{n}").id for n in range(5000)]
    assert abs(variants.count("without_pre_due") / 5000 - 0.2) < 0.03  # five standard errors
    customer = next(f"C-{n}" for n in range(5000) if variants[n] == "without_pre_due")
    decision = decide(scored(customer), account(), policy, ON)
    assert (decision.variant_id, decision.assignment_probability) == ("without_pre_due", 0.2)
    assert decision.sequence_id == "standard"
    assert "experiment" in [reason.rule_id for reason in decision.why]


def test_another_salt_draws_independently():
    policy = running()
    other = policy.spec.experiment.model_copy(update={"salt": "another"})
    both = [
        draw(policy.spec.experiment, f"C-{n}").id == draw(other, f"C-{n}").id == "without_pre_due"
        for n in range(5000)
    ]
    assert abs(sum(both) / 5000 - 0.04) < 0.015


@pytest.mark.parametrize("facts", [{"is_natural_person": True}, {"is_strategic": True}])
def test_flagged_customers_never_take_part(facts):
    drawn = assignment("C-1", account(**facts), running())
    assert (drawn.variant_id, drawn.probability, drawn.replaces) == (None, None, {})


def test_a_gate_keeps_an_account_out_of_the_experiment():
    decision = decide(scored(), account(has_open_dispute=True), running(), ON)
    assert decision.variant_id is None


def test_a_formal_notice_adds_interest_and_indemnity_up_in_french():
    score = scored(due_on=date(2025, 8, 31), grade="E")
    facts = account(language="fr", last_step=StepTaken("reinforced", "letter", 4, date(2025, 10, 6)))
    decision = decide(score, facts, POLICY, ON)
    message = message_for(decision, Case(score, facts), POLICY)
    # 5000 x 12.15 % x 50 / 365 = 83.22; + 40 + 5000
    assert decision.claim.interest_amount == Decimal("83.22")
    assert "Mise en demeure" in message.subject
    assert "la somme de 5\u202f123,22 EUR, dont 5\u202f000,00 EUR" in message.body
    assert "83,22 EUR de pénalités de retard, au taux annuel de 12,15 %" in message.body
    assert "40,00 EUR d'indemnité forfaitaire" in message.body
    assert "au titre de la facture F-1, du 01/08/2025, échue le 31/08/2025" in message.body


def test_interest_and_indemnity_are_owed_from_the_day_after_the_due_date():
    score = scored(due_on=ON)
    assert claim_of(Case(score, account()), POLICY, ON, ("interest", "indemnity")) == NO_CLAIM
    late = claim_of(Case(score, account()), POLICY, ON + timedelta(days=1), ("interest", "indemnity"))
    assert (late.interest_amount, late.indemnity_amount) == (
        Decimal("1.66"),
        Decimal("40.00"),
    )  # 5000 x 12.15 % / 365


def test_late_part_payments_add_their_own_interest():
    score = scored(due_on=date(2025, 8, 31), grade="E")
    taken = StepTaken("reinforced", "letter", 4, date(2025, 10, 6))
    paid = (PartPayment(date(2025, 9, 10), Decimal("1000.00")),)
    decision = decide(score, account(last_step=taken, late_part_payments=paid), POLICY, ON)
    # 83.22 as before on the rest, and 1000 x 12.15 % x 10 / 365 = 3.33
    assert decision.claim.interest_amount == Decimal("86.55")


def test_a_notice_whose_rate_is_unknown_reserves_the_interest_and_adds_nothing():
    on = date(2027, 10, 20)
    score = replace(scored(due_on=date(2027, 8, 31), grade="E"), as_of=on)
    facts = account(language="en", last_step=StepTaken("reinforced", "letter", 4, date(2027, 10, 6)))
    decision = decide(score, facts, POLICY, on)
    claim = decision.claim
    assert (claim.interest_amount, claim.is_interest_claimed, claim.is_interest_reserved) == (
        None,
        False,
        True,
    )
    assert "no sourced value for 2027-09-01" in claim.refusal.en
    message = message_for(decision, Case(score, facts), POLICY)
    assert "the sum of 5,040.00 EUR, of which 5,000.00 EUR" in message.body
    assert "you will be told the amount" in message.body


def test_a_call_is_prepared_with_all_the_customer_owes_and_its_limit():
    score = replace(scored(due_on=date(2025, 9, 30), grade="E", segment="erratic"), p_late=0.9)
    facts = account(
        language="en",
        last_step=StepTaken("reinforced", "formal_email", 2, date(2025, 10, 10)),
        overdue_amounts=(("EUR", Decimal("12000.00")), ("USD", Decimal("30.00"))),
        outstanding_amounts=(("EUR", Decimal("20000.00")),),
        credit_limit=Decimal("15000.00"),
    )
    decision = decide(score, facts, POLICY, ON)
    assert decision.next_step.channel == "call"
    body = message_for(decision, Case(score, facts), POLICY).body
    assert "Overdue of the customer in all: 12,000.00 EUR + 30.00 USD." in body
    note = decision.why[-1]
    assert note.rule_id == "note.over_credit_limit"
    assert "20\u202f000,00 EUR, au-delà de sa limite de 15\u202f000,00 EUR" in note.fr
    within = decide(score, replace(facts, outstanding_amounts=(("EUR", Decimal("15000.00")),)), POLICY, ON)
    assert replace(decision, why=decision.why[:-1]) == within


def test_a_friendly_text_claims_nothing():
    score = scored()
    facts = account(language="en")
    message = text_of(score, facts)
    assert "5,000.00 EUR" in message.body
    assert "interest" not in message.body


def test_amounts_are_written_as_the_reader_writes_them():
    assert written_amount(Decimal("1234567.5"), "fr") == "1\u202f234\u202f567,50"
    assert written_amount(Decimal("1234567.5"), "en") == "1,234,567.50"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("build", TABLES.values(), ids=TABLES)
def test_every_table_is_rectangular_in_both_languages(build, language):
    headings, rows = build(POLICY, language)
    assert rows
    assert {len(row) for row in rows} == {len(headings)}
    assert markdown((headings, rows)).count("\n") == len(rows) + 1


def test_the_routes_table_counts_every_case_once():
    _, rows = routes_table(POLICY)
    assert sum(int(row[-1]) for row in rows) == len(POLICY.table)


INSTALMENT = {"instalment_number": 2, "instalment_count": 3, "instalment_kind": "instalment"}


@pytest.mark.parametrize(
    ("fields", "language", "words"),
    [
        (INSTALMENT, "en", "instalment 2 of 3 of invoice F-1, due on 13 October 2025,"),
        (INSTALMENT, "fr", "l'échéance 2 sur 3 de la facture F-1, échue le 13/10/2025,"),
        ({**INSTALMENT, "instalment_number": 20}, "en", "instalment 20 of invoice F-1,"),
        ({**INSTALMENT, "instalment_kind": "retention"}, "en", "retention money of invoice F-1,"),
        ({**INSTALMENT, "instalment_kind": "retention"}, "fr", "la retenue de garantie de la facture F-1,"),
    ],
)
def test_a_text_about_an_instalment_names_it_and_its_own_due_date(fields, language, words):
    message = text_of(scored(**fields), account(language=language))
    assert words in message.body
    assert "5,000.00 EUR" in message.body or "5\u202f000,00 EUR" in message.body


def test_a_text_about_a_partly_disputed_invoice_asks_for_the_rest_only():
    facts = account(language="en", has_open_dispute=True, disputed_amount=Decimal("1800.00"))
    message = text_of(scored(), facts)
    assert "is still open for 3,200.00 EUR" in message.body
    assert (
        "The disputed part of 1,800.00 EUR is dealt with separately and is not asked for here."
        in message.body
    )
    assert "5,000.00" not in message.body


def test_a_formal_notice_claims_no_interest_on_the_disputed_part():
    score = scored(due_on=date(2025, 8, 31), grade="E")
    taken = StepTaken("reinforced", "letter", 4, date(2025, 10, 6))
    facts = account(last_step=taken, has_open_dispute=True, disputed_amount=Decimal("4000.00"))
    decision = decide(score, facts, POLICY, ON)
    # 1000 x 12.15 % x 50 / 365
    assert decision.claim.interest_amount == Decimal("16.64")
    assert "la somme de 1\u202f056,64 EUR" in message_for(decision, Case(score, facts), POLICY).body


def test_the_text_of_a_conversation_lists_every_invoice_once_and_the_total():
    parts = [
        Case(scored(**{**INSTALMENT, "instalment_number": number}), account(language="en"))
        for number in (1, 2)
    ]
    other = Case(replace(scored(), invoice_id="F-2"), account(language="en"))
    decided = decide_customer([*parts, other], POLICY, ON)
    texts = {
        item.receivable_id: message_for(item, case, POLICY).body
        for item, case in zip(decided.decisions, [*parts, other], strict=True)
    }
    items = "F-1 (instalments 1, 2), 10,000.00 EUR; F-2, 5,000.00 EUR"
    assert all(body.endswith(f"{items}. Total asked for: 15,000.00 EUR.") for body in texts.values())


@pytest.mark.parametrize(
    "facts",
    [
        {"insolvency_hint": DebtorStatement(ON, "Nous sommes en redressement judiciaire.")},
        {"unclear_promise": DebtorStatement(ON, "Nous sommes en redressement judiciaire.")},
    ],
)
def test_the_task_about_a_mail_quotes_it(facts):
    assert "Nous sommes en redressement judiciaire." in text_of(scored(), account(**facts)).body
    silent = {name: replace(statement, quote=None) for name, statement in facts.items()}
    assert "“?”" in text_of(scored(), account(language="en", **silent)).body
