"""Stored decisions, in files that can be replayed."""

from serving.dunning.records.files import read_records, records_between, write_differences, write_records
from serving.dunning.records.record import (
    RECORD_SCHEMA,
    DecisionRecord,
    Difference,
    Explained,
    account_to_json,
    decision_from_json,
    decision_to_json,
    score_to_json,
)

__all__ = [
    "RECORD_SCHEMA",
    "DecisionRecord",
    "Difference",
    "Explained",
    "account_to_json",
    "decision_from_json",
    "decision_to_json",
    "read_records",
    "records_between",
    "score_to_json",
    "write_differences",
    "write_records",
]
