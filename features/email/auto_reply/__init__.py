"""Whether a machine sent the mail."""

from features.email.auto_reply.recognition import is_auto_reply

__all__ = ["is_auto_reply"]
