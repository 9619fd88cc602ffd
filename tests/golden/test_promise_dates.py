"""Golden table of relative dates. Source: rules in the README of the labelled mails, days worked out by hand."""

# ruff: noqa: E501  (a case reads better on one line)
from __future__ import annotations

import datetime as dt

import pytest

from features.email.amounts import find_amounts
from features.email.folding import fold
from features.email.time_expressions import find_time_expressions

# Wednesday 3 December 2025
SENT = dt.date(2025, 12, 3)


def resolve(text: str, language: str, sent: dt.date = SENT) -> list[str | None]:
    moments = find_time_expressions(fold(text), sent, language)
    return [moment.on.isoformat() if moment.on else None for moment in moments]


FRENCH = [
    ("vendredi", "2025-12-05"), ("mercredi", "2025-12-10"), ("vendredi prochain", "2025-12-05"), ("mercredi prochain", "2025-12-10"),
    ("lundi en huit", "2025-12-15"), ("lundi en quinze", "2025-12-22"), ("demain", "2025-12-04"), ("après-demain", "2025-12-05"),
    ("sous 8 jours", "2025-12-11"), ("sous huit jours", "2025-12-11"), ("sous huitaine", "2025-12-11"), ("sous quinzaine", "2025-12-18"),
    ("sous 48h", "2025-12-05"), ("dans dix jours", "2025-12-13"), ("dans trois semaines", "2025-12-24"), ("d'ici une semaine", "2025-12-10"),
    ("la semaine prochaine", "2025-12-12"), ("S50", "2025-12-12"), ("semaine 51", "2025-12-19"), ("semaine du 15", "2025-12-19"),
    ("fin de mois", "2025-12-31"), ("d'ici fin janvier", "2026-01-31"), ("courant février", "2026-02-28"), ("mi-janvier", "2026-01-15"),
    ("mi-mois", "2025-12-15"), ("fin du trimestre", "2025-12-31"), ("le 10/12", "2025-12-10"), ("le 10/01/26", "2026-01-10"),
    ("le 15 janvier", "2026-01-15"), ("vendredi 12", "2025-12-12"), ("le 5", "2025-12-05"), ("le 1er février", "2026-02-01"),
    ("avant le 20 décembre", "2025-12-20"), ("le mois prochain", "2026-01-31"), ("début janvier", None), ("au prochain train de virements", None),
    ("la prochaine campagne de paiement", None), ("15.12.2025", "2025-12-15"), ("mardi de la semaine prochaine", "2025-12-09"),
    ("dans un mois", "2026-01-03"), ("ce soir", "2025-12-03"), ("le 31.12", "2025-12-31"), ("jeudi de cette semaine", "2025-12-04"), ("en fin de semaine", "2025-12-05"),
]  # fmt: skip
ENGLISH = [
    ("by Friday", "2025-12-05"), ("next Friday", "2025-12-05"), ("tomorrow", "2025-12-04"), ("within 48 hours", "2025-12-05"),
    ("within fourteen days", "2025-12-17"), ("in two weeks", "2025-12-17"), ("in a fortnight", "2025-12-17"), ("next week", "2025-12-12"),
    ("by the end of next week", "2025-12-12"), ("week of 15 December", "2025-12-19"), ("w/c 15 December", "2025-12-19"),
    ("end of the month", "2025-12-31"), ("by end of January", "2026-01-31"), ("mid-January", "2026-01-15"), ("on the 15th", "2025-12-15"), ("on 31.12.", "2025-12-31"), ("on Thursday this week", "2025-12-04"),
    ("before the month's out", "2025-12-31"), ("Friday. 3 780 to follow", "2025-12-05"),
    ("15 January", "2026-01-15"), ("January 15th", "2026-01-15"), ("10/12", "2025-12-10"), ("Friday week", "2025-12-12"),
    ("Tuesday next week", "2025-12-09"), ("early January", None), ("in the next payment run", None), ("next month", "2026-01-31"),
    ("24-DEC-2025", "2025-12-24"), ("by year end", "2025-12-31"), ("end of Q1", "2026-03-31"), ("Monday 15 December 2025", "2025-12-15"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "day"), FRENCH)
def test_french_moments_resolve_from_the_day_of_sending(words, day):
    assert resolve(f"le virement partira {words}.", "fr") == [day]


@pytest.mark.parametrize(("words", "day"), ENGLISH)
def test_english_moments_resolve_from_the_day_of_sending(words, day):
    assert resolve(f"we will pay {words}.", "en") == [day]


def test_day_and_month_follow_american_habits_in_an_american_mail():
    assert resolve("check for $250 goes out 1/9", "en") == ["2026-01-09"]
    assert resolve("cheque for £250 goes out 1/9", "en") == ["2025-09-01"]
    assert resolve("check goes out 1/17", "en") == ["2026-01-17"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("18 k€", 18000), ("26,5 k€", 26500), ("1 250,00 €", 1250), ("1.250,50 EUR", 1250.5), ("€1.875", 1875), ("CHF 4'300.–", 4300),
        ("£62,000", 62000), ("$2,208.75", 2208.75), ("Rs 1,25,000/-", 125000), ("850 000 FCFA", 850000), ("mille deux cents euros", 1200),
        ("quatre-vingt-dix euros", 90), ("soixante-quinze euros", 75), ("fifteen thousand", 15000), ("two hundred and fifty pounds", 250),
        ("38 grand", 38000), ("1.5k", 1500), ("2 lakhs", 200000), ("12 000 dh", 12000), ("5612,40 €", 5612.4),
    ],
)  # fmt: skip
def test_sums_are_read_whatever_their_written_form(written, value):
    assert [amount.value for amount in find_amounts(fold(f"soit {written} en tout"))] == [value]


@pytest.mark.parametrize(
    "text", ["facture 25-1402", "les 12 palettes", "à 7h30", "le 01 99 00 41 20", "article 9.2"]
)
def test_numbers_that_are_not_money_are_left_alone(text):
    assert find_amounts(fold(text)) == ()
