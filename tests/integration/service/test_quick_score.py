"""The twin of `score_landmarks` on the request path gives the same bits as the batch."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from features.asof import PaymentHistory, landmarks_at_issue, open_landmarks
from features.compute import compute_features
from features.ledger import Ledger
from features.rfm_scale import fit_rfm_scale
from models.bundle import load_bundle
from models.scoring import score_landmarks
from serving.nightly import with_country
from serving.quick_score import score_few

from .conftest import AS_OF


@pytest.mark.parametrize("with_reasons", [True, False])
@pytest.mark.parametrize("has_segments", [True, False])
def test_a_few_landmarks_score_as_in_the_batch_to_the_last_bit(
    ledger: Ledger, bundle_folder: Path, with_reasons: bool, has_segments: bool
) -> None:
    history = PaymentHistory.from_ledger(ledger)
    at_issue = landmarks_at_issue(ledger, dt.date(2024, 3, 1), dt.date(2024, 6, 1)).head(150)
    landmarks = with_country(pl.concat([open_landmarks(ledger, AS_OF), at_issue]), ledger.customers)
    stranger = landmarks.head(1).with_columns(
        invoice_id=pl.lit("X"), customer_id=pl.lit("nobody"), country=None
    )
    landmarks = pl.concat([landmarks, stranger.cast(landmarks.schema)])  # type: ignore[arg-type]
    features = compute_features(history, landmarks)
    bundle = load_bundle(bundle_folder)
    if has_segments:
        bundle = replace(bundle, rfm_scale=fit_rfm_scale(features))
    batch = score_landmarks(bundle, features, landmarks, with_reasons=with_reasons)
    by_payer = batch.group_by("customer_id", "as_of").agg(pl.col("rfm_segment").n_unique())
    assert by_payer["rfm_segment"].max() == 1, "a payer has one segment at one as-of date"
    few_features, few = score_few(bundle, history, landmarks, with_reasons)
    assert few_features == [row[2:] for row in features.rows()]
    expected = batch.rows(named=True)
    assert [list(row) for row in few] == [list(row) for row in expected], "the same fields in the same order"
    assert few == expected
    told_before = score_few(bundle, history, landmarks, with_reasons, batch["rfm_segment"].to_list())[1]
    assert told_before == expected
    alone = [score_few(bundle, history, landmarks[place], with_reasons)[1][0] for place in range(0, 60, 7)]
    assert alone == expected[:60:7]
