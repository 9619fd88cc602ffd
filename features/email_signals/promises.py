"""Date and amount of the earliest promised payment, taken from the promise's own words."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left

from features.email_signals.components import Reading
from features.email_signals.values import Amount, Mention, TimeExpression

_GREETING_BEFORE = ("bonne ", "bon ", "belle ", "nice ", "lovely ", "good ", "great ")
_OTHER_COMMITMENTS = (
    "signe",
    "rappel",
    "call you",
    "repond",
    "reply",
    "livr",
    "deliver",
    "reunion",
    "meeting",
    "camion",
    "back to you",
    "audience",
)
_NEAR = 28
_PASSING_WORDS = 10


def promised_payment(reading: Reading) -> tuple[dt.date | None, float | None]:
    """Day and amount of the earliest promised payment of a mail already judged to hold a promise.

    The day is that of a moment to come inside the promise's own words, else the nearest one in its sentence, else
    the only one of the mail. Null when the words give no single day ("the next payment run") or no day at all.
    """
    candidates = [moment for moment in reading.moments if _may_be_promised(moment, reading)]
    mentions = [m for m in reading.mentions if m.label == "promise_to_pay"]
    counted = [m for m in mentions if m.is_strong and not set(m.qualifiers) - {"question", "third_party"}]
    chosen = _chosen_moment(candidates, counted or mentions, reading)
    if chosen is None:
        return None, _amount_beside(None, counted, reading)
    return _day_of(chosen, reading), _amount_beside(chosen, counted, reading)


def _may_be_promised(moment: TimeExpression, reading: Reading) -> bool:
    if moment.tense == "past":
        return False
    before = reading.folded[max(0, moment.start - 10) : moment.start]
    if before.endswith(_GREETING_BEFORE):
        return False
    return not (moment.on is not None and moment.on < reading.sent_on)


def _chosen_moment(
    candidates: list[TimeExpression], mentions: list[Mention], reading: Reading
) -> TimeExpression | None:
    if not candidates:
        return None
    inside = [m for m in candidates if any(_covers(mention, m, reading) for mention in mentions)]
    sentences = {mention.sentence for mention in mentions}
    beside = [m for m in candidates if _sentence_of(m.start, reading) in sentences]
    for group in (inside, beside, candidates):
        firm = [m for m in group if m.tense != "today" and not _is_other_commitment(m, reading)] or [
            m for m in group if m.tense != "today"
        ]
        usable = firm or group
        if usable:
            return _earliest(usable)
    return None


def _earliest(moments: list[TimeExpression]) -> TimeExpression:
    """The earliest day; a date written out beats a bare weekday beside it, a vague moment counts last."""
    written = [m for m in moments if m.on is not None and m.tense == "future"]
    dated = written or [m for m in moments if m.on is not None]
    vague = [m for m in moments if m.on is None]
    if vague and (not dated or vague[0].start < dated[0].start):
        weekday_after = [m for m in dated if m.start - vague[0].end <= _NEAR and m.start >= vague[0].end]
        return weekday_after[0] if weekday_after else vague[0]
    return min(dated, key=lambda m: (m.on or dt.date.max, m.start))


def _day_of(chosen: TimeExpression, reading: Reading) -> dt.date | None:
    """The day meant, made precise by what stands right beside it ("S21, le vendredi", "next Friday's run (24th)")."""
    if chosen.on is None:
        return None
    for other in reading.moments:
        if other is chosen or other.on is None or not 0 <= other.start - chosen.end <= _NEAR:
            continue
        text = reading.folded[other.start : other.end]
        is_ordinal = any(c.isdigit() for c in text) and other.tense == "open"
        if is_ordinal and other.on.weekday() == chosen.on.weekday() and other.on >= reading.sent_on:
            return other.on
    return chosen.on


def _covers(mention: Mention, moment: TimeExpression, reading: Reading) -> bool:
    return (
        reading.word_starts[mention.start] <= moment.start
        and moment.end <= reading.word_ends[mention.end - 1]
    )


def _sentence_of(character: int, reading: Reading) -> int:
    word = bisect_left(reading.word_starts, character)
    return next((n for n, (first, end) in enumerate(reading.sentence_words) if first <= word < end), -1)


def _is_other_commitment(moment: TimeExpression, reading: Reading) -> bool:
    before = reading.folded[max(0, moment.start - 22) : moment.start]
    return any(word in before for word in _OTHER_COMMITMENTS)


def _amount_beside(chosen: TimeExpression | None, mentions: list[Mention], reading: Reading) -> float | None:
    """The sum nearest to the promised day in the same sentence, else inside the promise's sentence."""
    sentences = (
        {_sentence_of(chosen.start, reading)} if chosen else {mention.sentence for mention in mentions}
    )
    amounts = [a for a in reading.amounts if _sentence_of(a.start, reading) in sentences]
    if not amounts:
        return _amount_in_passing(max(sentences, default=-1) + 1, reading)
    if chosen is None:
        return amounts[0].value
    return min(amounts, key=lambda amount: _distance(amount, chosen, reading)).value


def _amount_in_passing(number: int, reading: Reading) -> float | None:
    """The only sum of a short sentence ("I'll do it tonight. 89,90 € by transfer."); null for any other sentence."""
    if not 0 < number < len(reading.sentence_words):
        return None
    first, end = reading.sentence_words[number]
    amounts = [a for a in reading.amounts if _sentence_of(a.start, reading) == number]
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
