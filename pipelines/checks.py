"""Checks that stop what follows: keys unique, ranges kept, nothing left out. Each calls a plain function."""

from collections.abc import Sequence
from itertools import pairwise

import dagster as dg
import polars as pl

from features.errors import Fault
from features.groups.catalogue import CATALOGUE
from features.groups.columns import FeatureColumn
from features.groups.rows import FeatureRows
from features.messages import localized
from pipelines.assets.features import features__training
from pipelines.assets.tonight import features__open_invoices, out__scored_invoices

_KEY = ("invoice_id", "as_of")


def key_faults(frame: pl.DataFrame, key: Sequence[str] = _KEY) -> list[Fault]:
    """Rows that share a key, or lack a part of it."""
    faults = [
        Fault(localized("null in the key"), where=name, count=count)
        for name in key
        if (count := frame[name].null_count())
    ]
    twice = frame.filter(frame.select(key).is_duplicated())
    if twice.height:
        examples = tuple(str(value) for value in twice[key[0]].unique().sort().head(5))
        faults.append(
            Fault(
                localized("the same key more than once"),
                ", ".join(key),
                count=twice.height,
                examples=examples,
            )
        )
    return faults


def range_faults(frame: pl.DataFrame, columns: Sequence[FeatureColumn] = CATALOGUE) -> list[Fault]:
    """Values outside what the catalogue declares, and values that are not numbers."""
    faults = []
    for column in columns:
        if column.name not in frame:
            faults.append(Fault(localized("column is missing"), where=column.name))
            continue
        wrong = pl.lit(value=False)
        if column.minimum is not None:
            wrong |= pl.col(column.name) < column.minimum
        if column.maximum is not None:
            wrong |= pl.col(column.name) > column.maximum
        outside = frame.filter(wrong | pl.col(column.name).is_nan() | pl.col(column.name).is_infinite())
        if outside.height:
            examples = tuple(str(value) for value in outside[column.name].head(3))
            faults.append(
                Fault(
                    localized("outside its declared range"),
                    where=column.name,
                    expected=localized(
                        "{minimum} to {maximum}", minimum=column.minimum, maximum=column.maximum
                    ),
                    count=outside.height,
                    examples=examples,
                )
            )
    return faults


def score_faults(scores: pl.DataFrame) -> list[Fault]:
    """Probabilities outside 0 to 1, curves that rise with days past due, dates before the as-of date."""
    faults = key_faults(scores)
    curve = [name for name in scores.columns if name.startswith("unpaid_probability_")]
    for name in ("p_late", "p_late_30", *curve):
        wrong = scores.filter(pl.col(name).is_null() | ~pl.col(name).is_between(0, 1))
        if wrong.height:
            faults.append(
                Fault(
                    localized("not a probability"),
                    where=name,
                    expected=localized("0 to 1"),
                    count=wrong.height,
                )
            )
    for earlier, later in pairwise(curve):
        rising = scores.filter(pl.col(later) > pl.col(earlier))
        if rising.height:
            faults.append(
                Fault(localized("exceeds {earlier}", earlier=earlier), where=later, count=rising.height)
            )
    for name in ("payment_date_p10", "payment_date_p50", "payment_date_p90"):
        early = scores.filter(pl.col(name) < pl.col("as_of"))
        if early.height:
            faults.append(Fault(localized("before the as-of date"), where=name, count=early.height))
    return faults


def _result(faults: list[Fault], rows: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not faults, metadata={"rows": rows, "faults": [str(fault) for fault in faults[:20]]}
    )


def _declarations_held(frame: pl.DataFrame) -> dg.AssetCheckResult:
    return _result(key_faults(frame) + range_faults(frame), frame.height)


@dg.asset_check(asset=features__training, blocking=True)
def training_features_hold_their_declarations(features__training: FeatureRows) -> dg.AssetCheckResult:
    """Keys are unique and every value lies in its declared range."""
    return _declarations_held(features__training.features)


@dg.asset_check(asset=features__open_invoices, blocking=True)
def open_features_hold_their_declarations(features__open_invoices: FeatureRows) -> dg.AssetCheckResult:
    """Keys are unique and every value lies in its declared range."""
    return _declarations_held(features__open_invoices.features)


@dg.asset_check(
    asset=out__scored_invoices,
    additional_ins={"open_invoices": dg.AssetIn(features__open_invoices.key)},
    blocking=True,
)
def scores_are_probabilities_and_none_is_missing(
    out__scored_invoices: pl.DataFrame, open_invoices: FeatureRows
) -> dg.AssetCheckResult:
    """Every open invoice has one score; curves fall; dates do not lie in the past."""
    scores = out__scored_invoices
    faults = score_faults(scores)
    missing = open_invoices.landmarks.join(scores, on=list(_KEY), how="anti")
    if missing.height:
        examples = tuple(missing["invoice_id"].head(5))
        faults.append(
            Fault(localized("open invoices without a score"), count=missing.height, examples=examples)
        )
    return _result(faults, scores.height)


ASSET_CHECKS = [
    training_features_hold_their_declarations,
    open_features_hold_their_declarations,
    scores_are_probabilities_and_none_is_missing,
]
