"""The ledger: contracts, rules, reading and writing."""

from features.ledger.as_known import as_known_before
from features.ledger.ledger import Ledger, last_known_on, ledger_fingerprint
from features.ledger.references import customers_of, rows_of_customers
from features.ledger.report import CheckReport, Note, TableReport, rule_message
from features.ledger.rules import CheckedLedger, check_tables
from features.ledger.schemas import (
    KEYS,
    OPTIONAL_TABLES,
    REQUIRED_TABLES,
    SCHEMAS,
    SHARED_TABLES,
    TABLES_OF_INVOICES,
    empty_table,
    in_contract_columns,
    table_dtypes,
)
from features.ledger.storage import (
    check_folder,
    read_ledger,
    read_published,
    read_tables,
    write_checked,
    write_ledger,
    write_quarantine,
)

__all__ = [
    "KEYS",
    "OPTIONAL_TABLES",
    "REQUIRED_TABLES",
    "SCHEMAS",
    "SHARED_TABLES",
    "TABLES_OF_INVOICES",
    "CheckReport",
    "CheckedLedger",
    "Ledger",
    "Note",
    "TableReport",
    "as_known_before",
    "check_folder",
    "check_tables",
    "customers_of",
    "empty_table",
    "in_contract_columns",
    "last_known_on",
    "ledger_fingerprint",
    "read_ledger",
    "read_published",
    "read_tables",
    "rows_of_customers",
    "rule_message",
    "table_dtypes",
    "write_checked",
    "write_ledger",
    "write_quarantine",
]
