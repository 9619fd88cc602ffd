"""Timelines of facts with what must be decided about them: the reference of what Encours does."""
