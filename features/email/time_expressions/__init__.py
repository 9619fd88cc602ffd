"""Moments named in French and English mails, resolved from the day the mail was sent."""

from features.email.time_expressions.finding import find_time_expressions

__all__ = ["find_time_expressions"]
