"""The parts of the worth measurement that a hand count can check."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from benchmarks.email_warning import Warned, first_alarms, warning_gains
from benchmarks.email_worlds import (
    PERFECT,
    READ,
    WITHOUT,
    agreement,
    drawn_again,
    told_truly,
    unread,
)
from features.email import signals_schema
from features.groups.communication import COLUMNS
from features.signal_labels import LABELS

DAY = dt.date(2026, 3, 10)


def _read(**labels: list[bool]) -> pl.DataFrame:
    height = 3
    schema = signals_schema(quoting=False)
    values = {name: [None] * height for name in schema}
    values |= {label: [False] * height for label in LABELS} | labels
    values |= {"email_id": ["e1", "e2", "e3"], "auto_reply": [False] * height, "tone": [0.1] * height}
    return pl.DataFrame(values, schema=schema)


TRUTH = pl.DataFrame(
    {
        "email_id": ["e3", "e1", "e2"],
        "labels": [[], ["dispute"], ["promise_to_pay"]],
        "promise_on": [None, None, DAY],
        "auto_reply": [True, False, False],
    }
)


def test_a_reader_without_fault_says_what_the_mails_truly_say() -> None:
    true = told_truly(_read(insolvency=[True, False, False]), TRUTH)
    assert true["email_id"].to_list() == ["e1", "e2", "e3"]
    assert true["dispute"].to_list() == [True, False, False]
    assert true["insolvency"].to_list() == [False, False, False]
    assert true["promise_date"].to_list() == [None, DAY, None]
    assert true["auto_reply"].to_list() == [False, False, True]
    assert true["tone"].to_list() == [0.1] * 3


def test_agreement_is_the_micro_f1_of_the_labels() -> None:
    assert agreement(_read(dispute=[True, False, False], insolvency=[True, False, False]), TRUTH) == 0.5


def test_unread_mails_leave_every_communication_column_unknown() -> None:
    features = pl.DataFrame({"amount": [1.0], **{column.name: [2.0] for column in COLUMNS}})
    assert unread(features)["amount"].to_list() == [1.0]
    assert all(unread(features)[column.name].null_count() == 1 for column in COLUMNS)


def test_the_first_alarm_is_the_earliest_day_at_or_above_the_level() -> None:
    chosen = pl.DataFrame({"invoice_id": ["a", "b"], "due_on": [DAY, DAY], "as_of": [DAY, DAY]})
    grid = pl.DataFrame(
        {"invoice_id": ["a", "a", "b"], "as_of": [DAY - dt.timedelta(days=d) for d in (8, 4, 4)]}
    )
    assert first_alarms(grid, chosen, np.array([True, True, False])).tolist() == [8.0, 0.0]


def test_customers_are_drawn_whole() -> None:
    customer = np.array([0, 0, 0, 1, 2, 2])
    for seed in range(20):
        rows = drawn_again(customer, np.random.default_rng(seed))
        times = [int((rows == row).sum()) for row in range(6)]
        assert times[0] == times[1] == times[2]
        assert times[4] == times[5]
        assert times[0] + times[3] + times[4] == 3


def test_days_gained_are_the_paired_difference_of_the_means() -> None:
    days = {WITHOUT: np.array([0.0, 4.0]), READ: np.array([6.0, 4.0]), PERFECT: np.array([6.0, 8.0])}
    part = Warned(
        np.array([0, 1]),
        np.array([True, False]),
        {"rule": days},
        {"rule": {WITHOUT: 0.1, READ: 0.1, PERFECT: 0.1}},
    )
    every = warning_gains([part], "rule", 50, only_mailed=False)
    assert every[READ]["days_gained"] == 3.0
    assert every[PERFECT]["days_gained"] == 5.0
    assert every[WITHOUT] == {"mean_days": 2.0, "warned_share": 0.5, "false_alarm_share": 0.1}
    low, high = every[READ]["days_gained_interval_90"]
    assert 0.0 <= low <= 3.0 <= high <= 6.0
    mailed = warning_gains([part], "rule", 50, only_mailed=True)
    assert mailed["invoices"] == 1
    assert mailed[READ]["days_gained"] == pytest.approx(6.0)
