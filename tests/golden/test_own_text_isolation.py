"""Golden cases of text isolation. Source: hand-made mails in the layouts of the named programs."""

# ruff: noqa: E501  (a case reads better on one line)
from __future__ import annotations

import pytest

from features.email.own_text import isolate_own_text, repair_text

OWN = "Bonjour, bien noté pour la facture 4471."

LAYOUTS = {
    "angle brackets": f"{OWN}\n\n> Vous êtes en redressement ?\n> Merci de payer.",
    "outlook french": (
        f"{OWN}\n\n-----Message d'origine-----\nDe : Relances\nEnvoyé : lundi 3 mars 2025 09:00\nObjet : Relance\n\nEn litige ?"
    ),
    "outlook english": f"{OWN}\n\n-----Original Message-----\nFrom: AR\nSent: 3 March 2025\nSubject: x\n\nAre you insolvent?",
    "header block without separator": f"{OWN}\n\nDe : Relances <r@x.example>\nEnvoyé : lundi\nÀ : Compta\nObjet : y\n\nLitige ?",
    "header block in english": f"{OWN}\n\nFrom: AR Team\nSent: 3 March\nTo: AP\nSubject: y\n\nDo you dispute?",
    "underscore rule": f"{OWN}\n\n________________________________\nFrom: AR\nSent: Monday\nSubject: y\n\nIn dispute?",
    "gmail french": f"{OWN}\n\nLe lun. 3 mars 2025 à 09:00, Relances <r@x.example> a écrit :\n> Payez !",
    "gmail english": f"{OWN}\n\nOn Mon, 3 Mar 2025 at 09:00, AR <a@x.example> wrote:\n> Pay!",
    "introduction wrapped over two lines": f"{OWN}\n\nOn Mon, 3 Mar 2025 at 09:00, Accounts Receivable\n<a@x.example> wrote:\n\n> Pay!",
    "introduction without brackets after": f"{OWN}\n\nLe 03/03/2025 à 09:00, Relances a écrit :\nVous êtes en cessation des paiements ?",
    "apple forward": f"{OWN}\n\nBegin forwarded message:\n\nFrom: AR\nSubject: y\n\nWe hear you are closing.",
    "html quote": f"<div>{OWN}</div><blockquote>Êtes-vous en faillite ?</blockquote>",
    "signature delimiter": f"{OWN}\n-- \nJeanne Marchais\nDirection des litiges",
    "sign-off": f"{OWN}\n\nCordialement,\nJeanne Marchais\nService contentieux",
    "bare signature": f"{OWN}\nJeanne Marchais\nFonderie du Lac",
    "phone": f"{OWN}\n\nEnvoyé de mon iPhone",
    "french disclaimer": f"{OWN}\n\nCe message et ses pièces jointes sont confidentiels et établis à l'intention exclusive de ses destinataires.",
    "english disclaimer": f"{OWN}\n\nThis e-mail is confidential and intended for the addressee only.",
}

DAMAGED = [
    ("rÃ¨glement prÃ©vu Ã\u00a0 lâ€™échéance", "règlement prévu à l’échéance"),
    ("r=C3=A8glement pr=C3=A9vu", "règlement prévu"),
    ("r&egrave;glement&nbsp;pr&eacute;vu", "règlement prévu"),
    ("1\u202f250,00\u00a0€", "1 250,00 €"),
    ("soft\u00adhyphen\u200b", "softhyphen"),
    ("Âge et Ève, déjà réglé", "Âge et Ève, déjà réglé"),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_only_the_senders_own_words_remain(layout):
    assert isolate_own_text("Re: Relance", LAYOUTS[layout]).text == OWN


def test_answers_typed_between_quoted_lines_stay():
    body = "> Un litige ?\nNon, aucun.\n\n> Une date ?\nLe 12 mars."
    assert isolate_own_text("Re: x", body).text.split("\n") == ["Non, aucun.", "", "Le 12 mars."]


def test_the_bank_confirmation_a_sender_forwards_is_its_statement():
    body = (
        "Voir ci-dessous\n\n---------- Message transféré ----------\nDe : Banque des Alpilles <no@b.example>\nObjet : avis\n"
        "Votre virement de 310,00 EUR a été exécuté."
    )
    assert "Votre virement de 310,00 EUR a été exécuté." in isolate_own_text("Tr : avis", body).text


def test_the_creditors_reminder_that_a_sender_forwards_is_not_its_statement():
    body = "Pour toi\n\n---------- Forwarded message ----------\nFrom: Credit control\nSubject: late\nYou promised £900."
    assert isolate_own_text("Fwd: late", body).text == "Pour toi"


def test_a_postscript_after_the_signature_stays():
    text = isolate_own_text("Re: x", f"{OWN}\n\nCordialement,\nJeanne\nPS : le virement part lundi.").text
    assert text.endswith("PS : le virement part lundi.")


def test_the_subject_of_a_reply_is_not_the_senders_own():
    assert isolate_own_text("RE: RE: Mise en demeure", OWN).subject == ""
    assert isolate_own_text("Cessation d'activité", OWN).subject == "Cessation d'activité"


@pytest.mark.parametrize(("damaged", "mended"), DAMAGED)
def test_damaged_text_is_mended_and_sound_text_left_alone(damaged, mended):
    assert repair_text(damaged) == mended


def test_an_answer_below_the_line_of_a_help_desk_is_kept():
    body = "##- Please type your reply above this line -##\n\nPaid on Monday, please check.\n\nKendra"
    assert isolate_own_text("Re: [Ticket 8842]", body).text == "Paid on Monday, please check."


def test_text_below_a_help_desk_line_is_the_thread_of_an_answer():
    body = f"{OWN}\n\n##- Please type your reply above this line -##\n\nAre you insolvent?"
    assert isolate_own_text("Re: [Ticket 8842]", body).text == OWN


def test_short_sentences_at_the_end_are_no_signature():
    assert (
        isolate_own_text("Re: relance", "Non.\nPas reçue.\nRenvoyez.").text == "Non.\nPas reçue.\nRenvoyez."
    )
