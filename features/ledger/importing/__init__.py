"""Bringing exports from other systems into the ledger."""

from features.ledger.importing.importer import Import, import_files
from features.ledger.importing.mapping import Mapping
from features.ledger.importing.mapping_file import load_mapping

__all__ = ["Import", "Mapping", "import_files", "load_mapping"]
