"""The comparison of rankings by hand: equal calls, nobody twice in a fortnight, gains from what truly happened."""

from __future__ import annotations

from decimal import Decimal

import pytest

from benchmarks.capacity import BENEFIT, ORACLE, RANDOM, RANKINGS, Candidate, _called, _figures, measure
from serving.dunning import load_policy

POLICY = load_policy()


def one(customer_id: str, balance: int, expected: int, brought: int, days: int = 10) -> Candidate:
    stays = brought > 0
    return Candidate(
        customer_id,
        Decimal(balance),
        Decimal(expected),
        0.9 if stays else 0.1,
        0.5,
        days,
        Decimal(brought),
        stays,
        Decimal(balance * 5 if stays else 0),
    )


# The largest debtor pays by itself; the model sees that.
NIGHT = [one("C-1", 9000, 5, -15), one("C-2", 4000, 40, 60), one("C-3", 500, 1, 2, days=90)]


def test_each_ranking_calls_its_choice_and_gains_what_happened():
    chosen = {name: [item.customer_id for item in _called([NIGHT], name, 1)[0]] for name in RANKINGS}
    assert chosen[BENEFIT] == ["C-2"]
    assert chosen["amount"] == ["C-1"]
    assert chosen["oldest first"] == ["C-3"]
    assert chosen[ORACLE] == ["C-2"]
    assert _figures([[NIGHT[1]], [NIGHT[0]]]).tolist() == [[1, 60.0, 0, 20_000.0], [1, -15.0, 1, 0.0]]


def test_a_customer_is_not_called_again_within_a_fortnight():
    nights = _called([NIGHT, NIGHT, NIGHT], "amount", 1)
    assert [[item.customer_id for item in night] for night in nights] == [["C-1"], ["C-2"], ["C-1"]]


def test_the_order_of_the_candidates_does_not_matter():
    for name in RANKINGS:
        assert _called([NIGHT[::-1]], name, 2) == _called([NIGHT], name, 2)


def test_the_answer_compares_every_ranking_with_net_benefit():
    found = measure([[NIGHT, NIGHT], [NIGHT]], [1], POLICY)["1 calls a night"]
    assert set(found) == {*RANKINGS, RANDOM}
    assert found["amount"]["by_world"] == [0.0, 75.0], "two nights call both in turn; one night does not"
    assert found[ORACLE]["less_than_net_benefit_by"] <= 0
    assert found["amount"]["useless_calls_share"] == pytest.approx(2 / 3, abs=0.001)
