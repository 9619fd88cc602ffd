"""A legal form of sole traders and liberal professions implies a natural person; what is stated wins."""

from __future__ import annotations

import datetime as dt

import pytest
import yaml

from features.ledger import check_tables
from features.legal_forms import LEGAL_FORMS_PATH, natural_person
from tests.ledger_samples import frame, invoice


@pytest.mark.parametrize(
    "form",
    ["EI", "e.i.", "Entrepreneur individuel (EI)", "1000", "1500 - Profession libérale", "PROFESSION LIBERALE",
     "Auto-entrepreneur", "auto entrepreneur", "Artisan-commerçant", "Personne physique", "sole trader",
     "Self-Employed", "15"],
)  # fmt: skip
def test_the_form_of_a_sole_trader_is_a_natural_person(form):
    assert natural_person(None, form) is True
    assert natural_person(stated=False, legal_form=form) is False


@pytest.mark.parametrize(
    "form",
    [
        None,
        "SAS",
        "SASU",
        "EURL",
        "SELARL",
        "5710",
        "5499 SARL unipersonnelle",
        "19th floor",
        "EI Lilly SA",
        "",
    ],
)
def test_any_other_form_says_nothing(form):
    assert natural_person(None, form) is None
    assert natural_person(stated=True, legal_form=form) is True


def test_the_list_is_dated_and_every_form_has_its_source():
    listed = yaml.safe_load(LEGAL_FORMS_PATH.read_text(encoding="utf-8"))
    assert isinstance(listed["edition"], dt.date)
    assert all(len(entry["source"]) > 20 for entry in (*listed["categories"], *listed["forms"]))


def test_a_check_says_how_many_customers_it_concerns():
    people = [
        {"customer_id": "K1", "legal_form": "EI"},
        {"customer_id": "K2", "legal_form": "EI", "is_natural_person": False},
        {"customer_id": "K3", "legal_form": "SAS"},
        {"customer_id": "K4", "legal_form": "sole trader"},
    ]
    tables = {
        "customers": frame("customers", [{"is_strategic": False, **row} for row in people]),
        "invoices": frame("invoices", [invoice()]),
        "payments": frame("payments", []),
    }
    checked = check_tables(tables)
    (note,) = [note for note in checked.report.assumptions if "natural persons" in note.text.en]
    assert (note.count, "personnes physiques" in note.text.fr) == (2, True)
    assert checked.ledger.customers["is_natural_person"].to_list() == [None, False, None, None]
