"""The wording of the supplier's reminder e-mails, French and English."""

from __future__ import annotations

from datetime import date

Line = tuple[str, int, date]
"""Invoice number, amount in cents, due date."""

_FRENCH = {
    1: (
        "Rappel : {what}",
        "Bonjour,\n\nSauf erreur de notre part, nous n'avons pas reçu le règlement de :\n{lines}\n\n"
        "Si votre paiement est parti, merci de ne pas tenir compte de ce message.\n\n"
        "Bien cordialement,\nService comptabilité clients",
    ),
    2: (
        "Deuxième rappel : {what}",
        "Bonjour,\n\nNotre rappel est resté sans effet. Restent dus à ce jour :\n{lines}\n\n"
        "Merci de nous indiquer la date de votre règlement ou ce qui l'empêche.\n\n"
        "Cordialement,\nService comptabilité clients",
    ),
}
_ENGLISH = {
    1: (
        "Reminder: {what}",
        "Hello,\n\nAccording to our books we have not received payment for:\n{lines}\n\n"
        "If your payment is on its way, please disregard this message.\n\nKind regards,\nAccounts receivable",
    ),
    2: (
        "Second reminder: {what}",
        "Hello,\n\nOur reminder has gone unanswered. The following remain due:\n{lines}\n\n"
        "Please let us know when payment will be made, or what stands in its way.\n\n"
        "Regards,\nAccounts receivable",
    ),
}


def reminder_letter(language: str, step: int, lines: list[Line]) -> tuple[str, str]:
    """Subject and body of a reminder for one or several invoices of a customer.

    Args:
        language: "fr", anything else is written in English.
        step: 1 for the first reminder, 2 for the second.
        lines: the invoices, with amount and due date.
    """
    french = language == "fr"
    subject, body = (_FRENCH if french else _ENGLISH)[step]
    one, many = ("facture {}", "{} factures") if french else ("invoice {}", "{} invoices")
    what = one.format(lines[0][0]) if len(lines) == 1 else many.format(len(lines))
    shown = "\n".join(_line(number, cents, due, french) for number, cents, due in lines)
    return subject.format(what=what), body.format(lines=shown)


def _line(number: str, cents: int, due: date, french: bool) -> str:
    if french:
        amount = f"{cents / 100:,.2f}".replace(",", " ").replace(".", ",")
        return f"- facture {number}, {amount} €, échéance {due:%d/%m/%Y}"
    return f"- invoice {number}, EUR {cents / 100:,.2f}, due {due:%d %B %Y}"
