"""Promises in plain and tricky sentences: the day meant, how far it can be relied on, and the sum.

Source: the YAML files in `promise_sentences/`, written from the labelling rules and worked out by hand.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from features.email import Mail
from features.email.promises import Promise, promised_payment
from features.email.reading import read_mails

FOLDER = Path(__file__).parent / "promise_sentences"
SENT = dt.date(2026, 6, 3)


def _cases(name: str) -> list[dict[str, object]]:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _read(case) -> Promise:
    mail = Mail("m", case.get("sent", SENT), "", case["mail"], case.get("country"))
    (read,) = read_mails([mail])
    return promised_payment(read.reading)


def _expected(case) -> dict[str, object]:
    on = case.get("day")
    return {
        "status": case.get("status", "dated"),
        "doubt": case.get("doubt"),
        "said_on": case.get("said", on),
        "on": on,
        "payable_on": case.get("payable", on),
        "amount": case.get("amount"),
    }


def _found(promise: Promise) -> dict[str, object]:
    return {name: getattr(promise, name) for name in _expected({})}


@pytest.mark.parametrize("case", _cases("french"), ids=lambda case: case["mail"])
def test_a_french_promise_means_the_day_worked_out_by_hand(case):
    assert _found(_read(case)) == _expected(case)


@pytest.mark.parametrize("case", _cases("english"), ids=lambda case: case["mail"])
def test_an_english_promise_means_the_day_worked_out_by_hand(case):
    assert _found(_read(case)) == _expected(case)


def test_the_table_is_large_and_covers_both_languages_and_every_status():
    french, english = _cases("french"), _cases("english")
    assert len(french) >= 100
    assert len(english) >= 100
    for cases in (french, english):
        assert {case.get("status", "dated") for case in cases} == {"dated", "undated", "implausible"}
        assert {case["doubt"] for case in cases if "doubt" in case} == {
            "gone_by", "beyond_horizon", "weekday_differs", "no_such_day"
        }  # fmt: skip
