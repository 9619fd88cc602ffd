"""Bringing exports from other systems into the ledger."""

from features.ledger.importing.importer import Import, import_files, import_ledger
from features.ledger.importing.mapping import ImportMapping
from features.ledger.importing.mapping_file import load_mapping

__all__ = ["Import", "ImportMapping", "import_files", "import_ledger", "load_mapping"]
