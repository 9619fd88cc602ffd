"""Which debtors are natural persons: what is stated of them, else what their legal form implies.

The ledger stores what was stated and this module interprets it, so that a later legal form is read anew and a stated
value always wins. The forms are in `legal_forms.yaml`, dated and with their sources.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from features.yaml_source import YamlFile

LEGAL_FORMS_PATH: Final = Path(__file__).with_name("legal_forms.yaml")
#: An INSEE category of one, two or four digits, alone or before its wording.
_CATEGORY: Final = re.compile(r"\s*(\d{4}|\d{1,2})(?!\w)")
_IN_PARENTHESES: Final = re.compile(r"\([^)]*\)")


def natural_person(stated: bool | None, legal_form: str | None) -> bool | None:
    """Whether a customer is a natural person (sole traders included); None when neither value says so.

    Args:
        stated: `is_natural_person` of the customer; wins where it is known.
        legal_form: as registered or as the company words it.

    >>> natural_person(None, "Entrepreneur individuel (EI)"), natural_person(None, "SAS")
    (True, None)
    >>> natural_person(False, "Profession libérale")
    False
    """
    if stated is not None:
        return stated
    return True if legal_form is not None and _is_of_a_person(legal_form) else None


def implied_persons(customers: pl.DataFrame) -> int:
    """How many customers are natural persons by their legal form alone: `is_natural_person` is not stated.

    Args:
        customers: customers of a ledger.
    """
    unstated = customers.filter(pl.col("is_natural_person").is_null())["legal_form"].drop_nulls()
    counts = unstated.value_counts(name="count")
    return sum(count for form, count in counts.iter_rows() if natural_person(None, form))


@cache
def _is_of_a_person(legal_form: str) -> bool:
    prefixes, words = _forms()
    category = _CATEGORY.match(legal_form)
    if category is not None:
        return category[1].startswith(prefixes)
    return _folded(legal_form) in words or _folded(_IN_PARENTHESES.sub(" ", legal_form)) in words


@cache
def _forms() -> tuple[tuple[str, ...], frozenset[str]]:
    listed: dict[str, Any] = YamlFile.read(LEGAL_FORMS_PATH).content
    words = frozenset(_folded(word) for form in listed["forms"] for word in form["words"])
    return tuple(entry["prefix"] for entry in listed["categories"]), words


def _folded(text: str) -> str:
    """A wording without accents, capitals and dots; hyphens and other signs are blanks."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.casefold().replace(".", "")).split())
