"""Errors are told by group: every invoice in one class of each, rare classes taken together."""

from __future__ import annotations

from datetime import date

import polars as pl

from models.evaluation.backtest import CUSTOMER_COLUMNS, PREDICTION_SCHEMA
from models.evaluation.backtest_groups import MOST_CLASSES, group_classes
from models.evaluation.backtest_plots import horizon_plot


def _rows(count: int = 40, **columns: list[object]) -> pl.DataFrame:
    filled = {
        "cutoff": [date(2025, 1, 1)] * count,
        "as_of": [date(2025, 1 + place % 5, 3) for place in range(count)],
        "history_depth": [place % 30 for place in range(count)],
        "amount": [float(place) for place in range(count)],
        "grade": [["A", "B", None][place % 3] for place in range(count)],
        "is_late": [place % 2 == 0 for place in range(count)],
        "is_unpaid_30d": [True if place % 4 == 0 else None for place in range(count)],
        **columns,
    }
    missing = {name: [None] * count for name in PREDICTION_SCHEMA if name not in filled}
    return pl.DataFrame({**filled, **missing}, schema_overrides=PREDICTION_SCHEMA)


def test_every_invoice_is_in_one_class_of_each_group() -> None:
    classes = group_classes(_rows())
    assert classes.height == 40
    assert sum(classes.null_count().row(0)) == 0
    assert set(classes["grade"]) == {"A", "B", "unknown"}
    assert classes["amount"].n_unique() == 4
    assert set(classes["outcome"]) == {"on time", "more than 30 days late", "late, at most 30 days"}


def test_the_quarter_of_issue_is_told_with_the_model_that_was_asked() -> None:
    assert set(group_classes(_rows())["issued"]) == {
        "2025 Q1, model of 2025-01-01",
        "2025 Q2, model of 2025-01-01",
    }


def test_an_attribute_nobody_has_is_no_group() -> None:
    assert not set(CUSTOMER_COLUMNS) & set(group_classes(_rows()).columns)
    assert "sector" in group_classes(_rows(sector=["46"] * 40)).columns


def test_rare_sectors_are_taken_together_and_a_tie_is_broken_by_name() -> None:
    sectors = [f"{place // 3:02d}" for place in range(40)]
    told = group_classes(_rows(sector=sectors))["sector"]
    assert told.n_unique() == MOST_CLASSES + 1
    assert (told == "all others").sum() == 40 - 3 * MOST_CLASSES
    assert set(told) - {"all others"} == {f"{place:02d}" for place in range(MOST_CLASSES)}


def test_an_unknown_sector_is_a_class_of_its_own() -> None:
    told = group_classes(_rows(sector=["46", None] * 20))["sector"]
    assert told.value_counts().sort("sector").rows() == [("46", 20), ("unknown", 20)]


def test_each_horizon_has_a_panel_of_its_own() -> None:
    told = {"observed": 12, "reliability": [{"predicted": 0.2, "observed": 0.25, "count": 12}]}
    figures = {"models": {"encours": {"horizons": {"0": told, "30": told}}}}
    drawn = horizon_plot(figures, "encours")
    assert "unpaid 0 days past due, n = 12" in drawn
    assert "unpaid 30 days past due, n = 12" in drawn
    assert "unpaid 60" not in drawn
