"""The sender's own new words, freed from quoted threads, signatures, disclaimers and damaged encodings."""

from features.email.own_text.isolation import OwnText, isolate_own_text
from features.email.own_text.repair import repair_text

__all__ = ["OwnText", "isolate_own_text", "repair_text"]
