"""Whether what was allocated to a receivable covers it, and by what: running sums of cents by what they count for.

Rows are read in two orders. In the order in which they became known they say when an episode begins and ends; in the
order of their value dates, of what was known when it began, they say since when the receivable was covered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.words import PAYMENT_METHODS, ClosedBy

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHARE_SCALE: Final = 100_000
"""Discount shares are counted in hundred-thousandths, so that what must come is a whole number of cents."""
EFFECTS: Final[tuple[ClosedBy, ...]] = ("paid", "written_off", "credited", "discounted", "cancelled")
"""What can close a receivable; its place here is its code. A row of payments counts for any but the last."""
PAID, WRITTEN_OFF, CREDITED, DISCOUNTED, CANCELLED = range(len(EFFECTS))
NEVER: Final = np.int64(2**31)
"""A day number after every other."""


def effect() -> pl.Expr:
    """Code of what a row of payments counts for when it is needed to cover a receivable, by its method."""
    method = pl.col("method")
    code: pl.Expr = pl.lit(PAID, pl.Int8)
    for place in (WRITTEN_OFF, CREDITED, DISCOUNTED):
        words = [word for word, known in PAYMENT_METHODS.items() if known.closed_by == EFFECTS[place]]
        code = pl.when(method.is_in(words)).then(pl.lit(place, pl.Int8)).otherwise(code)
    return code


@dataclass(frozen=True)
class Rows:
    """Allocations of some receivables, in any order; one entry per row.

    Attributes:
        receivable: number of the receivable.
        known: day number on which the row became known.
        paid: day number of its value date.
        cents: amount, negative where something is undone.
        effect: code of what it counts for.
        is_prompt: money in time for a discount.
        owed: cents of the receivable.
        kept_share: part of it, of `SHARE_SCALE`, that must come in time for the rest to be a discount; 0 where there is
            none.
    """

    receivable: Ints
    known: Ints
    paid: Ints
    cents: Ints
    effect: Ints
    is_prompt: Bools
    owed: Ints
    kept_share: Ints

    def take(self, places: Ints) -> Rows:
        """These rows, in this order."""
        return Rows(*(getattr(self, name)[places] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Episodes:
    """Episodes found in rows, in order of receivable and time; days are day numbers, NEVER where there is none.

    Attributes:
        receivable: number of the receivable.
        begun: day on which it began.
        ended: day on which it ended.
        settled: value date since which the receivable was covered.
        rows: allocations known by the beginning.
        effect: code of what closed it.
    """

    receivable: Ints
    begun: Ints
    ended: Ints
    settled: Ints
    rows: Ints
    effect: Ints


def episodes_in(rows: Rows, tolerance: int) -> Episodes:
    """Every episode in which the rows of a receivable covered it.

    Args:
        rows: all rows of each receivable, of which none counts twice.
        tolerance: cents that may be missing.
    """
    rows = rows.take(np.lexsort((rows.known, rows.receivable)))
    first = _places_of_first(rows.receivable)
    sums = _Sums.running(rows, first)
    ends = np.flatnonzero(lasts(rows.receivable, rows.known))
    covered = sums.is_covered(rows, tolerance)[ends]
    was_covered = np.zeros(len(ends), dtype=np.bool_)
    was_covered[1:] = covered[:-1]
    was_covered &= ~firsts(rows.receivable[ends])
    # Of the days on which the state changes, each other one of a receivable begins an episode; the next one ends it.
    places = ends[covered != was_covered]
    begins = covered[covered != was_covered]
    next_change = np.full(len(places), NEVER)
    next_change[:-1] = rows.known[places[1:]]
    next_change[lasts(rows.receivable[places])] = NEVER
    at, ended = places[begins], next_change[begins]
    return Episodes(
        rows.receivable[at],
        rows.known[at],
        ended,
        _value_dates(rows, first[at], at, tolerance),
        at - first[at] + 1,
        sums.closing(rows, tolerance)[at],
    )


def _value_dates(rows: Rows, starts: Ints, stops: Ints, tolerance: int) -> Ints:
    """The value date from which rows `starts` to `stops` (included) cover their receivable for good, per slice."""
    lengths = stops - starts + 1
    number = np.repeat(np.arange(len(starts), dtype=np.int64), lengths)
    within = np.arange(lengths.sum(), dtype=np.int64) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    chosen = rows.take(starts[number] + within)
    earliest = np.full(len(starts), NEVER)
    np.minimum.at(earliest, number, chosen.paid)
    # A discount has no value date of its own: the rest decides.
    paid = np.where(chosen.effect == DISCOUNTED, earliest[number], chosen.paid)
    order = np.lexsort((paid, number))
    chosen, paid, number = chosen.take(order), paid[order], number[order]
    covered = _Sums.running(chosen, _places_of_first(number)).is_covered(chosen, tolerance)
    day_ends = lasts(number, paid)
    last_short = np.full(len(starts), -NEVER)
    short = day_ends & ~covered
    np.maximum.at(last_short, number[short], paid[short])
    settled = np.full(len(starts), NEVER)
    reached = paid > last_short[number]
    np.minimum.at(settled, number[reached], paid[reached])
    return settled


@dataclass(frozen=True)
class _Sums:
    """What each receivable's rows come to up to each of them: in all, by effect, and in time for a discount."""

    total: Ints
    of: tuple[Ints, ...]
    prompt: Ints

    @classmethod
    def running(cls, rows: Rows, first: Ints) -> _Sums:
        """Sums up to each row within its receivable; `first` is the place of the receivable's first row."""
        parts = tuple(
            _running(np.where(rows.effect == code, rows.cents, 0), first)
            for code in (PAID, WRITTEN_OFF, CREDITED, DISCOUNTED)
        )
        return cls(
            _running(rows.cents, first), parts, _running(np.where(rows.is_prompt, rows.cents, 0), first)
        )

    def is_covered(self, rows: Rows, tolerance: int, without: Ints | int = 0) -> Bools:
        """Whether the sums reach what is owed, in full or less the discount on what credit notes leave."""
        in_full = self.total - without >= rows.owed - tolerance
        reduced = (rows.owed - self.of[CREDITED]) * rows.kept_share // SHARE_SCALE - tolerance
        in_time = (rows.kept_share > 0) & (self.prompt > 0) & (self.prompt >= reduced)
        return np.logical_or(in_full, in_time)

    def closing(self, rows: Rows, tolerance: int) -> Ints:
        """What covers a receivable whose sums do: loss if nothing else would do, credit alone, money, or a discount."""
        loss, credited = self.of[WRITTEN_OFF], self.of[CREDITED]
        least = rows.owed - tolerance
        is_money = self.total - loss - self.of[DISCOUNTED] >= least
        code = np.where(is_money, PAID, DISCOUNTED)
        code = np.where((credited > 0) & (credited >= least), CREDITED, code)
        closing: Ints = np.where(self.is_covered(rows, tolerance, without=loss), code, WRITTEN_OFF)
        return closing


def firsts(*keys: Ints) -> Bools:
    """Whether each entry is the first of its key; the keys are sorted together."""
    is_first = np.ones(len(keys[0]), dtype=np.bool_)
    is_first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return is_first


def lasts(*keys: Ints) -> Bools:
    """Whether each entry is the last of its key; the keys are sorted together."""
    is_last = np.ones(len(keys[0]), dtype=np.bool_)
    is_last[:-1] = firsts(*keys)[1:]
    return is_last


def _places_of_first(keys: Ints) -> Ints:
    """Place of the first entry of each entry's key; the keys are sorted."""
    places: Ints = np.maximum.accumulate(np.where(firsts(keys), np.arange(len(keys), dtype=np.int64), 0))
    return places


def _running(values: Ints, first: Ints) -> Ints:
    totals = np.cumsum(values)
    running: Ints = totals - totals[first] + values[first]
    return running
