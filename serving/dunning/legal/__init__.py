"""Dated legal values, and the late-payment interest computed from them."""

from serving.dunning.legal.coverage import Semester, coverage_warning, covered_until, lines_to_add, semesters
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
    "Semester",
    "coverage_warning",
    "covered_until",
    "late_payment_interest",
    "late_payment_rate",
    "lines_to_add",
    "load_legal_parameters",
    "semesters",
]
