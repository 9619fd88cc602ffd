"""Language, machine mails, sentences, folding and tone."""

from __future__ import annotations

import pytest

from features.email.auto_reply import is_auto_reply
from features.email.folding import fold
from features.email.language import detect_language
from features.email.sentences import split_sentences
from features.email.tone import measure_tone


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour, le virement est parti hier.", "fr"),
        ("Hello, the transfer went out yesterday.", "en"),
        ("Hello Kim, le virement est parti hier, merci pour la patience.", "fr"),
        ("Bonjour, the transfer went out yesterday and should be with you soon.", "en"),
        (
            "Hi Bob, we have sent the payment yesterday. Pour le reste, je vous tiens au courant dès que possible.",
            "mixed",
        ),
        ("cheque parti ce jour", "fr"),
        ("paid last week", "en"),
    ],
)
def test_the_language_is_that_of_the_senders_content(text, language):
    assert detect_language(text) == language


def test_the_subject_tells_the_language_of_an_empty_mail():
    assert detect_language("", "your invoice is late") == "en"
    assert detect_language("", "votre facture") == "fr"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Automatic reply: reminder", "I am away."),
        ("Réponse automatique : relance", "Je suis absent jusqu'au 3 mai."),
        ("Absence du bureau", "Je suis en congés, merci de contacter le standard."),
        ("Out of office", "On annual leave until Monday, for urgent matters please contact the desk."),
        ("Ticket 4412", "Your request has been received. This is an automated message, do not reply."),
        ("Remittance advice 00991", "Payment no. 00991 Total 1,408.20 GBP Paid by BACS"),
        ("Avis 2512", "Bénéficiaire : Hortus\nMontant : 1 200,00\nDate d'exécution : 09/12/2025"),
        ("Portal message - do not reply", "Document parked, bank account not verified."),
        ("Message d'absence prolongée", "Je suis en arrêt jusqu'au 31 août."),
        ("Accusé", "Ce message confirme que votre courriel a été remis."),
        ("Accusé de réception", "Ceci est un message automatique, merci de ne pas y répondre."),
    ],
)
def test_mails_sent_by_machines_are_told(subject, text):
    assert is_auto_reply(subject, text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: relance", "Désolé du retard, j'étais en congé. Je règle demain."),
        ("RE: overdue", "Our signatory is on leave, payment will follow."),
        ("Re: Inv 4410", "DO NOT resend. It's in the workflow, the workflow is Brenda, she is off."),
        ("Vos factures", "Montant : d'accord. Pour le reste je vérifie."),
        ("Fermeture annuelle", "Nos bureaux ferment le 24. Pensez à commander avant le 15."),
    ],
)
def test_people_who_mention_an_absence_are_still_people(subject, text):
    assert not is_auto_reply(subject, text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Bonjour M. Lenoir, rien reçu. Merci.", ["Bonjour M. Lenoir, rien reçu.", "Merci."]),
        ("Voir art. 5 du contrat. Refus.", ["Voir art. 5 du contrat.", "Refus."]),
        ("Payé 1.250,50 EUR hier! Ok ?\nFin", ["Payé 1.250,50 EUR hier!", "Ok ?", "Fin"]),
        ("", []),
    ],
)
def test_sentences_end_at_stops_and_lines_but_not_at_abbreviations(text, sentences):
    assert [text[a:b] for a, b in split_sentences(text)] == sentences


def test_a_line_wrapped_by_the_mail_program_does_not_end_a_sentence():
    text = "Nous vous informons que le paiement de la facture citée en objet sera\nfait vendredi."
    assert len(split_sentences(text)) == 1


def test_folding_keeps_every_place():
    text = "Échéance « reportée » – l’œuvre, ﬁn İ"
    assert len(fold(text)) == len(text)
    assert fold("Échéance") == "echeance"


def test_tone_orders_warm_plain_and_hostile():
    warm = measure_tone("Merci beaucoup, bonne journée :-)", 0.01)
    plain = measure_tone("La facture 12 est au service 4.", 0.01)
    hostile = measure_tone("C'est une honte, vos menaces sont inadmissibles !!!", 0.98)
    assert -1 <= hostile < plain < warm <= 1
