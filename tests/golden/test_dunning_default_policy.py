"""Every row and every step of the default policy against cases worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from serving.dunning import Promise, StepTaken, TaskOpened
from tests.dunning_samples import BAD_PAYER, POLICY, account, decide
from tests.dunning_samples import scored as a_score

FOLDER = Path(__file__).parent / "dunning"
ROUTES = yaml.safe_load((FOLDER / "routes.yaml").read_text("utf-8"))
SEQUENCES = yaml.safe_load((FOLDER / "steps.yaml").read_text("utf-8"))
STEPS = [
    (name, index, sequence["facts"], sequence["steps"])
    for name, sequence in SEQUENCES.items()
    for index in range(len(sequence["steps"]))
]
DUE = date(2025, 10, 2)


def scored(segment, grade, balance):
    return a_score(
        due_on=DUE,
        issued_on=date(2025, 9, 1),
        amount=balance,
        segment=segment,
        grade=grade,
        p_late=0.5,
        curve=((0, 0.5), (30, 0.3)),
    )


@pytest.mark.parametrize("case", ROUTES, ids=lambda case: case["route"])
def test_the_row_takes_its_case_and_plans_the_step(case):
    score = scored(case["segment"], case["grade"], case["balance"])
    promise = None if "promised" not in case else Promise(DUE, case["promised"])
    facts = account(case["balance"], promise=promise, **BAD_PAYER)
    decision = decide(score, facts, POLICY, DUE + timedelta(days=case["late"]))
    assert decision.sequence_id == case["sequence"]
    assert f"route.{case['route']}" in [reason.rule_id for reason in decision.why]
    assert (decision.next_step.step_id, decision.next_step.on) == (case["step"], case["day"])


def test_every_row_of_the_default_table_has_a_case():
    assert sorted(case["route"] for case in ROUTES) == sorted(route.id for route in POLICY.spec.routes)


@pytest.mark.parametrize(("name", "index", "facts", "steps"), STEPS, ids=lambda value: str(value)[:20])
def test_each_step_follows_the_one_before_it_on_its_day(name, index, facts, steps):
    balance = Decimal(facts.get("balance", "9000"))
    before = [step.day < 0 for step in POLICY.spec.sequences[name].steps].count(True)
    taken = None
    if index:
        earlier = steps[index - 1]
        taken = StepTaken(name, earlier["step"], index - before, earlier["day"])
    on = steps[index - 1]["day"] if index else date(2025, 9, 1)
    score = scored(facts["segment"], facts["grade"], balance)
    known = account(balance, last_step=taken, **BAD_PAYER)
    decision = decide(score, known, POLICY, on)
    of_long_standing = decide(score, replace(known, customer_since_on=date(2010, 1, 1)), POLICY, on)
    assert of_long_standing.next_step.tone == steps[index].get("softer", steps[index]["tone"])
    expected, step = steps[index], decision.next_step
    assert decision.sequence_id == name
    assert (step.step_id, step.on, step.channel, step.tone) == (
        expected["step"],
        expected["day"],
        expected["channel"],
        expected["tone"],
    )
    assert step.stage == index + 1 - before
    assert decision.approval_level == (expected["approval"] or facts.get("approval"))
    assert decision.claim.is_interest_claimed == ("interest" in expected["claims"])
    assert decision.claim.is_indemnity_claimed == ("indemnity" in expected["claims"])


def test_every_step_of_every_dunning_sequence_has_a_case():
    written = {
        name: [step.id for step in sequence.steps]
        for name, sequence in POLICY.spec.sequences.items()
        if sequence.kind == "dunning"
    }
    assert {name: [step["step"] for step in item["steps"]] for name, item in SEQUENCES.items()} == written


@pytest.mark.parametrize("name", sorted(SEQUENCES))
def test_after_the_last_step_a_person_takes_over_once(name):
    facts, last = SEQUENCES[name]["facts"], SEQUENCES[name]["steps"][-1]
    balance = Decimal(facts.get("balance", "9000"))
    taken = StepTaken(name, last["step"], 5, last["day"])
    known = account(balance, last_step=taken, **BAD_PAYER)
    score = scored(facts["segment"], facts["grade"], balance)
    first = decide(score, known, POLICY, date(2026, 1, 15))
    assert (first.sequence_id, first.next_step.channel, first.approval_level) == (
        "handover",
        "task",
        "credit_manager",
    )
    done = replace(known, tasks=(TaskOpened("handover", "decide_next", date(2026, 1, 15)),))
    again = decide(score, done, POLICY, date(2026, 1, 16))
    assert (again.sequence_id, again.next_step) == ("handover", None)
