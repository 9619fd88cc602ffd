"""How a feature column is declared: what it means, in which unit, over which window, and what null says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from features.asof.dates import Float64Array
from features.asof.view import LandmarkView
from features.messages import Text

Direction = Literal[-1, 0, 1]
Window = int | str | None
"""Days back from the as-of date (90), a number of invoices ("10n"), "now", or None for all time."""

_ALL_TIME = "all"


@dataclass(frozen=True)
class FeatureColumn:
    """One column of the feature frame.

    Attributes:
        name: measure, aggregate and window.
        group: feature group it belongs to.
        unit: days, count, share, EUR (the reporting currency), ratio, flag, or what else it counts.
        window: "90d", "10n" (last ten invoices), "all" or "now".
        minimum, maximum: range of the values; None where unbounded.
        null_meaning: what a null says.
        sources: ledger tables it needs.
        direction: 1 when more of it is expected to mean later payment, -1 the contrary, 0 where nobody knows.
        label: how a credit manager calls it.
    """

    name: str
    group: str
    unit: str
    window: str
    minimum: float | None
    maximum: float | None
    null_meaning: str
    sources: tuple[str, ...]
    direction: Direction
    label: Text


@dataclass(frozen=True)
class FeatureGroup:
    """Columns computed together.

    Attributes:
        name: name of the group and of its module.
        label: business words for the group.
        columns: its columns, in order.
        compute: the columns' values for every landmark of a view, by name; NaN where null.
    """

    name: str
    label: Text
    columns: tuple[FeatureColumn, ...]
    compute: Callable[[LandmarkView], Mapping[str, Float64Array]]


def window_suffix(window: Window) -> str:
    """How a window is written in a column name."""
    if window is None:
        return _ALL_TIME
    return f"{window}d" if isinstance(window, int) else window


def column_name(measure: str, window: Window) -> str:
    """Name of a column from its measure (with unit and aggregate) and its window; "now" is not written."""
    return measure if window == "now" else f"{measure}_{window_suffix(window)}"


def _window_words(window: Window) -> Text:
    if window is None:
        return Text("depuis le début", "all time")
    if isinstance(window, int):
        return Text(f"sur {window} jours", f"over {window} days")
    if window == "now":
        return Text("", "")
    count = window.removesuffix("n")
    return Text(f"sur les {count} dernières factures", f"over the last {count} invoices")


def declare(
    group: str,
    measure: str,
    windows: tuple[Window, ...] = ("now",),
    *,
    unit: str,
    label_fr: str,
    label_en: str,
    null: str,
    sources: tuple[str, ...] = ("invoices", "payments"),
    minimum: float | None = None,
    maximum: float | None = None,
    direction: Direction = 0,
) -> tuple[FeatureColumn, ...]:
    """Declare one measure over several windows; names and labels are built from the parts."""
    if unit in {"share", "flag"}:
        minimum, maximum = 0.0, 1.0
    columns = []
    for window in windows:
        words = _window_words(window)
        columns.append(
            FeatureColumn(
                column_name(measure, window),
                group,
                unit,
                window_suffix(window),
                minimum,
                maximum,
                null,
                sources,
                direction,
                Text(f"{label_fr} {words.fr}".strip(), f"{label_en} {words.en}".strip()),
            )
        )
    return tuple(columns)
