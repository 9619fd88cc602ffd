"""The sentence of each group of features, in French and English, with the invoice's real values.

A group has one or more sentences of its own; the first whose values are all known and which applies is used. Where none
does, the feature that weighs most is named with its value, so that every reason always has words. A sentence says
what its features measure and no more: about which invoices, over which days, net of what.

Amounts of the customer's other invoices are in the reporting currency and net of all payments and credit notes set
against those invoices, overpayments included; credit that is not set against an invoice is not deducted.
"""

from __future__ import annotations

from collections.abc import Callable

from features.groups.columns import FeatureColumn
from features.groups.payment_runs import HABIT_SHARE
from features.messages import Language, Text
from models.explanation.subject import Subject
from models.explanation.wording import counted, days, money, number, percent, value_with_unit

Sentence = Callable[[Subject, Language], str | None]


def describe(group: str, leading: FeatureColumn, subject: Subject) -> Text:
    """What to say of a group of features.

    Args:
        group: name of the group, as `groups.group_of` gives it.
        leading: the feature of the group that weighs most.
        subject: the values.
    """
    return Text(fr=_sentence(group, leading, subject, "fr"), en=_sentence(group, leading, subject, "en"))


def _sentence(group: str, leading: FeatureColumn, subject: Subject, language: Language) -> str:
    for sentence in SENTENCES.get(group, ()):
        text = sentence(subject, language)
        if text is not None:
            return text
    label = leading.label.in_language(language)
    between = "\u00a0: " if language == "fr" else ": "
    value = subject.value(leading.name)
    if value is None:
        return f"{label}{between}{'inconnu' if language == 'fr' else 'unknown'}"
    currency = subject.money.reporting_currency
    return f"{label}{between}{value_with_unit(value, leading.unit, language, currency)}"


def _unpaid_and_late(subject: Subject, language: Language) -> str | None:
    """5 of the 5 invoices whose outcome is known were late, those still unpaid included.

    Said where invoices that are not settled have an outcome: the settled ones alone tell less than the model reads.
    """
    due, late = subject.value("outcome_count_all"), subject.value("late_count_all")
    settled = subject.value("history_depth")
    if not late or due is None or settled is None or due <= settled:
        return None
    count, late_count = round(due), round(late)
    delay = _late_by(subject.grace_days, language)
    if language == "fr":
        if count == 1:
            return f"la seule facture arrivée à échéance est {delay}, encore impayée"
        verb = "ont été" if late_count > 1 else "a été"
        return f"{late_count} des {count} factures dont l'issue est connue {verb} {delay}, impayées comprises"
    if count == 1:
        return f"the only invoice that has come due is {delay}, still unpaid"
    verb = "were" if late_count > 1 else "was"
    return f"{late_count} of the {count} invoices whose outcome is known {verb} {delay}, those still unpaid included"


def _no_history(subject: Subject, language: Language) -> str | None:
    if subject.value("history_depth") != 0:
        return None
    return {
        "fr": "aucune facture soldée connue de ce client",
        "en": "no settled invoice known of this customer",
    }[language]


def _habit(subject: Subject, language: Language) -> str | None:
    """4 of the last 6 settled invoices were late; on average settled 12 days after the due date.

    Late and average are over the same invoices, the latest ten that are known to be settled.
    """
    settled, late = subject.value("settled_count_10n"), subject.value("late_count_10n")
    mean = subject.value("days_late_mean_10n")
    if not settled or late is None or mean is None:
        return None
    count, late_count = round(settled), round(late)
    when = _around_due_date(round(mean), language)
    if language == "fr":
        delay = _late_by(subject.grace_days, "fr")
        if count == 1:
            verdict = f"l'a été {delay}" if late_count else f"ne l'a pas été {delay}"
            return f"la seule facture soldée connue {verdict}, {when}"
        if late_count == 0:
            share = f"aucune des {count} dernières factures soldées ne l'a été"
        else:
            verb = "l'ont" if late_count > 1 else "l'a"
            share = f"{late_count} des {count} dernières factures soldées {verb} été"
        return f"{share} {delay}\u00a0; en moyenne soldées {when}"
    delay = _late_by(subject.grace_days, "en")
    if count == 1:
        verdict = "was" if late_count else "was not"
        return f"the only settled invoice known {verdict} {delay}, settled {when}"
    if late_count == 0:
        return f"none of the last {count} settled invoices was {delay}; on average settled {when}"
    verb = "were" if late_count > 1 else "was"
    return f"{late_count} of the last {count} settled invoices {verb} {delay}; on average settled {when}"


def _late_by(grace_days: int, language: Language) -> str:
    """What counts as late: after the due date, or more than the days of grace after it."""
    if grace_days == 0:
        return {"fr": "en retard", "en": "late"}[language]
    if language == "fr":
        return f"avec plus de {days(grace_days, 'fr')} de retard"
    return f"more than {days(grace_days, 'en')} late"


def _around_due_date(late: int, language: Language) -> str:
    if late == 0:
        return {"fr": "à l'échéance", "en": "on the due date"}[language]
    if language == "fr":
        return f"{days(abs(late), 'fr')} {'après' if late > 0 else 'avant'} l'échéance"
    return f"{days(abs(late), 'en')} {'after' if late > 0 else 'before'} the due date"


def _exposure(subject: Subject, language: Language) -> str | None:
    """2 other overdue invoices: €12,340 net of payments and credits, the oldest 45 days past due.

    Of invoices that no exchange rate converts there is no amount, and the sentence says how many they are.
    """
    text, apart = _owed(subject, language), subject.value("other_currency_open_count")
    if text is None or not apart:
        return text
    if language == "fr":
        others = counted(apart, "facture ouverte est", "factures ouvertes sont", "fr")
        return f"{text}\u00a0; {others} dans une devise sans taux de change, hors montant"
    others = counted(apart, "open invoice is", "open invoices are", "en")
    return f"{text}; {others} in a currency without an exchange rate, not in the amount"


def _owed(subject: Subject, language: Language) -> str | None:
    overdue_count, overdue = subject.value("overdue_count"), subject.value("overdue_amount_sum")
    open_count, open_amount = subject.value("open_count"), subject.value("open_amount_sum")
    if overdue_count is None or overdue is None or open_count is None or open_amount is None:
        return None
    if overdue_count == 0 and open_count == 0:
        return {"fr": "aucune autre facture ouverte", "en": "no other open invoice"}[language]
    if overdue_count == 0:
        if language == "fr":
            others = counted(open_count, "autre facture ouverte", "autres factures ouvertes", "fr")
            none = "non échue" if round(open_count) < 2 else "aucune échue"
            return f"{others}, {none}\u00a0: {_net(open_amount, subject, 'fr')}"
        others = counted(open_count, "other open invoice", "other open invoices", "en")
        none = "not overdue" if round(open_count) == 1 else "none overdue"
        return f"{others}, {none}: {_net(open_amount, subject, 'en')}"
    oldest = subject.value("others_oldest_overdue_days")
    if language == "fr":
        others = counted(overdue_count, "autre facture échue", "autres factures échues", "fr")
        text = f"{others}\u00a0: {_net(overdue, subject, 'fr')}"
        return text if oldest is None else f"{text}, la plus ancienne échue depuis {days(oldest, 'fr')}"
    others = counted(overdue_count, "other overdue invoice", "other overdue invoices", "en")
    text = f"{others}: {_net(overdue, subject, 'en')}"
    return text if oldest is None else f"{text}, the oldest {days(oldest, 'en')} past due"


def _net(amount: float, subject: Subject, language: Language) -> str:
    """An amount of other invoices; below zero where more was paid or credited on them than they are for."""
    currency = subject.money.reporting_currency
    in_credit = round(amount) < 0
    if language == "fr":
        text = money(abs(amount), "fr", currency)
        return f"{text} {'en faveur du client, ' if in_credit else ''}nets des paiements et avoirs"
    text = money(abs(amount), "en", currency)
    return f"{text} {'in credit ' if in_credit else ''}net of payments and credits"


def _incidents(subject: Subject, language: Language) -> str | None:
    """2 bounced payments so far, the latest 12 days ago; 1 invoice written off."""
    bounced, recency = subject.value("bounce_count_all"), subject.value("bounce_recency_days")
    lost = subject.value("written_off_count_all")
    if bounced is None or lost is None:
        return None
    if language == "fr":
        text = (
            counted(bounced, "paiement rejeté", "paiements rejetés", "fr")
            if bounced
            else "aucun paiement rejeté"
        )
        if bounced and recency is not None:
            text += f", le dernier il y a {days(recency, 'fr')}"
        losses = counted(lost, "créance passée en perte", "créances passées en perte", "fr")
        return f"{text}\u00a0; {losses if lost else 'aucune créance passée en perte'}"
    text = counted(bounced, "bounced payment", "bounced payments", "en") if bounced else "no bounced payment"
    if bounced and recency is not None:
        text += f", the latest {days(recency, 'en')} ago"
    losses = counted(lost, "invoice written off", "invoices written off", "en")
    return f"{text}; {losses if lost else 'no invoice written off'}"


def _credit(subject: Subject, language: Language) -> str | None:
    """Credit notes not set against an invoice: €120; cash on account: €300."""
    credit, cash = subject.value("unapplied_credit_sum"), subject.value("cash_on_account_sum")
    if credit is None or cash is None:
        return None
    currency = subject.money.reporting_currency
    notes, account = money(credit, language, currency), money(cash, language, currency)
    if language == "fr":
        return f"avoirs non imputés\u00a0: {notes}\u00a0; acomptes non imputés\u00a0: {account}"
    return f"credit notes not set against an invoice: {notes}; cash on account: {account}"


def _disputes(subject: Subject, language: Language) -> str | None:
    """An open dispute on this invoice, 2 on other invoices of the customer."""
    own, every = subject.value("own_open_dispute_count"), subject.value("disputed_count")
    opened = subject.value("dispute_count_365d")
    if own is None or every is None or opened is None:
        return None
    others = round(every - own)
    if language == "fr":
        elsewhere = counted(others, "litige ouvert", "litiges ouverts", "fr")
        if own:
            here = counted(own, "litige ouvert", "litiges ouverts", "fr")
            text = f"{here} sur cette facture"
            return text if others <= 0 else f"{text}, {number(others, 'fr')} sur d'autres factures du client"
        if others > 0:
            return f"{elsewhere} sur d'autres factures du client, aucun sur celle-ci"
        if opened:
            past = counted(opened, "litige né", "litiges nés", "fr")
            return f"aucun litige ouvert, {past} sur 365 jours"
        return "aucun litige ouvert, aucun né sur 365 jours"
    if own:
        text = f"{counted(own, 'open dispute', 'open disputes', 'en')} on this invoice"
        return text if others <= 0 else f"{text}, {number(others, 'en')} on other invoices of the customer"
    if others > 0:
        elsewhere = counted(others, "open dispute", "open disputes", "en")
        return f"{elsewhere} on other invoices of the customer, none on this one"
    if opened:
        return f"no open dispute, {number(opened, 'en')} opened over 365 days"
    return "no open dispute, none opened over 365 days"


def _reminders(subject: Subject, language: Language) -> str | None:
    own, every = subject.value("own_reminder_count"), subject.value("reminder_count_90d")
    if own is None or every is None:
        return None
    if language == "fr":
        sent = counted(own, "relance", "relances", "fr") if own else "aucune relance"
        whole = number(every, "fr") if every else "aucune"
        return f"{sent} sur cette facture, {whole} à ce client sur 90 jours"
    sent = counted(own, "reminder", "reminders", "en") if own else "no reminder"
    return (
        f"{sent} for this invoice, {number(every, 'en') if every else 'none'} to this customer over 90 days"
    )


def _invoice(subject: Subject, language: Language) -> str | None:
    """Invoice of €1,000, due in 5 days, 30 days after its issue; or 12 days past due."""
    late, granted = subject.value("days_past_due"), subject.value("terms_days")
    amount = subject.money.amount
    if late is None or granted is None or amount is None:
        return None
    text = money(amount, language, subject.money.currency)
    if language == "fr":
        if late > 0:
            return f"facture de {text}, échue depuis {days(late, 'fr')}"
        when = "ce jour" if round(late) == 0 else f"dans {days(-late, 'fr')}"
        return f"facture de {text}, échéance {when}, {days(granted, 'fr')} après l'émission"
    if late > 0:
        return f"invoice of {text}, {days(late, 'en')} past due"
    when = "today" if round(late) == 0 else f"in {days(-late, 'en')}"
    return f"invoice of {text}, due {when}, {days(granted, 'en')} after its issue"


def _run(subject: Subject, language: Language) -> str | None:
    """Pays on Thursdays (60 % of its payment days over 365 days), next one 3 days after the due date."""
    wait = subject.value("days_due_to_next_run")
    weekday, on_weekday = (
        subject.value("preferred_weekday_365d"),
        subject.value("preferred_weekday_share_365d"),
    )
    on_days = subject.value("preferred_days_of_month_share_365d")
    if wait is None or weekday is None or on_weekday is None or on_days is None:
        return None
    is_weekly = on_weekday >= HABIT_SHARE and on_weekday >= on_days
    share = percent(on_weekday if is_weekly else on_days, language)
    name = value_with_unit(weekday, "weekday", language)
    if language == "fr":
        habit = f"paie le {name}" if is_weekly else "paie à dates fixes du mois"
        following = (
            "l'échéance en est un" if round(wait) == 0 else f"le prochain {days(wait, 'fr')} après l'échéance"
        )
        return f"{habit} ({share} de ses jours de paiement sur 365 jours), {following}"
    habit = f"pays on {name}s" if is_weekly else "pays on fixed days of the month"
    following = (
        "the due date is one" if round(wait) == 0 else f"the next one {days(wait, 'en')} after the due date"
    )
    return f"{habit} ({share} of its payment days over 365 days), {following}"


def _sector(subject: Subject, language: Language) -> str | None:
    sector, portfolio = subject.value("sector_late_share_365d"), subject.value("portfolio_late_share_365d")
    if sector is None or portfolio is None:
        return None
    own, whole = percent(sector, language), percent(portfolio, language)
    delay = _late_by(subject.grace_days, language)
    if language == "fr":
        return f"autres clients, sur 365 jours\u00a0: {own} des factures {delay} dans le secteur, {whole} au total"
    return f"other customers over 365 days: {own} of invoices {delay} in the sector, {whole} in all"


def _depth(subject: Subject, language: Language) -> str | None:
    """79 settled invoices known; with similar customers counted in, settled 15 days before the due date on average."""
    depth, late = subject.value("history_depth"), subject.value("days_late_shrunk_all")
    if depth is None or late is None:
        return None
    when = _around_due_date(round(late), language)
    if language == "fr":
        known = counted(depth, "facture soldée connue", "factures soldées connues", "fr")
        return f"{known}\u00a0; clients semblables compris, règlement moyen {when}"
    known = counted(depth, "settled invoice known", "settled invoices known", "en")
    return f"{known}; with similar customers counted in, settled {when} on average"


def _pace(subject: Subject, language: Language) -> str | None:
    recency, paid = subject.value("payment_recency_days"), subject.value("payment_frequency_90d")
    if recency is None or paid is None:
        return None
    if language == "fr":
        pace = counted(paid, "jour de paiement", "jours de paiement", "fr")
        return f"dernier paiement connu depuis {days(recency, 'fr')}, {pace} sur 90 jours"
    pace = counted(paid, "payment day", "payment days", "en")
    return f"latest payment known for {days(recency, 'en')}, {pace} over 90 days"


def _orders(subject: Subject, language: Language) -> str | None:
    ratio = subject.value("amount_to_mean_ratio")
    if ratio is None:
        return None
    if language == "fr":
        return f"montant de {number(ratio, 'fr', 1)} fois la moyenne des factures antérieures du client"
    return f"amount {number(ratio, 'en', 1)} times the mean of the customer's earlier invoices"


SENTENCES: dict[str, tuple[Sentence, ...]] = {
    "payment_behaviour": (_unpaid_and_late, _no_history, _habit),
    "payment_runs": (_run,),
    "rfm": (_pace,),
    "exposure": (_exposure,),
    "disputes": (_disputes,),
    "reminders": (_reminders,),
    "incidents": (_incidents,),
    "credit": (_credit,),
    "order_trend": (_orders,),
    "invoice_terms": (_invoice,),
    "sector_context": (_sector,),
    "cold_start": (_depth,),
}
"""Sentences of each group, the first that applies is used; other groups name their leading feature."""
