"""Revisions of the history store's schema, oldest first; each follows the one before it."""
