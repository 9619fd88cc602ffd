"""The language of the sender's own text: French, English, or both when each carries content."""

from features.email.language.detection import detect_language

__all__ = ["detect_language"]
