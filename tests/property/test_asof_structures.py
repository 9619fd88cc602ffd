"""The engine's structures against the obvious: sorting, a loop, a dict."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.asof import identifiers
from features.asof.dates import (
    day_numbers,
    day_of,
    days_of_month,
    days_to_month_end,
    months,
    weekdays,
)
from features.asof.identifiers import IdIndex
from features.asof.maxima import RunningMaxima
from features.asof.ranks import RangeRanks
from features.asof.reader import AsOfReader, ratio, reader_at
from features.asof.streams import EventStream
from features.asof.texts import CodedTexts

QUICK = settings(deadline=None, max_examples=60)
VALUES = st.lists(st.integers(-400, 400), min_size=1, max_size=200)
COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=12)


def slices(size: int, how_many: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    bounds = np.sort(random.integers(0, size + 1, (2, how_many)), axis=0)
    return bounds[0], bounds[1]


@QUICK
@given(values=VALUES, seed=st.integers(0, 1000))
def test_the_kth_smallest_of_any_slice_is_that_of_the_sorted_slice(values: list[int], seed: int) -> None:
    array = np.array(values, dtype=np.int64)
    lower, upper = slices(len(values), 100, seed)
    rank = np.random.default_rng(seed + 1).integers(-1, 12, 100)
    expected = [
        sorted(values[low:high])[k] if 0 <= k < high - low else 0
        for low, high, k in zip(lower.tolist(), upper.tolist(), rank.tolist(), strict=True)
    ]
    assert RangeRanks.build(array).smallest(lower, upper, rank).tolist() == expected


def test_order_statistics_of_a_long_sequence_equal_sorting() -> None:
    random = np.random.default_rng(5)
    values = np.round(random.standard_normal(20_000) * 300).astype(np.int64)
    lower, upper = slices(len(values), 300, 7)
    rank = (upper - lower) // 3
    expected = [
        np.sort(values[low:high])[k] if high > low else 0
        for low, high, k in zip(lower, upper, rank, strict=True)
    ]
    assert RangeRanks.build(values).smallest(lower, upper, rank).tolist() == expected


@QUICK
@given(values=VALUES, seed=st.integers(0, 1000))
def test_one_slice_sorted_outright_and_many_looked_up_agree(values: list[int], seed: int) -> None:
    array = np.array(values, dtype=np.int64)
    days = np.arange(len(array))
    stream = EventStream.build(
        np.zeros(len(array), dtype=np.int64), days, {"v": array}, entity_count=1, ranked=("v",)
    )
    lower, upper = slices(len(values), 40, seed)
    rank = np.maximum((upper - lower) // 2, 0)
    many = stream.smallest("v", lower, upper, rank)
    for low, high, place, found in zip(lower, upper, rank, many, strict=True):
        ordered = stream.ordered("v", int(low), int(high))
        assert ordered == sorted(values[low:high])
        assert found == (ordered[place] if place < high - low else 0)


@QUICK
@given(seed=st.integers(0, 10_000), entity_count=st.integers(1, 5), count=st.integers(0, 60))
def test_a_landmark_alone_reads_what_it_reads_among_many(seed: int, entity_count: int, count: int) -> None:
    """A few landmarks are read by another route than many: every reading is the same number."""
    random = np.random.default_rng(seed)
    stream = EventStream.build(
        random.integers(0, entity_count, count),
        random.integers(17_000, 18_500, count),
        {"v": random.integers(-400, 400, count)},
        entity_count=entity_count,
        ranked=("v",),
    )
    entities = random.integers(-1, entity_count, 40)
    as_of = random.integers(17_500, 18_600, 40)
    many = AsOfReader({"s": stream}, entities, as_of)
    remembered: dict[tuple[int, int], AsOfReader] = {}
    alone = [
        reader_at({"s": stream}, remembered, entities[i : i + 1], as_of[i : i + 1])
        for i in (*range(40), *range(40))
    ]
    windows: tuple[tuple[int | None, int], ...] = ((None, 0), (30, 0), (365, 0), (17, 0), (455, 90), (60, 7))
    for window, until in windows:
        bounds = many.bounds("s", window, until)
        total, size = many.total("s", "v", window, until), many.size("s", window, until)
        quantile = many.quantile("s", "v", bounds, 0.9)
        for i, reader in enumerate(alone):
            row = i % 40
            own = reader.bounds("s", window, until)
            assert (own[0].item(), own[1].item()) == (bounds[0][row], bounds[1][row])
            assert reader.total("s", "v", window, until).item() == total[row]
            assert reader.size("s", window, until).item() == size[row]
            assert np.array_equal(
                reader.quantile("s", "v", own, 0.9), quantile[row : row + 1], equal_nan=True
            )
    assert all(
        reader.start("s").item() == many.start("s")[i % 40]
        and reader.before("s", 90).item() == many.before("s", 90)[i % 40]
        for i, reader in enumerate(alone)
    )


def test_what_is_remembered_of_a_stream_cannot_be_written_over() -> None:
    stream = EventStream.build(
        np.zeros(3, dtype=np.int64), np.arange(3), {"v": np.arange(3)}, entity_count=1, ranked=("v",)
    )
    one = np.zeros(1, dtype=np.int64)
    reader = reader_at({"s": stream}, stream.readers, one, one + 9)
    assert reader_at({"s": stream}, stream.readers, one, one + 9) is reader
    with pytest.raises(ValueError, match="read-only"):
        reader.total("s", "v")[0] = 5


@QUICK
@given(
    numerator=st.integers(-(2**62), 2**62), denominator=st.one_of(st.just(0), st.integers(-(2**62), 2**62))
)
def test_one_division_alone_equals_the_same_among_many(numerator: int, denominator: int) -> None:
    many = ratio(np.array([numerator, 1]), np.array([denominator, 1]))
    alone = ratio(np.array([numerator]), np.array([denominator]))
    assert np.array_equal(alone, many[:1], equal_nan=True)


def test_a_measure_not_declared_as_ranked_is_refused() -> None:
    stream = EventStream.build(
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        {"v": np.ones(1, dtype=np.int64)},
        entity_count=1,
    )
    one = np.zeros(1, dtype=np.int64)
    with pytest.raises(KeyError, match="'v' was not declared as ranked"):
        stream.smallest("v", one, one + 1, one)


@QUICK
@given(counts=COUNTS, seed=st.integers(0, 1000))
def test_running_maxima_equal_a_loop(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = random.integers(-50, 50, starts[-1]).astype(np.int64)
    maxima = RunningMaxima.build(values, starts)
    for entity, (first, last) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
        one = np.array([entity], dtype=np.int64)
        for position in range(first + 1, last + 1):
            largest = int(maxima.before(one, np.array([position]))[0])
            assert largest == max(values[first:position].tolist())
        for level in (-60, -50, -3, 0, 20, 49, 60):
            reached = int(maxima.first_reaching(one, np.array([level]))[0])
            places = [i for i in range(first, last) if values[i] >= level]
            assert reached == (places[0] if places else last)


def test_running_maxima_of_an_unknown_entity_or_nothing_point_nowhere() -> None:
    starts = np.array([0, 2], dtype=np.int64)
    maxima = RunningMaxima.build(np.array([4, 9], dtype=np.int64), starts)
    assert maxima.first_reaching(np.array([-1]), np.array([5])).tolist() == [0]
    empty = RunningMaxima.build(np.zeros(0, dtype=np.int64), np.array([0, 0]))
    assert empty.first_reaching(np.array([0]), np.array([5])).tolist() == [0]
    assert empty.before(np.array([0]), np.array([0])).tolist() == [0]


@QUICK
@given(
    ids=st.lists(st.text(max_size=6), unique=True, max_size=40),
    wanted=st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=10),
    times=st.sampled_from([1, 20]),
)
def test_the_code_of_an_identifier_is_its_place_as_in_a_dict(
    ids: list[str], wanted: list[str | None], times: int
) -> None:
    index = IdIndex.build(pl.Series(ids, dtype=pl.String))
    asked = [*wanted, *ids] * times
    places = {text: i for i, text in enumerate(ids)}
    expected = [-1 if text is None else places.get(text, -1) for text in asked]
    assert index.codes_of(pl.Series(asked, dtype=pl.String)).tolist() == expected


def test_identifiers_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "hash", len, raising=False)
    index = IdIndex.build(pl.Series(["b", "a", "long", "c"]))
    assert [index.code_of(text) for text in ("a", "b", "c", "d", "long", "")] == [1, 0, 3, -1, 2, -1]


def test_identifiers_given_twice_cannot_be_indexed() -> None:
    with pytest.raises(ValueError, match="must be distinct"):
        IdIndex.build(pl.Series(["a", "b", "a"]))


@QUICK
@given(
    texts=st.lists(st.one_of(st.none(), st.sampled_from(["a", "bb", "ccc", ""])), max_size=30),
    times=st.sampled_from([1, 10]),
)
def test_coded_texts_read_back_as_the_texts_they_code(texts: list[str | None], times: int) -> None:
    column = texts * times
    coded = CodedTexts.of(pl.DataFrame({"terms": pl.Series(column, dtype=pl.String)}), "terms")
    lengths = coded.read(lambda text: float(len(text)))
    assert [None if np.isnan(x) else x for x in lengths.tolist()] == [
        None if text is None else float(len(text)) for text in column
    ]
    assert coded.is_known.tolist() == [text is not None for text in column]
    rows = np.arange(len(column))[::-1]
    assert coded.take(rows).codes.tolist() == coded.codes.tolist()[::-1]


@QUICK
@given(number=st.integers(-20_000, 60_000))
def test_calendar_arithmetic_on_day_numbers_is_the_calendars(number: int) -> None:
    day, days = day_of(number), np.array([number], dtype=np.int64)
    month_end = day
    while month_end.month == day.month:
        month_end = day_of(number + (month_end - day).days + 1)
    assert int(weekdays(days)[0]) == day.weekday()
    assert int(months(days)[0]) == day.month
    assert int(days_of_month(days)[0]) == day.day
    assert int(days_to_month_end(days)[0]) == (month_end - day).days - 1
    assert day_numbers(pl.Series([day, None], dtype=pl.Date)).tolist() == [number, 100_000]
