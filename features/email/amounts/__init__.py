"""Sums of money in the forms French and English mails write them."""

from features.email.amounts.reading import find_amounts

__all__ = ["find_amounts"]
