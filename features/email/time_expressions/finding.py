"""Finds the moments named in a folded text and resolves them from the day the mail was sent."""

from __future__ import annotations

import datetime as dt
import re

from features.email.time_expressions.families import families_for
from features.email.time_expressions.linking import link_moments
from features.email.time_expressions.moments import Sending
from features.email.values import TimeExpression

_AMERICAN = re.compile(
    r"\$|\b(?:check|ach|inc|llc|w-9|w9|ma'am|y'all|wire|net 30|apt|zip|usd|routing|gonna|folks)\b"
)
_NOT_AMERICAN = re.compile(r"£|€|\b(?:gbp|eur|bacs|vat|ltd|cheque|chf|rs|aud|nzd|mate|gst|abn)\b")


def find_time_expressions(
    folded: str, sent_on: dt.date, language: str, country: str | None = None
) -> tuple[TimeExpression, ...]:
    """Moments of a folded text in reading order, resolved from the day the mail was sent.

    Day and month follow the sender's habits: ``10/12`` is 10 December, except in an American English mail. A day,
    week or month without a year is the nearest one (``calendar_days.nearest_occurrence``). Neighbours that speak of
    one moment are read together (``linking``).

    Args:
        folded: the text, folded.
        sent_on: day the mail was sent.
        language: ``fr``, ``en`` or ``mixed``.
        country: whose working days are counted; null counts Monday to Friday.
    """
    shows_american, shows_other = bool(_AMERICAN.search(folded)), bool(_NOT_AMERICAN.search(folded))
    sending = Sending(
        sent_on,
        country,
        is_american=language == "en" and shows_american and not shows_other,
        is_order_open=language == "en" and not shows_american and not shows_other,
    )
    found: list[TimeExpression] = []
    for pattern, resolve in families_for(folded):
        for match in pattern.finditer(folded):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            moment = resolve(match, sending)
            if moment is not None:
                found.append(TimeExpression(match.start(), match.end(), *moment))
    return link_moments(folded, sorted(found, key=lambda moment: moment.start), sent_on)
