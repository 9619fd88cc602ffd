"""The as-of engine: event streams with exact running totals, read strictly before the as-of date."""

from features.asof.history import PaymentHistory
from features.asof.landmarks import (
    LANDMARK_SCHEMA,
    landmarks_at_issue,
    landmarks_to_decide,
    open_landmarks,
)

__all__ = ["LANDMARK_SCHEMA", "PaymentHistory", "landmarks_at_issue", "landmarks_to_decide", "open_landmarks"]
