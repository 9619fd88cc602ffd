"""The ledger: contracts, rules, reading and writing."""

from features.ledger.ledger import Ledger, last_known_on, ledger_fingerprint
from features.ledger.schemas import KEYS, OPTIONAL_TABLES, REQUIRED_TABLES, SCHEMAS, empty_table, table_dtypes
from features.ledger.storage import read_ledger, write_ledger

__all__ = [
    "KEYS",
    "OPTIONAL_TABLES",
    "REQUIRED_TABLES",
    "SCHEMAS",
    "Ledger",
    "empty_table",
    "last_known_on",
    "ledger_fingerprint",
    "read_ledger",
    "table_dtypes",
    "write_ledger",
]
