"""The segment belongs to the payer: whichever of its invoices is looked at, the name is the same that day."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.asof import PaymentHistory
from features.groups.compute import compute_features
from features.ledger.ledger import Ledger
from features.payers.rfm_scale import AXES
from features.payers.segments import SEGMENT_COLUMNS, payer_segment_table
from features.words import SEGMENTS
from tests.property.ledger_worlds import SPAN, day, ledgers
from tests.property.test_features_never_see_the_future import landmarks_of
from tests.unit.test_payer_segments import SCALE


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    world=ledgers(min_invoices=5, max_invoices=20, max_customers=2, stretches=(1, 4)),
    offset=st.integers(1, 4 * SPAN + 60),
)
def test_every_invoice_of_a_payer_gives_it_the_same_segment(
    world: tuple[Ledger, pl.DataFrame], offset: int
) -> None:
    ledger, signals = world
    landmarks = landmarks_of(ledger, day(offset))
    features = compute_features(PaymentHistory.from_ledger(ledger, signals=signals), landmarks)
    read = list(dict.fromkeys([*SEGMENT_COLUMNS, *(axis.column for axis in AXES)]))
    per_payer = (
        features.select(read)
        .hstack(payer_segment_table(features, SCALE).select("payer_segment", "payer_segment_rule"))
        .with_columns(landmarks["customer_id"])
        .unique()
    )
    assert per_payer["customer_id"].is_duplicated().sum() == 0
    assert set(per_payer["payer_segment"]) <= set(SEGMENTS)
