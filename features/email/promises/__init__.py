"""The earliest promised payment of a mail: its day, how far it can be relied on, and its sum."""

from features.email.promises.payment import Promise, promised_payment

__all__ = ["Promise", "promised_payment"]
