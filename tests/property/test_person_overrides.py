"""What holds for every override a person may post, on every account and every day, under the default policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from serving.dunning import AccountFacts, PersonOverride
from serving.dunning.deciding.facts.validation import FIRST_DAY, LAST_DAY
from serving.dunning.deciding.steps.overrides import OVERRIDE_UNKNOWN, OVERRIDE_WAITS, PERSON_OVERRIDE
from serving.dunning.records import account_to_json
from tests.dunning_samples import POLICY, decide

from .dunning_cases import accounts, days, open_accounts, scores
from .test_dunning_decisions import holding

DUNNING = sorted(key for key, sequence in POLICY.spec.sequences.items() if sequence.kind == "dunning")
INSIDE = sorted(key for key, sequence in POLICY.spec.sequences.items() if sequence.kind == "gate")
GONE = "a_sequence_of_an_older_policy"
edges = st.sampled_from([FIRST_DAY, LAST_DAY])


def overrides(*sequence_ids):
    names = st.sampled_from(sequence_ids or [*DUNNING, *INSIDE, GONE])
    return st.builds(
        PersonOverride, st.just("override-1"), names, st.just("m.durand"), days, st.none() | days
    )


def rules(decision):
    return [reason.rule_id for reason in decision.why]


@given(scores(), accounts, overrides(), days)
@settings(max_examples=150, deadline=None)
def test_a_gate_wins_over_an_override(score, account, override, on):
    assume(holding(score, account, on))
    without = decide(score, account, POLICY, on)
    with_it = decide(score, replace(account, override=override), POLICY, on)
    told = tuple(reason for reason in with_it.why if reason.rule_id != OVERRIDE_WAITS)
    assert replace(with_it, why=told) == without, "nothing but what is told changes"
    is_settled = account.closed_by is not None or account.net_balance_amount <= 0
    assert (OVERRIDE_WAITS in rules(with_it)) == (not is_settled)


@given(scores(), open_accounts, overrides(), days)
@settings(max_examples=150, deadline=None)
def test_every_override_is_followed_and_told_and_decided_twice_the_same(score, account, override, on):
    account = replace(account, override=override)
    decision = decide(score, account, POLICY, on)
    assert decision == decide(score, account, POLICY, on)
    routed = decide(score, replace(account, override=None), POLICY, on)
    if override.sequence_id == GONE:
        assert OVERRIDE_UNKNOWN in rules(decision)
        assert decision.sequence_id == routed.sequence_id
    else:
        assert PERSON_OVERRIDE in rules(decision)
        exhausted = POLICY.spec.exhausted.sequence if "exhausted" in rules(decision) else None
        assert decision.sequence_id == (exhausted or override.sequence_id)
    told = next(reason for reason in decision.why if reason.rule_id.startswith(PERSON_OVERRIDE))
    assert "m.durand" in told.fr
    assert "m.durand" in told.en
    assert override.decided_on.isoformat() in told.en
    assert f"{override.decided_on:%d/%m/%Y}" in told.fr


@given(scores(), open_accounts, overrides(), days, st.integers(-30, 400))
@settings(max_examples=150, deadline=None)
def test_there_is_no_step_before_the_day_a_person_set(score, account, override, on, ahead):
    hold_until = on + timedelta(days=ahead)
    account = replace(account, override=replace(override, hold_until=hold_until))
    decision = decide(score, account, POLICY, on)
    if decision.next_step is not None:
        assert decision.next_step.on >= max(hold_until, on)
    if hold_until > on:
        assert decision.hold_until == hold_until
        assert not decision.is_contact_today
        assert hold_until.isoformat() in " ".join(reason.en for reason in decision.why)


@given(scores(), open_accounts, overrides(*INSIDE), days)
@settings(max_examples=100, deadline=None)
def test_a_sequence_without_dunning_reaches_no_customer(score, account, override, on):
    step = decide(score, replace(account, override=override), POLICY, on).next_step
    assert step is None or step.channel == "task"


@given(scores(), open_accounts, overrides(*DUNNING), days)
@settings(max_examples=100, deadline=None)
def test_an_override_takes_no_approval_away(score, account, override, on):
    levels = [level.id for level in POLICY.spec.approval_levels]
    for flagged in (replace(account, is_natural_person=True), replace(account, is_strategic=True)):
        decision = decide(score, replace(flagged, override=override), POLICY, on)
        assert decision.gate_id in ("natural_person", "strategic_account", "large_amount")
        assert decision.person_decides is not None
        assert not decision.is_automatic_today
        assert decision.next_step is None or not decision.next_step.is_automatic
        assert levels.index(decision.approval_level) >= levels.index(decision.person_decides.level)
    decision = decide(score, replace(account, override=override), POLICY, on)
    step = decision.next_step
    if step is not None and step.tone == "legal":
        assert decision.requires_approval, "a formal notice is approved whoever chose the sequence"


@given(scores(), open_accounts, days, days)
@settings(max_examples=100, deadline=None)
def test_choosing_the_routed_sequence_changes_nothing_but_what_is_told(score, account, on, decided_on):
    routed = decide(score, account, POLICY, on)
    assume(not {"part_payment", "exhausted", "evidence.reinforced"} & set(rules(routed)))
    override = PersonOverride("override-1", routed.sequence_id, "m.durand", decided_on)
    followed = decide(score, replace(account, override=override), POLICY, on)
    assert replace(followed, why=()) == replace(routed, why=())
    assert [rule for rule in rules(followed) if rule != PERSON_OVERRIDE] == rules(routed)


@given(accounts, overrides())
@settings(max_examples=60, deadline=None)
def test_facts_with_an_override_read_back_equal(account, override):
    account = replace(account, override=override)
    assert TypeAdapter(AccountFacts).validate_json(account_to_json(account)) == account


@given(scores(), open_accounts, overrides(), edges, edges)
@settings(max_examples=40, deadline=None)
def test_the_first_and_last_days_known_can_be_held_until(score, account, override, held, on):
    account = replace(account, override=replace(override, hold_until=held, decided_on=held))
    assert decide(score, account, POLICY, on).why
