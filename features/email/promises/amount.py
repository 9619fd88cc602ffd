"""The sum promised for a day: the one beside it, several invoices added up, or the part of a sum that is named."""

from __future__ import annotations

import re

from features.email.promises.moment import sentence_of
from features.email.reading import Reading
from features.email.values import Amount, Mention, TimeExpression

_PASSING_WORDS = 10
_LIST_GAP = 48
_LIST_TOKEN = re.compile(r"[a-z0-9°'/-]+|[^\s\w]")
_JOINS = frozenset({"et", "and", "plus", "+", "&", ","})
_REFERENCES = frozenset({"facture", "factures", "fact", "fac", "invoice", "invoices", "inv"})
_PASSED_OVER = frozenset(
    {"la", "les", "le", "the", "n°", "no", "de", "pour", "for", "of", "(", ")", ",", ":", "#", "-"}
)
_PART = re.compile(
    r"(?:(?P<half>moitie|half)|(?P<third>tiers|a third)|(?P<share>\d{1,2}) ?%)"
    r" (?:de |des |du |d'|of |les |the |my |our )*$"
)
"""The part of the sum that follows: "la moitié des 3 000 €", "30 % of the £3,000"."""

_PAID = r"(?:paye|regle|verse|vire|envoye|debite|paid|sent|transferred)e?s?"
_PAID_BEFORE = re.compile(
    rf"\b(?:ai|as|a|avons|avez|ont|have|has|had|'ve|already|deja)"
    rf"(?: (?!pas\b|not\b|jamais\b|never\b)\w+){{0,2}} {_PAID}"
    r"(?: (?:vous|you|les|la|le|the|a|an|un|une|des|de|of|somme|sum|acompte|deposit|part|partie)){0,4} $"
)
_PAID_AFTER = re.compile(
    rf"\)? (?:qui (?:a|ont) ete |that was |which was )?(?:(?:deja|already) {_PAID}"
    rf"|{_PAID} (?:deja|already|hier|yesterday|last|ce matin|this morning|la semaine derniere|le mois dernier))\b"
)
"""What makes a sum one that has been paid: "vous ai payé 500 €", "the £500 already paid"."""


def promised_sum(chosen: TimeExpression | None, mentions: list[Mention], reading: Reading) -> float | None:
    """The sum nearest to the promised day in the same sentence, else inside the promise's sentence.

    Args:
        chosen: the moment of the promise; null when the mail names none.
        mentions: the promise's mentions.
        reading: the mail.

    Returns:
        The sum in the currency of the mail; null when none is stated.
    """
    sentences = {sentence_of(chosen.start, reading)} if chosen else {mention.sentence for mention in mentions}
    amounts = [
        a
        for a in reading.amounts
        if sentence_of(a.start, reading) in sentences and not _has_been_paid(a, reading)
    ]
    if not amounts:
        return _amount_in_passing(max(sentences, default=-1) + 1, reading)
    nearest = min(amounts, key=lambda a: _distance(a, chosen, reading)) if chosen else amounts[0]
    return round(sum(_value(amount, reading) for amount in _listed_with(nearest, amounts, reading)), 2)


def _has_been_paid(amount: Amount, reading: Reading) -> bool:
    before = reading.folded[max(0, amount.start - 40) : amount.start]
    return bool(_PAID_BEFORE.search(before) or _PAID_AFTER.match(reading.folded, amount.end))


def _listed_with(nearest: Amount, amounts: list[Amount], reading: Reading) -> list[Amount]:
    """The sum and those listed with it, invoice by invoice, without another day between them."""
    place = amounts.index(nearest)
    first = last = place
    while first > 0 and _are_listed(amounts[first - 1], amounts[first], reading):
        first -= 1
    while last + 1 < len(amounts) and _are_listed(amounts[last], amounts[last + 1], reading):
        last += 1
    return amounts[first : last + 1]


def _are_listed(one: Amount, next_one: Amount, reading: Reading) -> bool:
    gap = reading.folded[one.end : next_one.start]
    return (
        len(gap) <= _LIST_GAP
        and not any(one.end <= moment.start < next_one.start for moment in reading.moments)
        and _is_invoice_list(_LIST_TOKEN.findall(gap))
    )


def _is_invoice_list(between: list[str]) -> bool:
    """Whether words between two sums join one invoice to the next: "(500 €) et F-102 (300 €)", "500 € + 300 €"."""
    has_number = any(any(c.isdigit() for c in token) for token in between)
    names_invoice = has_number or not _REFERENCES.isdisjoint(between)
    joins = "+" in between or (names_invoice and not _JOINS.isdisjoint(between))
    return joins and all(
        token in _JOINS or token in _REFERENCES or token in _PASSED_OVER or any(c.isdigit() for c in token)
        for token in between
    )


def _value(amount: Amount, reading: Reading) -> float:
    part = _PART.search(reading.folded, max(0, amount.start - 24), amount.start)
    if part is None:
        return amount.value
    share = 1 / 2 if part["half"] else 1 / 3 if part["third"] else int(part["share"]) / 100
    return amount.value * share


def _amount_in_passing(number: int, reading: Reading) -> float | None:
    """The only sum of a short sentence ("I'll do it tonight. 89,90 € by transfer."); null for any other sentence."""
    if not 0 < number < len(reading.sentence_words):
        return None
    first, end = reading.sentence_words[number]
    amounts = [a for a in reading.amounts if sentence_of(a.start, reading) == number]
    return amounts[0].value if len(amounts) == 1 and end - first <= _PASSING_WORDS else None


def _distance(amount: Amount, moment: TimeExpression, reading: Reading) -> int:
    """Characters between sum and day; a clause in between and a sum described as the rest push them apart."""
    low, high = (amount.end, moment.start) if amount.end <= moment.start else (moment.end, amount.start)
    between = reading.folded[low:high]
    before = reading.folded[max(0, amount.start - 14) : amount.start]
    penalty = 40 * sum(between.count(mark) for mark in (";", ". ", " - "))
    penalty += 60 * any(
        word in before
        for word in ("except", "sauf", "hors", "of the", "sur les", "moins", "minus", "total", "less ")
    )
    penalty += 15 * (amount.start > moment.start)
    return max(0, high - low) + penalty
