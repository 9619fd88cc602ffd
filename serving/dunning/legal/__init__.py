"""Dated legal values, and the late-payment interest reckoned from them."""

from serving.dunning.legal.interest import Principal, late_payment_interest, late_payment_rate
from serving.dunning.legal.parameters import (
    LegalParameters,
    LegalValue,
    LegalValueUnknownError,
    load_legal_parameters,
)

__all__ = [
    "LegalParameters",
    "LegalValue",
    "LegalValueUnknownError",
    "Principal",
    "late_payment_interest",
    "late_payment_rate",
    "load_legal_parameters",
]
