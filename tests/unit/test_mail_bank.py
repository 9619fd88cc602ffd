"""The labelled mails of the world: a fixed half, moved in time with the dates they name."""

from datetime import date, timedelta

import pytest

from data_samples.generator import sample_world_mail_ids
from data_samples.generator.mail_bank import dates_in, labelled_emails, mails_for, redate

SENT = date(2025, 3, 12)
WEEKS = timedelta(days=28)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("virement le 31 mars", "virement le 28 avril"),
        ("le vendredi 14 mars 2025 au plus tard", "le vendredi 11 avril 2025 au plus tard"),
        ("le 1er avril", "le 29 avril"),
        ("avant le 04/04", "avant le 02/05"),
        ("échéance 15/03/2025.", "échéance 12/04/2025."),
        ("on 2025-03-20", "on 2025-04-17"),
        ("by April 3rd", "by May 1st"),
        ("on 21 March, 2025", "on 18 April, 2025"),
        ("the 20th of March", "the 17th of April"),
        ("le 31 décembre", "le 28 janvier"),
    ],
)
def test_a_full_date_moves_with_the_mail_and_keeps_its_form(before, after):
    assert redate(before, SENT, WEEKS) == after


@pytest.mark.parametrize(
    "text",
    [
        "1 250,00 €",
        "facture 2025-118",
        "fin mars",
        "payé le 9",
        "3/4 du montant",
        "S12",
        "12.50 EUR",
        "2.10 EUR",
        "v2/10",
    ],
)
def test_what_is_not_a_full_date_stays_as_written(text):
    assert redate(text, SENT, WEEKS) == text


def test_moving_a_labelled_mail_moves_every_full_date_in_it():
    shift = timedelta(days=371)
    for mail in labelled_emails():
        moved = redate(mail.body, mail.sent_on, shift)
        expected = {day + shift for day in dates_in(mail.body, mail.sent_on)}
        assert dates_in(moved, mail.sent_on + shift) == expected, mail.id


def test_the_world_draws_half_of_the_labelled_mails_and_training_the_rest():
    ids = sample_world_mail_ids()
    every = {mail.id for mail in labelled_emails()}
    assert ids < every
    assert 0.4 < len(ids) / len(every) < 0.6
    assert len(ids) == 337


def test_requested_mails_carry_exactly_their_label_from_the_declared_half():
    for wish in ("dispute", "admin_block", "promise_to_pay", "financial_difficulty+payment_plan_request", ""):
        for language in ("fr", "en"):
            mails = mails_for(wish, language)
            assert mails
            assert all(
                "+".join(sorted(mail.labels)) == "+".join(sorted(filter(None, wish.split("+"))))
                for mail in mails
            )
            assert {mail.id for mail in mails} <= sample_world_mail_ids()
            assert all(mail.language in (language, "mixed") for mail in mails)


def test_a_promise_to_shift_names_a_date_weekday_or_number_of_days():
    for mail in mails_for("promise_to_pay", "fr", promise_must_move=True):
        assert mail.promise_on is not None
        assert mail.promise_moves_with_the_mail
