"""One scorer: a history or its features, one landmark or all, a frame or rows give the same bits."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from features.asof import PaymentHistory, landmarks_at_issue, open_landmarks
from features.groups.compute import compute_features
from features.ledger import Ledger
from features.payers.rfm_scale import fit_rfm_scale
from models.bundle import ModelBundle, load_bundle
from models.hazard.feature_matrix import FeatureMatrix
from models.score import Score, score, score_frame, scorer, scores_of_frame
from serving.night.scoring import with_country

from .conftest import AS_OF


@pytest.fixture(scope="module")
def history(ledger: Ledger) -> PaymentHistory:
    return PaymentHistory.from_ledger(ledger)


@pytest.fixture(scope="module")
def landmarks(ledger: Ledger) -> pl.DataFrame:
    """Open invoices, invoices at issue, and one of a customer nobody knows."""
    at_issue = landmarks_at_issue(ledger, dt.date(2024, 3, 1), dt.date(2024, 6, 1)).head(150)
    known = with_country(pl.concat([open_landmarks(ledger, AS_OF), at_issue]), ledger)
    stranger = known.head(1).with_columns(
        invoice_id=pl.lit("X"), customer_id=pl.lit("nobody"), country=pl.lit(None, dtype=pl.String)
    )
    return pl.concat([known, stranger])


@pytest.fixture(scope="module", params=["with segments", "without"])
def bundle(
    request: pytest.FixtureRequest, bundle_folder: Path, history: PaymentHistory, landmarks: pl.DataFrame
) -> ModelBundle:
    loaded = load_bundle(bundle_folder)
    scale = fit_rfm_scale(compute_features(history, landmarks)) if request.param == "with segments" else None
    return replace(loaded, rfm_scale=scale)


@pytest.fixture(scope="module")
def whole(bundle: ModelBundle, history: PaymentHistory, landmarks: pl.DataFrame) -> list[Score]:
    return score(bundle, history, landmarks).rows()


def test_each_landmark_alone_scores_as_in_the_whole(
    bundle: ModelBundle, history: PaymentHistory, landmarks: pl.DataFrame, whole: list[Score]
) -> None:
    alone = [score(bundle, history, landmarks[place]).rows()[0] for place in range(landmarks.height)]
    assert alone == whole


def test_features_given_as_frame_matrix_or_history_give_one_score(
    bundle: ModelBundle, history: PaymentHistory, landmarks: pl.DataFrame, whole: list[Score]
) -> None:
    frame = compute_features(history, landmarks)
    matrix = FeatureMatrix.of_history(history, landmarks)
    assert score(bundle, frame, landmarks).rows() == whole
    assert score(bundle, matrix, landmarks).rows() == whole
    assert matrix.rows() == [row[2:] for row in frame.rows()]


def test_a_history_scored_in_blocks_scores_as_in_one_go(
    bundle: ModelBundle,
    history: PaymentHistory,
    landmarks: pl.DataFrame,
    whole: list[Score],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scorer, "FEATURES_AT_A_TIME", 50)
    monkeypatch.setattr(scorer, "AT_A_TIME", 7)
    assert score(bundle, history, landmarks).rows() == whole


def test_a_file_of_scores_holds_the_same_scores_as_the_rows(
    bundle: ModelBundle,
    history: PaymentHistory,
    landmarks: pl.DataFrame,
    whole: list[Score],
    tmp_path: Path,
) -> None:
    written = score_frame(bundle, history, landmarks)
    assert written.equals(score(bundle, history, landmarks).frame())
    written.write_parquet(tmp_path / "scores.parquet")
    assert scores_of_frame(pl.read_parquet(tmp_path / "scores.parquet")) == whole
    plain = score(bundle, history, landmarks, with_reasons=False)
    assert scores_of_frame(plain.frame()) == plain.rows()
    assert plain.rows() == [replace(scored, explanation=None) for scored in whole]


def test_a_payer_has_one_segment(bundle: ModelBundle, whole: list[Score]) -> None:
    named = {(scored.customer_id, scored.as_of): scored.rfm_segment for scored in whole}
    assert all(named[scored.customer_id, scored.as_of] == scored.rfm_segment for scored in whole)
    assert any(named.values()) == (bundle.rfm_scale is not None)
