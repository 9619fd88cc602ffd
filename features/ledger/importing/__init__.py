"""Bringing exports from other systems into the ledger."""
