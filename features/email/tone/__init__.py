"""Tone of a mail, from hostile to warm: a weak signal, only to be compared with the same customer's own past."""

from features.email.tone.measuring import measure_tone

__all__ = ["measure_tone"]
