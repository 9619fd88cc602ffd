"""What a change or a statement makes of the history of a customer's attributes."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.store.ingest.attribute_history import (
    NOTED,
    NOTHING_KNOWN,
    Described,
    HistoryRow,
    in_force,
    present_of,
    with_change,
    with_statement,
)
from tests.ledger_samples import day

SINCE = day(0)


def known(sector: str | None = None, **values: Any) -> dict[str, Any]:
    """Attributes of a customer of which little is known."""
    return {**NOTHING_KNOWN, "sector": sector, **values}


def described(sector: str | None = None, since: dt.date = SINCE, **values: Any) -> Described:
    return Described(known(sector, **values), since)


def sectors(history: dict[dt.date, HistoryRow]) -> dict[dt.date, str | None]:
    return {when: row.attributes["sector"] for when, row in sorted(history.items())}


changes = st.lists(st.tuples(st.integers(0, 6), st.sampled_from((None, "46", "47"))), max_size=8)


@given(told=changes.map(lambda pairs: sorted(pairs, key=lambda pair: pair[0])))
def test_every_day_keeps_the_last_word_of_its_day(told: list[tuple[int, str | None]]) -> None:
    history: dict[dt.date, HistoryRow] = {}
    now, last = described("45"), {}
    for offset, sector in told:
        history = with_change(history, now, known(sector), day(offset + 1))
        now = Described(known(sector), SINCE)
        last[offset + 1] = sector
    for offset in range(9):
        words = [last[each] for each in sorted(last) if each <= offset]
        expected = words[-1] if words else "45"
        assert in_force(history, now.attributes, day(offset))["sector"] == expected
    rows = [row.attributes for _, row in sorted(history.items())]
    assert all(one != other for one, other in pairwise(rows)), "no change, no row"
    assert len(rows) != 1, "one row alone says nothing that the customer's own row does not say"


def test_a_customer_first_described_today_has_no_history() -> None:
    assert with_change({}, None, known("46"), day(5)) == {}
    assert with_change({}, described("46", since=day(5)), known("47"), day(5)) == {}


def test_a_change_keeps_the_value_before_it() -> None:
    history = with_change({}, described("46"), known("47"), day(5))
    assert sectors(history) == {SINCE: "46", day(5): "47"}
    assert {row.origin for row in history.values()} == {NOTED}


def test_a_statement_about_an_earlier_day_leaves_the_present() -> None:
    history = with_statement({}, described("46", since=day(9)), known("45"), day(2), "event")
    assert sectors(history) == {day(2): "45", day(9): "46"}
    assert present_of(history, known("46"))["sector"] == "46"


def test_an_earlier_statement_fills_what_is_unknown_today() -> None:
    stated = known("45", is_strategic=True)
    history = with_statement({}, described(None, since=day(9)), stated, day(2), "event")
    assert sectors(history) == {day(2): "45"}
    assert present_of(history, known()) == stated


def test_a_statement_about_a_later_day_leaves_the_past_unchanged() -> None:
    history = with_statement({}, described("46"), known("47"), day(5), "event")
    assert sectors(history) == {SINCE: "46", day(5): "47"}
    assert present_of(history, known("46"))["sector"] == "47"


def test_an_attribute_keeps_its_value_before_the_first_row_stating_it() -> None:
    stated = {day(0): HistoryRow(known("46"), "batch")}
    before = described("46", size_class="small")
    history = with_change(stated, before, known("46", size_class="large"), day(5))
    assert {when: row.attributes["size_class"] for when, row in history.items()} == {
        day(0): "small",
        day(5): "large",
    }


def test_statements_in_any_order_make_one_history() -> None:
    old, new = known("41"), known("46")
    now = described("46", since=day(9), size_class="small")
    histories = []
    for told in (((day(2), old), (day(5), new)), ((day(5), new), (day(2), old))):
        history: dict[dt.date, HistoryRow] = {}
        for when, stated in told:
            history = with_statement(history, now, stated, when, "event")
        histories.append(history)
    assert histories[0] == histories[1]
    assert sectors(histories[0]) == {day(2): "41", day(5): "46"}
    assert present_of(histories[0], now.attributes) == now.attributes
