"""The history store: what is known of every customer, what was answered, and the proof of it.

SQLite by default, PostgreSQL by setting; one implementation, one test suite for both.
"""

from serving.store.answers import (
    ERASURE,
    EXPORT,
    OVERRIDE,
    SCORE,
    SIMULATION,
    Answer,
    StoredAnswer,
    new_answer_id,
)
from serving.store.database import REFUSED_RECORD, StoreUnavailableError, sqlite_url
from serving.store.facts import Conflict, ConflictError, Fact, FactOutcome, FactsRefusedError, Outcome
from serving.store.frames import facts_of, to_cents
from serving.store.ingest.merging import examples_of
from serving.store.ingest.nightly_load import TableLoad
from serving.store.interface import HistoryStore
from serving.store.known_ids import CUSTOMERS, INVOICES, AmbiguousIdError
from serving.store.overrides import Overrides
from serving.store.reading import FeedState, HistoryAtMoment, Moment
from serving.store.store import SqlHistoryStore, is_store_there, open_store

__all__ = [
    "CUSTOMERS",
    "ERASURE",
    "EXPORT",
    "INVOICES",
    "OVERRIDE",
    "REFUSED_RECORD",
    "SCORE",
    "SIMULATION",
    "AmbiguousIdError",
    "Answer",
    "Conflict",
    "ConflictError",
    "Fact",
    "FactOutcome",
    "FactsRefusedError",
    "FeedState",
    "HistoryAtMoment",
    "HistoryStore",
    "Moment",
    "Outcome",
    "Overrides",
    "SqlHistoryStore",
    "StoreUnavailableError",
    "StoredAnswer",
    "TableLoad",
    "examples_of",
    "facts_of",
    "is_store_there",
    "new_answer_id",
    "open_store",
    "sqlite_url",
    "to_cents",
]
