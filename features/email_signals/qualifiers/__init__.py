"""Qualifiers: why a mention does not count (denied, supposed, over, somebody else's, another sense, only asked)."""

from features.email_signals.qualifiers.qualifying import qualify_mentions

__all__ = ["qualify_mentions"]
