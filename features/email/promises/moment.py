"""Which of the moments named in a mail is the day of its earliest promised payment."""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from dataclasses import replace

from features.email.reading import Reading
from features.email.values import Mention, TimeExpression

_GREETING_BEFORE = ("bonne ", "bon ", "belle ", "nice ", "lovely ", "good ", "great ")
_OTHER_COMMITMENT = re.compile(
    r"(?:\bsign|rappel|call you|repond|reply|livr|deliver|reunion|meeting|camion|back to you|back on|audience|rentre\b"
    r"|retour|jusqu|until|echu|due on|due by|comptable passe|comes in|fermeture|closed|conge|absent|chaque|every|each"
    r"|(?:est|sera|serons|sommes) ferme|tous les|nous (?:paie|paye|regle|verse|vire)\b|pays us|paying us)"
    r"(?!.*(?:virement|reglement|paiement|cheque|payment|transfer))"
)
"""Words just before a moment that tie it to something else than the payment."""
_TERMS = re.compile(r"\d ?(?:jours?|j|days?) $")
"""Payment terms, which end in "fin de mois" without naming a day."""
_NEAR = 28
_ARTICLES = r"(?:le|la|les|l'|du|de|des|d'|of|on|the|this|for|pour|by|au|dated|datee?|from)"
_DOCUMENT = re.compile(
    r"\b(?:factures?|fact|fac|relances?|rappels?|courriers?|lettres?|e?-?mails?|courriels?|messages?|devis|commandes?"
    r"|bons?|avoirs?|appels?|releves?|livraisons?|invoices?|inv|reminders?|letters?|calls?|statements?|orders?"
    r"|quotes?|notes?|bills?|contra[ct]ts?|accords?|agreements?|reunions?|meetings?|jugements?|echanges?|entretiens?"
    r"|conversations?|discussions?)(?: [\w°/-]*\d[\w/-]*)?"
    r" (?:du|de|d'|des|of|from|dated|datee? du)(?: (?:the|ce|last))? ?$"
)
"""What a day is the date of when these words are right before it: "votre facture du 15", "your letter of 28 May"."""
_AGREED = re.compile(
    r"\b(?:convenu|accorde|agreed|discussed|vus?|dit|said|promis|spoke|telephone|recue?s?|received|emise?s?|issued|depuis"
    rf"|since|passee?s?)(?: \S+)?(?: {_ARTICLES})* ?$"
)
"""What happened on a day gone by: "comme convenu le 28 mai"."""
_DONE = re.compile(
    rf"\b(?:viree?s?|payee?s?|reglee?s?|envoyee?s?|partie?s?|paid|sent|transferred)(?: {_ARTICLES})* ?$"
)
_TO_BE = re.compile(r"\b(?:sera|seront|serez|seras|etre|be|get|are|is|aurez|auras)\b")
"""A payment done, and the words that make it one to come: "virée lundi", "sera virée lundi"."""
_REPLACED = re.compile(
    rf"(?:\bpas|\bnot|au lieu|instead|rather than|plutot que|\bet non(?: pas)?|\bno longer)(?: {_ARTICLES})* ?$"
)
"""What makes a day the one that is withdrawn: "pas vendredi mais lundi", "Monday instead of Friday"."""
_FIRST_PLANNED = re.compile(
    r"\b(?:initialement|originally|d'abord|at first|was due|were due|was planned|was supposed|etait prevue?)\b"
    r"(?:(?!\b(?:but|mais|will|sera|partira|now|finalement)\b)[^,;.])*$"
)
_NOT_BEFORE = re.compile(
    rf"(?:\bpas|\bnot|n't)(?: \S+){{0,4}}? (?:avant|before|until|till)(?: {_ARTICLES})* ?$"
)
_AFTER = re.compile(rf"(?<!jour )(?<!day )\b(?:apres|after)(?: {_ARTICLES})* ?$")
_LATEST = re.compile(
    r"au plus tard|au \+ tard|at the (?:very )?latest|no later than|not later than|dernier delai|derniere limite"
    r"|au pire|at worst"
)
_LATEST_AFTER = re.compile(rf"[ ,(]*(?:{_LATEST.pattern}|latest)")
_NEXT_WORD = 8
_PRECISION = re.compile(
    r"\b(?:soit|disons|c'est[- ]a[- ]dire|cad|say|i\.?e\.?|a savoir|namely|that is"
    r"|(?:reporte|decale|repousse|moved|pushed|postponed|rescheduled|delayed)\w*(?: \w+){0,2})"
    rf"[ :,]*(?:(?:{_ARTICLES}|a|to|until) ?)*$"
)
"""What makes the day that follows the one meant: "sous 10 jours, soit le 13", "moved to Monday"."""
_ANOTHER_PAYMENT = re.compile(
    r"\b(?:reste|restant|solde|rest|balance|remainder|remaining|puis|then|ensuite)\b"
)


def choose_moment(mentions: list[Mention], reading: Reading) -> TimeExpression | None:
    """The moment of the earliest promised payment; null when the mail names none.

    A moment that has gone by is chosen only when the promise's own sentence names it and no other.
    """
    candidates = [
        _as_meant(moment, reading)
        for moment in reading.moments
        if moment.tense != "past" and not _is_over(moment, reading) and _may_be_promised(moment, reading)
    ]
    inside = [m for m in candidates if any(_covers(mention, m, reading) for mention in mentions)]
    sentences = {mention.sentence for mention in mentions}
    beside = [m for m in candidates if sentence_of(m.start, reading) in sentences]
    for group in (_firm(inside, reading), _firm(beside, reading), inside, beside):
        if group:
            return _made_precise(_earliest(group, reading), candidates, reading)
    gone_by = [
        m
        for m in reading.moments
        if _is_over(m, reading)
        and (sentence_of(m.start, reading) in sentences or not (sentences or candidates))
        and _may_be_promised(m, reading)
        and not _AGREED.search(_before(m, reading))
        and not _is_done(m, reading)
    ]
    if gone_by:
        return max(gone_by, key=lambda m: (m.on or dt.date.min, -m.start))
    if candidates:
        return _made_precise(
            _earliest(_firm(candidates, reading) or candidates, reading), candidates, reading
        )
    return None


def sentence_of(character: int, reading: Reading) -> int:
    """Index of the sentence that contains a character; -1 when none does."""
    word = bisect_left(reading.word_starts, character)
    return next((n for n, (first, end) in enumerate(reading.sentence_words) if first <= word < end), -1)


def _is_over(moment: TimeExpression, reading: Reading) -> bool:
    return moment.on is not None and moment.on < reading.sent_on


def _before(moment: TimeExpression, reading: Reading, reach: int = 48) -> str:
    """The words before a moment, its own leading article or preposition included."""
    words = reading.folded[moment.start : moment.end]
    lead = re.match(rf"(?:(?:{_ARTICLES}|avant|before|until|till|apres(?! demain)|after) )*", words)
    return reading.folded[max(0, moment.start - reach) : moment.start + (lead.end() if lead else 0)]


def _may_be_promised(moment: TimeExpression, reading: Reading) -> bool:
    """Whether the day may be that of a payment: not of a greeting, a document, or a plan given up."""
    if reading.folded[max(0, moment.start - 10) : moment.start].endswith(_GREETING_BEFORE):
        return False
    before = _before(moment, reading)
    is_dated = moment.has_date or moment.weekday is not None
    if (is_dated and _DOCUMENT.search(before)) or _REPLACED.search(before):
        return False
    return not (moment.since is not None and _TERMS.search(before))


def _as_meant(moment: TimeExpression, reading: Reading) -> TimeExpression:
    """The moment, without its day where only an earliest day is given ("not before the 15th", "après le 15")."""
    before = _before(moment, reading)
    if _NOT_BEFORE.search(before) or _AFTER.search(before):
        return replace(moment, on=None, since=None, doubt=None)
    return moment


def _firm(group: list[TimeExpression], reading: Reading) -> list[TimeExpression]:
    """The moments that speak of the payment and of nothing else; the day of sending only when there is no other."""
    firm = [m for m in group if not _is_of_something_else(m, reading)]
    return [m for m in firm if m.tense != "today"] or firm


def _earliest(moments: list[TimeExpression], reading: Reading) -> TimeExpression:
    """The earliest day; a date written out beats a bare weekday beside it, a vague moment counts last."""
    dated = [m for m in moments if m.on is not None]
    vague = [m for m in moments if m.on is None]
    if vague and (not dated or vague[0].start < dated[0].start):
        weekday_after = [m for m in dated if m.start - vague[0].end <= _NEAR and m.start >= vague[0].end]
        return weekday_after[0] if weekday_after else vague[0]
    first = min(dated, key=_by_day)
    written = [m for m in dated if m.tense == "future"]
    if first.tense == "future" or not written:
        return first
    exact = min(written, key=_by_day)
    return first if _is_of_another_payment(first, exact, reading) else exact


def _by_day(moment: TimeExpression) -> tuple[dt.date, int]:
    return moment.on or dt.date.max, moment.start


def _is_of_another_payment(moment: TimeExpression, other: TimeExpression, reading: Reading) -> bool:
    """Whether the words between two moments begin a second payment: "300 € lundi et le solde fin juin"."""
    low, high = sorted((moment, other), key=lambda m: m.start)
    if _ANOTHER_PAYMENT.search(reading.folded, low.end, high.start):
        return True
    sentence = sentence_of(low.start, reading)
    amounts = [a for a in reading.amounts if sentence_of(a.start, reading) == sentence]
    return len(amounts) > 1 and any(low.end <= amount.start < high.start for amount in amounts)


def _made_precise(
    chosen: TimeExpression, candidates: list[TimeExpression], reading: Reading
) -> TimeExpression:
    """The moment that the same sentence gives as the latest or the exact day of that payment, else the chosen one."""
    if _is_latest(chosen, reading):
        return chosen
    sentence = sentence_of(chosen.start, reading)
    for other in candidates:
        if other.on is None or other.start == chosen.start or sentence_of(other.start, reading) != sentence:
            continue
        if _is_of_another_payment(chosen, other, reading):
            continue
        is_later = chosen.on is None or other.on >= chosen.on
        if is_later and (_is_latest(other, reading) or _PRECISION.search(_before(other, reading))):
            return other
    return chosen


def _is_latest(moment: TimeExpression, reading: Reading) -> bool:
    before = reading.folded[max(0, moment.start - 18) : moment.end]
    if _LATEST.search(before):
        return True
    after = _LATEST_AFTER.match(reading.folded, moment.end)
    return after is not None and not any(0 <= m.start - after.end() <= _NEXT_WORD for m in reading.moments)


def _covers(mention: Mention, moment: TimeExpression, reading: Reading) -> bool:
    return (
        reading.word_starts[mention.start] <= moment.start
        and moment.end <= reading.word_ends[mention.end - 1]
    )


def _is_of_something_else(moment: TimeExpression, reading: Reading) -> bool:
    before = _before(moment, reading)
    return bool(
        _OTHER_COMMITMENT.search(reading.folded, max(0, moment.start - 22), moment.start)
        or _FIRST_PLANNED.search(before)
        or (moment.tense == "open" and _is_done(moment, reading))
    )


def _is_done(moment: TimeExpression, reading: Reading) -> bool:
    before = _before(moment, reading)
    return bool(_DONE.search(before)) and not _TO_BE.search(before)
