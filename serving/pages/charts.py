"""Charts as shapes with coordinates, which templates draw as SVG. Pure; every coordinate is rounded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from features.messages import Text

WIDTH: Final = 640.0
LABEL_WIDTH: Final = 240.0
ROW_HEIGHT: Final = 30.0


@dataclass(frozen=True)
class Bar:
    """One row of a waterfall.

    Attributes:
        label: name of the row.
        detail: the sentence behind it; null for a subtotal.
        change: probability added or subtracted; null for a subtotal.
        level: the probability after this row.
        x, width, y: place of the bar, in the units of the drawing.
        kind: `total`, `up` (raises the probability) or `down`.
    """

    label: Text
    detail: Text | None
    change: float | None
    level: float
    x: float
    width: float
    y: float
    kind: str


@dataclass(frozen=True)
class Waterfall:
    """From the average invoice to this one, group of facts by group."""

    bars: tuple[Bar, ...]
    height: float


def waterfall(base: float, steps: Sequence[tuple[Text, Text | None, float]], final: float) -> Waterfall:
    """The rows from a base to a final probability.

    Args:
        base: probability of the average invoice.
        steps: label, sentence and contribution of each group, in the order shown; base and contributions add up to
            `final`.
        final: the probability explained.
    """
    scale = WIDTH - LABEL_WIDTH - 60.0
    levels = [base]
    for _, _, change in steps:
        levels.append(levels[-1] + change)
    low, high = min(0.0, *levels, final), max(1.0, *levels, final)

    def place(value: float) -> float:
        return LABEL_WIDTH + scale * (value - low) / (high - low)

    def bar(
        label: Text, detail: Text | None, change: float | None, begin: float, end: float, row: int, kind: str
    ) -> Bar:
        left, right = sorted((place(begin), place(end)))
        return Bar(
            label,
            detail,
            change,
            end,
            round(left, 1),
            round(max(right - left, 1.0), 1),
            row * ROW_HEIGHT,
            kind,
        )

    average = Text("Facture moyenne", "Average invoice")
    this = Text("Cette facture", "This invoice")
    bars = [bar(average, None, None, 0.0, base, 0, "total")]
    for row, (label, detail, change) in enumerate(steps, start=1):
        bars.append(
            bar(label, detail, change, levels[row - 1], levels[row], row, "up" if change > 0 else "down")
        )
    bars.append(bar(this, None, None, 0.0, final, len(bars), "total"))
    return Waterfall(tuple(bars), len(bars) * ROW_HEIGHT)


@dataclass(frozen=True)
class Mark:
    """A day on a timeline; `anchor` is the side of the text that lies at `x` (start, middle, end)."""

    label: Text
    on: dt.date
    x: float
    anchor: str = "middle"


@dataclass(frozen=True)
class Timeline:
    """The days of an invoice on one line, with the band in which its payment is expected.

    Attributes:
        marks: issue, due date and the day of the score, those that are known, in order of days.
        band_x, band_width: from the day by which one in ten such invoices is paid to that of nine in ten.
        median_x: the day by which one in two is paid.
    """

    marks: tuple[Mark, ...]
    band_x: float
    band_width: float
    median_x: float


def timeline(
    marks: Sequence[tuple[Text, dt.date | None]], p10: dt.date, p50: dt.date, p90: dt.date
) -> Timeline:
    """Days laid out from the first to the last.

    Args:
        marks: label and day; an unknown day is left out.
        p10: day by which one in ten such invoices is paid.
        p50: day by which one in two is.
        p90: day by which nine in ten are.
    """
    known = sorted(((day, label) for label, day in marks if day is not None), key=lambda pair: pair[0])
    first, last = min(known[0][0], p10) if known else p10, max(known[-1][0], p90) if known else p90
    span = max((last - first).days, 1)

    def place(day: dt.date) -> float:
        return round(20.0 + (WIDTH - 40.0) * (day - first).days / span, 1)

    return Timeline(
        marks=tuple(Mark(label, day, place(day), _anchor(place(day))) for day, label in known),
        band_x=place(p10),
        band_width=round(max(place(p90) - place(p10), 2.0), 1),
        median_x=place(p50),
    )


def _anchor(x: float) -> str:
    if x < 60.0:
        return "start"
    return "end" if x > WIDTH - 60.0 else "middle"
