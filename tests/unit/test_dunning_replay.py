"""Stored decisions read back equal, and a replay says what another policy would have done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from features.errors import InvalidInputError
from serving.dunning import (
    DEFAULT_POLICY_PATH,
    DecisionRecord,
    StepTaken,
    decide_night,
    decision_from_json,
    parse_policy,
    read_records,
    write_records,
)
from serving.dunning.records import RECORD_SCHEMA, write_differences
from serving.dunning.replay import changed_parts, replay
from tests.dunning_samples import BAD_PAYER, POLICY, account, decide, scored

ON = date(2025, 10, 20)


def record(invoice_id, days_late=7, segment="prompt", grade="A", customer_id="C-1", on=ON, **facts):
    due_on = on - timedelta(days=days_late)
    score = scored(
        invoice_id, due_on=due_on, as_of=on, issued_on=due_on, customer_id=customer_id, grade=grade,
        segment=segment, p_late=0.25, curve=((0, 0.25),), amount="4000.00",
    )  # fmt: skip
    known = account("4000.00", **{**BAD_PAYER, **facts})
    return DecisionRecord(on, score, known, decide(score, known, POLICY, on))


RECORDS = (
    record("F-1"),
    record("F-2"),
    record("F-3", segment="erratic", grade="E", customer_id="C-2"),
    record("F-4", segment=None, grade=None, customer_id="C-3", has_open_dispute=True),
    record("F-5", customer_id="C-4", on=ON + timedelta(days=1)),
)


@pytest.mark.parametrize("name", ["stored.parquet", "stored.jsonl"])
def test_records_read_back_equal_in_order_of_day_and_invoice(tmp_path, name):
    path = tmp_path / "deep" / name
    undecided = replace(RECORDS[0], score=replace(RECORDS[0].score, invoice_id="F-0"), decision=None)
    assert write_records(reversed([undecided, *RECORDS]), path) == 6
    assert read_records(path) == (undecided, *RECORDS)
    assert read_records(path, ON + timedelta(days=1), ON + timedelta(days=1)) == RECORDS[4:]
    assert read_records(path, None, ON - timedelta(days=1)) == ()
    assert [item.name for item in path.parent.iterdir()] == [name]


def test_a_folder_of_nights_is_read_by_its_days(tmp_path):
    folder = tmp_path / "decisions"
    write_records(RECORDS[:4], folder / f"{ON}.parquet")
    write_records(RECORDS[4:], folder / f"{ON + timedelta(days=1)}.jsonl")
    (folder / "notes.parquet").write_text("not ours")
    assert read_records(folder) == RECORDS
    (folder / f"{ON + timedelta(days=1)}.jsonl").write_text("{broken")
    assert read_records(folder, ON, ON) == RECORDS[:4], "files of other nights are not opened"
    with pytest.raises(InvalidInputError, match=r"2025-10-21\.jsonl, line 1"):
        read_records(folder)
    assert read_records(folder, None, ON - timedelta(days=1)) == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no such file"):
        read_records(tmp_path / "empty")


def test_the_parquet_columns_answer_queries_without_reading_json(tmp_path):
    write_records(RECORDS, tmp_path / "stored.parquet")
    frame = pl.read_parquet(tmp_path / "stored.parquet")
    assert frame.schema == pl.Schema(RECORD_SCHEMA)
    assert frame.filter(pl.col("gate_id") == "open_dispute")["invoice_id"].to_list() == ["F-4"]
    assert frame["balance_amount"].sum() == Decimal("20000.00")


def test_rows_that_are_no_records_are_named(tmp_path):
    path = tmp_path / "stored.jsonl"
    write_records(RECORDS, path)
    lines = path.read_text("utf-8").splitlines()
    lines[1] = lines[1].replace('"p_late":0.25', '"p_late":2.5')
    lines[3] = "not json"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_records(path)
    message = str(refused.value)
    assert "stored.jsonl: 2 rows are not decision records" in message
    assert "stored.jsonl, line 2" in message
    assert "2.5 is not a probability" in message
    assert "stored.jsonl, line 4" in message


def test_a_file_that_is_no_record_file_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="no such file"):
        read_records(tmp_path / "absent.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"not parquet")
    with pytest.raises(InvalidInputError, match="records cannot be read"):
        read_records(tmp_path / "broken.parquet")
    pl.DataFrame({"decided_on": [ON]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(InvalidInputError, match="column score, account, decision is missing"):
        read_records(tmp_path / "other.parquet")


def test_the_same_policy_changes_nothing():
    report = replay(RECORDS, POLICY)
    assert report.differences == ()
    assert report.total.decisions == 5
    assert report.total.before == report.total.after


def test_a_stored_night_with_joined_moved_and_waiting_steps_replays_to_itself():
    capacity = POLICY.spec.capacity.model_copy(update={"calls": 1})
    policy = replace(POLICY, spec=POLICY.spec.model_copy(update={"capacity": capacity}))
    reminded = {stage: StepTaken("reinforced", "step", stage, ON - timedelta(days=9)) for stage in (2, 4)}
    cases = [
        record("F-1", days_late=70, last_step=reminded[4]),  # a formal notice ...
        record("F-2", days_late=40),  # ... moves this reminder of the same customer
        record("F-3", days_late=40, segment="erratic", grade="E", customer_id="C-2", last_step=reminded[2]),
        record("F-4", days_late=40, segment="erratic", grade="E", customer_id="C-3", last_step=reminded[2]),
    ]
    cases = [replace(item, score=replace(item.score, unpaid_probability=((0, 0.9),))) for item in cases]
    night = decide_night([item.case for item in cases], policy, ON)
    decided = {decision.invoice_id: decision for account in night.accounts for decision in account.decisions}
    stored = [replace(item, decision=decided[item.score.invoice_id]) for item in cases]
    assert decided["F-2"].next_step.on > ON
    assert {decided["F-3"].next_step.on > ON, decided["F-4"].next_step.on > ON} == {True, False}
    report = replay(stored, policy)
    assert report.differences == ()
    assert (report.total.after.contacts, report.total.after.calls, report.total.after.letters) == (2, 1, 1)


def test_an_invoice_twice_on_one_day_is_refused():
    with pytest.raises(InvalidInputError, match="invoices given twice, for example F-1"):
        replay([RECORDS[0], RECORDS[0]], POLICY)


def other_policy():
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    old = "{id: friendly_email, day: 7, channel: email, tone: friendly, template: friendly_reminder, label"
    assert old in text
    return parse_policy(text.replace(old, old.replace("day: 7", "day: 12"), 1))  # the courtesy sequence


def test_a_later_first_step_shows_as_fewer_contacts_in_its_segment_only():
    report = replay(RECORDS, other_policy())
    lines = {line.segment: line for line in report.segments}
    assert list(lines) == ["erratic", "prompt", "unknown", "all"]
    assert (lines["prompt"].decisions, lines["prompt"].changed) == (3, 3)
    assert (lines["erratic"].changed, lines["unknown"].changed) == (0, 0)
    # F-1 and F-2 are one contact of one customer, F-5 another.
    assert (lines["prompt"].before.contacts, lines["prompt"].after.contacts) == (2, 0)
    assert lines["prompt"].before.asked_amounts == (("EUR", Decimal("12000.00")),)
    assert lines["prompt"].before.cost_amount == Decimal("1.00")
    assert (lines["all"].before.contacts, lines["all"].after.contacts) == (3, 1)
    assert lines["all"].before.held == lines["all"].after.held == 1
    assert [item.after.invoice_id for item in report.differences] == ["F-1", "F-2", "F-5"]
    assert {item.changed for item in report.differences} == {("day",)}


def test_a_replay_does_not_depend_on_the_order_of_records():
    assert replay(reversed(RECORDS), other_policy()) == replay(RECORDS, other_policy())


def test_tonight_can_be_simulated_against_a_live_policy_on_another_day():
    open_cases = [replace(item, decision=None) for item in RECORDS]
    assert replay(open_cases, POLICY).undecided == 5
    report = replay(open_cases, other_policy(), against=POLICY, on=ON)
    assert (report.undecided, report.total.changed) == (0, 3)
    assert {item.decided_on for item in report.differences} == {ON}


def test_what_changed_is_named_part_by_part():
    before = RECORDS[0].decision
    after = decide(RECORDS[0].score, replace(RECORDS[0].account, is_strategic=True), POLICY, ON)
    assert changed_parts(before, after) == ("gate", "approval")
    held = decide(RECORDS[0].score, replace(RECORDS[0].account, has_open_dispute=True), POLICY, ON)
    assert changed_parts(before, held) == ("sequence", "gate", "step", "channel", "tone")


@pytest.mark.parametrize("name", ["differences.parquet", "differences.jsonl"])
def test_differences_are_written_with_both_decisions(tmp_path, name):
    report = replay(RECORDS, other_policy())
    write_differences(report.differences, tmp_path / name)
    read = pl.read_parquet if name.endswith("parquet") else pl.read_ndjson
    frame = read(tmp_path / name)
    assert frame["invoice_id"].to_list() == ["F-1", "F-2", "F-5"]
    assert decision_from_json(frame["before"][0]) == RECORDS[0].decision
