"""What a credit manager reads after overruling a proposal, and what a replay makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from features.errors import InvalidInputError
from serving.dunning import (
    DEFAULT_POLICY_PATH,
    Case,
    DecisionRecord,
    PersonOverride,
    StepTaken,
    TaskOpened,
    decide_night,
    hold_faults,
    parse_policy,
    read_records,
    write_records,
)
from serving.dunning.deciding.steps.holdout import draw
from serving.dunning.replay import replay
from tests.dunning_samples import BAD_PAYER, POLICY, decide, scored
from tests.dunning_samples import account as an_account

ON = date(2025, 10, 20)  # a Monday
DUE_ON = ON - timedelta(days=21)
SCORE = scored(
    due_on=DUE_ON, issued_on=DUE_ON, grade="D", segment="deteriorating", p_late=0.6, curve=((0, 0.6),)
)
COURTESY = PersonOverride("override-1", "courtesy", "m.durand", date(2025, 10, 17))


def account(override=None, **facts):
    return an_account(override=override, **{**BAD_PAYER, **facts})


def told(decision, rule_id):
    return next((reason.fr, reason.en) for reason in decision.why if reason.rule_id == rule_id)


def test_the_reasons_name_who_decided_when_what_and_what_the_policy_proposes():
    assert decide(SCORE, account(), POLICY, ON).sequence_id == "reinforced"
    decision = decide(SCORE, account(COURTESY), POLICY, ON)
    assert decision.sequence_id == "courtesy"
    labels = [POLICY.spec.sequences[name].label for name in ("courtesy", "reinforced")]
    assert told(decision, "person_override") == (
        f"Décision de m.durand du 17/10/2025 : « {labels[0].fr} » ; la politique propose « {labels[1].fr} ».",
        f'Decision of m.durand on 2025-10-17: "{labels[0].en}"; the policy proposes "{labels[1].en}".',
    )
    assert [reason.rule_id for reason in decision.why] == ["person_override", "route.irregular_at_risk"]
    assert decision.gate_id is None, "the override is no gate"


def test_a_hold_postpones_the_step_to_its_first_contact_day():
    saturday = date(2025, 10, 25)
    decision = decide(SCORE, account(replace(COURTESY, hold_until=saturday)), POLICY, ON)
    assert decision.hold_until == saturday
    assert decision.next_step.on == date(2025, 10, 27), "the Monday after"
    assert told(decision, "person_override")[0].endswith(" ; aucune étape avant le 25/10/2025.")
    assert told(decision, "person_override")[1].endswith("; no step before 2025-10-25.")
    over = decide(SCORE, account(replace(COURTESY, hold_until=saturday)), POLICY, saturday)
    assert over.hold_until == over.next_step.on == date(2025, 10, 27), "now the weekend is in the way"
    assert over.gate_id == "quiet_day"
    assert "before" not in told(over, "person_override")[1]


def test_the_stage_goes_on_from_the_last_step_taken():
    taken = StepTaken("reinforced", "friendly", 1, date(2025, 10, 6))
    decision = decide(SCORE, account(COURTESY, last_step=taken), POLICY, ON)
    assert (decision.next_step.stage, decision.next_step.on) == (2, ON)
    assert decision.next_step.tone == "formal"


def test_an_override_to_a_removed_sequence_is_replaced_with_a_reason():
    gone = replace(COURTESY, sequence_id="velvet_glove", hold_until=date(2025, 10, 28))
    decision = decide(SCORE, account(gone), POLICY, ON)
    assert decision.sequence_id == "reinforced"
    french, english = told(decision, "person_override.unknown_sequence")
    assert "la politique n'a plus la séquence velvet_glove" in french
    assert "the policy no longer has the sequence velvet_glove" in english
    assert decision.next_step.on == decision.hold_until == date(2025, 10, 28), "the day still holds"


def test_a_dispute_goes_before_and_the_override_is_said_to_wait():
    decision = decide(SCORE, account(COURTESY, has_open_dispute=True), POLICY, ON)
    assert (decision.gate_id, decision.sequence_id) == ("open_dispute", "dispute")
    assert told(decision, "person_override.waits") == (
        "Décision de m.durand du 17/10/2025 (courtesy) : attend, la protection ci-dessus passe avant.",
        "Decision of m.durand on 2025-10-17 (courtesy): waits, the gate above comes first.",
    )


def test_to_hold_an_invoice_is_to_do_nothing_about_it():
    decision = decide(SCORE, account(replace(COURTESY, sequence_id="hold")), POLICY, ON)
    assert (decision.sequence_id, decision.next_step, decision.benefit) == ("hold", None, None)


def test_nobody_is_thanked_for_an_invoice_that_is_not_paid():
    decision = decide(SCORE, account(replace(COURTESY, sequence_id="thanks")), POLICY, ON)
    assert (decision.sequence_id, decision.next_step) == ("thanks", None)


def test_a_task_by_override_waits_for_its_day_and_opens_once():
    later = date(2025, 11, 3)
    asked = replace(COURTESY, sequence_id="dispute", hold_until=later)
    decision = decide(SCORE, account(asked), POLICY, ON)
    assert (decision.next_step.channel, decision.next_step.on) == ("task", later)
    opened = TaskOpened("dispute", decision.next_step.step_id, later)
    again = decide(SCORE, account(asked, tasks=(opened,)), POLICY, later)
    assert again.next_step is None
    assert "already_done" in [reason.rule_id for reason in again.why]


def test_the_overridden_invoice_holds_its_place_in_the_conversation_of_its_customer():
    other = replace(SCORE, invoice_id="F-2")
    held = account(replace(COURTESY, hold_until=ON + timedelta(days=7)))
    (both,) = decide_night([Case(SCORE, account()), Case(other, account())], POLICY, ON).accounts
    assert both.conversation.invoice_ids == ("F-1", "F-2")
    (one,) = decide_night([Case(SCORE, held), Case(other, account())], POLICY, ON).accounts
    assert one.conversation.invoice_ids == ("F-2",)


def test_what_a_person_has_decided_takes_no_part_in_a_comparison():
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    assert text.count("enabled: false") == 1
    running = parse_policy(text.replace("enabled: false", "enabled: true"))
    drawn = draw(running.spec.experiment, SCORE.customer_id)
    assert decide(SCORE, account(), running, ON).variant_id == drawn.id
    decision = decide(SCORE, account(COURTESY), running, ON)
    assert (decision.experiment_id, decision.variant_id, decision.assignment_probability) == (None,) * 3


@pytest.mark.parametrize("name", ["night.parquet", "night.jsonl"])
def test_an_override_is_kept_with_the_night_and_replayed(tmp_path, name):
    facts = account(replace(COURTESY, hold_until=ON + timedelta(days=7)))
    record = DecisionRecord(ON, SCORE, facts, decide(SCORE, facts, POLICY, ON))
    write_records([record], tmp_path / name)
    assert read_records(tmp_path / name) == (record,)
    report = replay(read_records(tmp_path / name), POLICY)
    assert report.differences == ()
    forgotten = replace(record, account=account())
    assert len(replay([forgotten], POLICY).differences) == 1, "without the override it would differ"


def test_records_kept_before_overrides_took_effect_are_still_read(tmp_path):
    record = DecisionRecord(ON, SCORE, account(), decide(SCORE, account(), POLICY, ON))
    path = tmp_path / "older.parquet"
    write_records([record], path)
    frame = pl.read_parquet(path)
    facts = json.loads(frame["account"][0])
    assert facts.pop("override") is None
    frame.with_columns(account=pl.lit(json.dumps(facts))).write_parquet(path)
    assert read_records(path) == (record,)


def test_an_override_on_an_impossible_day_is_refused():
    with pytest.raises(InvalidInputError, match="override: 9999-01-01 is outside the days known"):
        account(replace(COURTESY, hold_until=date(9999, 1, 1)))


def test_a_withdrawn_override_follows_the_policy_again_and_says_who_withdrew_it():
    withdrawn = replace(COURTESY, sequence_id=None, hold_until=date(2025, 10, 28))
    decision = decide(SCORE, account(withdrawn), POLICY, ON)
    assert decision.sequence_id == "reinforced"
    french, english = told(decision, "person_override.withdrawn")
    assert french.startswith(
        "Décision de m.durand du 17/10/2025 : suivre de nouveau la politique, « Renforcée »"
    )
    assert english.startswith('Decision of m.durand on 2025-10-17: follow the policy again, "Reinforced"')
    assert decision.next_step.on == date(2025, 10, 28), "the day still holds"
    at_once = decide(SCORE, account(replace(withdrawn, hold_until=None)), POLICY, ON)
    assert at_once.next_step == decide(SCORE, account(), POLICY, ON).next_step


@pytest.mark.parametrize(
    ("days", "what"),
    [
        (-1, "2025-10-19 has passed"),
        (93, "2026-01-21 is too far ahead"),
        (0, None),
        (92, None),
    ],
)
def test_a_hold_lasts_from_today_to_the_longest_of_the_policy(days, what):
    faults = hold_faults(ON + timedelta(days=days), ON, POLICY)
    assert [fault.what for fault in faults] == ([] if what is None else [what])
    assert all(fault.expected == "a day from 2025-10-20 to 2026-01-20" for fault in faults)
    assert hold_faults(None, ON, POLICY) == []
