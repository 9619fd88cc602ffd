"""The sentence of each group of features, in French and English, with the invoice's real values.

A group has one or more sentences of its own; the first whose values are all known and which applies is used. Where none
does, the feature that weighs most is named with its value, so that every reason always has words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.columns import FeatureColumn
from models.explanation.wording import Language, counted, days, money, number, percent, value_with_unit

Values = Mapping[str, float]
"""Known feature values of one landmark; an unknown one is absent."""

Sentence = Callable[[Values, Language, str], str | None]


@dataclass(frozen=True)
class Texts:
    """One sentence in both languages."""

    fr: str
    en: str


def describe(group: str, leading: FeatureColumn | None, values: Values, currency: str = "EUR") -> Texts:
    """What to say of a group of features.

    Args:
        group: name of the group, as `groups.group_of` gives it.
        leading: the feature of the group that weighs most; null for groups without features.
        values: known values.
        currency: of the amounts.
    """
    return Texts(
        fr=_sentence(group, leading, values, "fr", currency),
        en=_sentence(group, leading, values, "en", currency),
    )


def _sentence(
    group: str, leading: FeatureColumn | None, values: Values, language: Language, currency: str
) -> str:
    for sentence in SENTENCES.get(group, ()):
        text = sentence(values, language, currency)
        if text is not None:
            return text
    if leading is None:
        return {"fr": "stade de la facture", "en": "stage of the invoice"}[language]
    label = leading.label_fr if language == "fr" else leading.label_en
    between = "\u00a0: " if language == "fr" else ": "
    if leading.name not in values:
        return f"{label}{between}{'inconnu' if language == 'fr' else 'unknown'}"
    return f"{label}{between}{value_with_unit(values[leading.name], leading.unit, language, currency)}"


def _habit(values: Values, language: Language, currency: str) -> str | None:
    """4 of the last 6 invoices paid late, 12 days on average."""
    for last in (10, 5, 3):
        count, late = values.get(f"settled_count_{last}n"), values.get(f"late_count_{last}n")
        mean = values.get(f"days_late_mean_{last}n")
        if count and late is not None and mean is not None:
            return _habit_words(round(count), round(late), mean, language)
    return None


def _habit_words(count: int, late: int, mean: float, language: Language) -> str:
    whole = round(mean)
    if language == "fr":
        if whole > 0:
            pace = (
                f"{days(whole, 'fr')} de retard en moyenne"
                if late == 0
                else f"{days(whole, 'fr')} en moyenne"
            )
        else:
            pace = (
                "à l'échéance en moyenne"
                if whole == 0
                else f"{days(-whole, 'fr')} avant l'échéance en moyenne"
            )
        if count == 1:
            when = "en retard" if late else "à temps"
            return f"la seule facture réglée l'a été {when}, {pace.replace(' en moyenne', '')}"
        if late == 0:
            return f"aucune des {count} dernières factures payée en retard, {pace}"
        return f"{late} des {count} dernières factures payée{'s' if late > 1 else ''} en retard, {pace}"
    if whole > 0:
        pace = f"{days(whole, 'en')} {'late ' if late == 0 else ''}on average"
    else:
        pace = "on the due date on average" if whole == 0 else f"{days(-whole, 'en')} early on average"
    if count == 1:
        return f"the only settled invoice was paid {'late' if late else 'on time'}, {pace.replace(' on average', '')}"
    if late == 0:
        return f"none of the last {count} invoices paid late, {pace}"
    return f"{late} of the last {count} invoices paid late, {pace}"


def _no_history(values: Values, language: Language, currency: str) -> str | None:
    if values.get("history_depth", 0.0) > 0:
        return None
    return {
        "fr": "aucune facture réglée connue de ce client",
        "en": "no settled invoice known of this customer",
    }[language]


def _overdue(values: Values, language: Language, currency: str) -> str | None:
    count, amount = values.get("overdue_count"), values.get("overdue_amount_sum")
    if count is None or amount is None:
        return None
    if count == 0:
        open_count, open_amount = values.get("open_count"), values.get("open_amount_sum")
        if not open_count or open_amount is None:
            return {"fr": "aucune autre facture ouverte", "en": "no other open invoice"}[language]
        if language == "fr":
            others = counted(open_count, "autre facture ouverte", "autres factures ouvertes", "fr")
            return f"{others} pour {money(open_amount, 'fr', currency)}, aucune échue"
        others = counted(open_count, "other open invoice", "other open invoices", "en")
        return f"{others} for {money(open_amount, 'en', currency)}, none overdue"
    oldest = values.get("oldest_overdue_days")
    if language == "fr":
        others = counted(count, "autre facture échue", "autres factures échues", "fr")
        text = f"{others} pour {money(amount, 'fr', currency)}"
        return text if oldest is None else f"{text}, la plus ancienne depuis {days(oldest, 'fr')}"
    others = counted(count, "other overdue invoice", "other overdue invoices", "en")
    text = f"{others} for {money(amount, 'en', currency)}"
    return text if oldest is None else f"{text}, the oldest for {days(oldest, 'en')}"


def _dispute(values: Values, language: Language, currency: str) -> str | None:
    own = values.get("own_open_dispute_count")
    if not own:
        return None
    return {"fr": "litige ouvert sur cette facture", "en": "open dispute on this invoice"}[language]


def _past_due(values: Values, language: Language, currency: str) -> str | None:
    late = values.get("days_past_due")
    if late is None or late <= 0:
        return None
    if language == "fr":
        return f"échéance dépassée de {days(late, 'fr')}"
    return f"{days(late, 'en')} past due"


def _terms(values: Values, language: Language, currency: str) -> str | None:
    granted, amount = values.get("terms_days"), values.get("amount")
    if granted is None or amount is None:
        return None
    if language == "fr":
        return f"facture de {money(amount, 'fr', currency)} à {days(granted, 'fr')}"
    return f"invoice of {money(amount, 'en', currency)} at {days(granted, 'en')}"


def _run(values: Values, language: Language, currency: str) -> str | None:
    wait, share = values.get("days_due_to_next_run"), values.get("preferred_weekday_share_365d")
    if wait is None:
        return None
    weekday = values.get("preferred_weekday_365d")
    if share is not None and share >= 0.5 and weekday is not None:
        day = value_with_unit(weekday, "weekday", language)
        habit = (
            f"paie le {day} ({percent(share, 'fr')} de ses paiements)"
            if language == "fr"
            else f"pays on {day}s ({percent(share, 'en')} of its payments)"
        )
    else:
        habit = "paie à jours fixes du mois" if language == "fr" else "pays on fixed days of the month"
    if language == "fr":
        return f"{habit}, prochain passage {days(wait, 'fr')} après l'échéance"
    return f"{habit}, next run {days(wait, 'en')} after the due date"


def _sector(values: Values, language: Language, currency: str) -> str | None:
    sector, portfolio = values.get("sector_late_share_365d"), values.get("portfolio_late_share_365d")
    if sector is None or portfolio is None:
        return None
    if language == "fr":
        whole = percent(portfolio, "fr")
        return f"{percent(sector, 'fr')} de factures en retard dans le secteur, {whole} dans le portefeuille"
    return (
        f"{percent(sector, 'en')} of invoices late in the sector, {percent(portfolio, 'en')} in the portfolio"
    )


def _pace(values: Values, language: Language, currency: str) -> str | None:
    recency = values.get("payment_recency_days")
    if recency is None:
        return None
    paid = values.get("payment_frequency_90d", 0.0)
    if language == "fr":
        return f"dernier paiement il y a {days(recency, 'fr')}, {number(paid, 'fr')} sur 90 jours"
    return f"latest payment {days(recency, 'en')} ago, {number(paid, 'en')} in 90 days"


def _orders(values: Values, language: Language, currency: str) -> str | None:
    ratio = values.get("amount_to_mean_ratio")
    if ratio is None:
        return None
    if language == "fr":
        return f"montant de {number(ratio, 'fr', 1)} fois la moyenne du client"
    return f"amount {number(ratio, 'en', 1)} times the customer's mean"


SENTENCES: dict[str, tuple[Sentence, ...]] = {
    "payment_behaviour": (_no_history, _habit),
    "payment_runs": (_run,),
    "rfm": (_pace,),
    "exposure": (_overdue,),
    "order_trend": (_orders,),
    "invoice_terms": (_dispute, _past_due, _terms),
    "sector_context": (_sector,),
}
"""Sentences of each group, the first that applies is used; other groups name their leading feature."""
