"""Every payer gets exactly one segment, by a rule that can be quoted; scores keep their meaning after training."""

from __future__ import annotations

import json
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InvalidInputError
from features.payers.rfm_scale import AXES, RfmScale, columns_of, fit_rfm_scale, rfm_scores
from features.payers.segments import (
    SEGMENT_COLUMNS,
    SEGMENT_RULES,
    payer_segment_rules,
    payer_segment_table,
    payer_segments,
    rules_of,
    segment_rule,
)
from features.words import SEGMENT_WORDS, SEGMENTS, Segment

SCALE = RfmScale(
    {
        "recency": (10.0, 30.0, 60.0, 120.0),
        "frequency": (1.0, 3.0, 6.0, 12.0),
        "monetary": (1e3, 1e4, 1e5, 1e6),
        "lateness": (0.1, 0.2, 0.3, 0.5),
    },
    fitted_on=100,
)
COLUMNS = tuple(
    dict.fromkeys(
        [*SEGMENT_COLUMNS, *(axis.column for axis in AXES), "is_often_late_365d", "late_count_365d"]
    )
)

#: A payer with two years of monthly invoices, one in ten late, mean 2 days.
STEADY = {
    "outcome_count_all": 24.0,
    "outcome_count_365d": 12.0,
    "outcome_count_90d": 3.0,
    "history_depth": 24.0,
    "payment_frequency_365d": 12.0,
    "payment_recency_days": 12.0,
    "late_share_all": 0.1,
    "late_share_365d": 0.1,
    "late_share_90d": 0.0,
    "late_share_trend": -0.1,
    "late_count_365d": 1.0,
    "is_often_late_365d": 0.0,
    "days_late_mean_5n": 0.0,
    "days_late_trend": 0.5,
    "days_late_std_all": 4.0,
    "days_late_p90_365d": 6.0,
    "days_late_p90_all": 6.0,
    "days_late_median_365d": 0.0,
    "days_late_median_all": 0.0,
    "severely_late_share_365d": 0.0,
    "severely_late_share_all": 0.0,
    "season_share_730d": 0.25,
    "payment_amount_sum_365d": 50_000.0,
    "late_share_shrunk_365d": 0.12,
}
LATE = {"late_share_365d": 0.8, "late_share_all": 0.8, "late_share_90d": 0.8}


def payer(**changes: float | None) -> pl.DataFrame:
    values = dict.fromkeys(COLUMNS) | STEADY | changes
    return pl.DataFrame([values], schema=dict.fromkeys(values, pl.Float64))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "prompt.rarely_late"),
        ({"mail_insolvency_count_365d": 1.0}, "in_difficulty.insolvency_announced"),
        (
            {"mail_payment_plan_request_count_90d": 1.0, "oldest_overdue_days": 3.0},
            "in_difficulty.difficulty_told",
        ),
        # Told of difficulty, but nothing overdue: watched, not treated as in difficulty.
        ({"mail_financial_difficulty_count_90d": 1.0}, "prompt.rarely_late"),
        ({"oldest_overdue_days": 91.0, "late_share_90d": 0.5}, "in_difficulty.long_overdue"),
        # One forgotten invoice of a payer who settles the rest in time is a matter to clear up, not difficulty.
        ({"oldest_overdue_days": 200.0, "late_share_90d": 0.1}, "prompt.rarely_late"),
        (
            {"history_depth": 0.0, "outcome_count_all": 3.0, "oldest_overdue_days": 31.0},
            "in_difficulty.nothing_paid",
        ),
        (
            {"outcome_count_365d": 0.0, "payment_frequency_365d": 0.0, "late_share_365d": None},
            "dormant.year_without_activity",
        ),
        ({"outcome_count_all": 2.0, "history_depth": 2.0}, "new.few_outcomes"),
        ({"days_late_trend": 7.0, "days_late_mean_5n": 4.0}, "deteriorating.longer_delays"),
        # Less late than its own spread: noise, not a change.
        ({"days_late_trend": 7.0, "days_late_mean_5n": 4.0, "days_late_std_all": 9.0}, "prompt.rarely_late"),
        # Paying less early is not paying late.
        ({"days_late_trend": 12.0, "days_late_mean_5n": -3.0}, "prompt.rarely_late"),
        ({"outcome_count_90d": 5.0, "late_share_trend": 0.4}, "deteriorating.more_often_late"),
        ({"outcome_count_90d": 4.0, "late_share_trend": 0.9}, "prompt.rarely_late"),
        ({"season_share_730d": 0.9}, "seasonal.three_months"),
        ({"payment_recency_days": 181.0, "outcome_count_90d": 0.0}, "dormant.silent"),
        (LATE | {"days_late_trend": -8.0}, "improving.shorter_delays"),
        ({"outcome_count_90d": 6.0, "late_share_trend": -0.5}, "improving.less_often_late"),
        (
            LATE | {"days_late_median_365d": 12.0, "days_late_p90_365d": 19.0},
            "punctual_slow_process.regular_delay",
        ),
        (
            LATE
            | {
                "days_late_median_365d": 35.0,
                "days_late_p90_365d": 80.0,
                "severely_late_share_365d": 0.6,
            },
            "in_difficulty.mostly_severe",
        ),
        (LATE | {"days_late_median_365d": 5.0, "days_late_p90_365d": 40.0}, "erratic.irregular"),
        # Rarely late, but then for months: not prompt.
        ({"days_late_p90_365d": 31.0}, "erratic.irregular"),
    ],
)
def test_each_rule_names_the_payer_it_describes(changes: dict[str, float | None], rule: str) -> None:
    features = payer(**changes)
    assert payer_segment_rules(columns_of(features), SCALE) == [rule]
    assert payer_segments(columns_of(features), SCALE) == [rule.split(".")[0]]


def test_nothing_known_at_all_is_a_new_payer() -> None:
    features = payer(**dict.fromkeys(COLUMNS)).with_columns(outcome_count_all=pl.lit(0.0))
    assert payer_segments(columns_of(features), SCALE) == ["new"]


@settings(max_examples=200, deadline=None)
@given(
    values=st.fixed_dictionaries(
        {name: st.one_of(st.none(), st.sampled_from([-50.0, 0.0, 0.3, 1.0, 5.0, 200.0])) for name in COLUMNS}
    )
)
def test_whatever_the_features_say_a_payer_gets_exactly_one_segment(values: dict[str, float | None]) -> None:
    features = pl.DataFrame([values], schema=dict.fromkeys(COLUMNS, pl.Float64))
    table = payer_segment_table(features, SCALE)
    segment, rule = table["payer_segment"][0], table["payer_segment_rule"][0]
    assert segment in SEGMENTS
    assert segment_rule(rule).segment == segment
    row = columns_of(features.with_columns(rfm_scores(features, SCALE)))
    tried = [known.rule_id for known in SEGMENT_RULES if known.applies(row).item()]
    assert rule == tried[0]


def test_the_segments_are_those_the_dunning_policy_routes_by() -> None:
    assert set(SEGMENTS) == set(get_args(Segment))
    assert set(SEGMENTS) == {rule.segment for rule in SEGMENT_RULES} == set(SEGMENT_WORDS)
    assert [rule.rule_id for rule in rules_of("improving")] == [
        "improving.shorter_delays",
        "improving.less_often_late",
    ]


def test_more_than_three_in_ten_late_is_flagged_with_counts() -> None:
    features = payer(is_often_late_365d=1.0, late_count_365d=4.0, outcome_count_365d=12.0)
    row = payer_segment_table(features, SCALE).row(0, named=True)
    assert (row["is_often_late"], row["late_count_365d"], row["outcome_count_365d"]) == (True, 4, 12)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"column is missing; expected oldest_overdue_days"):
        payer_segments(columns_of(payer().drop("oldest_overdue_days")), SCALE)


def test_scores_run_from_one_worst_to_five_best_with_ties_alike() -> None:
    features = pl.DataFrame(
        {
            "payment_recency_days": [5.0, 10.0, 11.0, 120.0, 121.0, None],
            "payment_frequency_365d": [0.0, 1.0, 2.0, 12.0, 13.0, 0.0],
            "payment_amount_sum_365d": [0.0, 1e3, 2e3, 1e6, 2e6, 0.0],
            "late_share_shrunk_365d": [0.0, 0.1, 0.15, 0.5, 0.9, None],
        }
    )
    recency, frequency, monetary, lateness = (score.to_list() for score in rfm_scores(features, SCALE))
    assert recency == [5, 5, 4, 2, 1, None]
    assert frequency == [1, 1, 2, 4, 5, 1]
    assert monetary == [1, 1, 2, 4, 5, 1]
    assert lateness == [5, 5, 4, 2, 1, None]


def _training(rows: list[dict[str, Any]]) -> pl.DataFrame:
    base = {axis.column: 0.0 for axis in AXES}
    return pl.DataFrame([base | row for row in rows])


def test_the_scale_counts_each_payer_once_at_its_latest_row() -> None:
    rows = [{"as_of": 1, "invoice_id": f"I{i:03d}", "payment_recency_days": 500.0} for i in range(100)]
    rows += [{"as_of": 2, "invoice_id": f"J{i}", "payment_recency_days": float(i)} for i in range(1, 6)]
    payers = pl.Series(["A"] * 100 + ["A", "B", "C", "D", "E"])
    scale = fit_rfm_scale(_training(rows), payers)
    assert scale.fitted_on == 5
    assert scale.cut_points["recency"] == (2.0, 3.0, 3.0, 4.0)


def test_a_scale_survives_its_json_file() -> None:
    assert RfmScale.from_dict(json.loads(SCALE.to_json())) == SCALE


def test_a_scale_of_another_version_or_shape_is_refused_with_every_fault() -> None:
    values = SCALE.to_dict() | {"version": "0"}
    values["cut_points"] = values["cut_points"] | {"recency": [3.0, 1.0, 2.0, 4.0]}
    del values["cut_points"]["monetary"]
    with pytest.raises(InvalidInputError) as refusal:
        RfmScale.from_dict(values)
    message = str(refusal.value)
    assert "version: version '0'; expected 1; to do: train again" in message
    assert "cut_points.recency: cut points are wrong; expected 4 ascending numbers" in message
    assert "cut_points.monetary" in message


def test_a_scale_cannot_be_fitted_where_an_axis_is_never_known() -> None:
    features = _training([{"payment_recency_days": None}]).cast({"payment_recency_days": pl.Float64})
    with pytest.raises(InvalidInputError, match=r"payment_recency_days: no known value"):
        fit_rfm_scale(features)
