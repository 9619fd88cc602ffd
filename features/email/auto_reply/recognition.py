"""Recognises mails sent by machines from their subject and text; a person away who writes is still a person."""

from __future__ import annotations

import re

from features.email.auto_reply import patterns
from features.email.folding import fold

_SUBJECT = re.compile(patterns.DECISIVE_SUBJECTS)
_TEXT = re.compile(patterns.DECISIVE_TEXT)
_ABSENCE = re.compile(patterns.ABSENCE)
_SERVICE = re.compile(patterns.ABSENCE_SERVICE)
_DEPARTURE = re.compile(patterns.DEPARTURE)
_MACHINE = re.compile(patterns.MACHINE_LINE)
_FORM = re.compile(patterns.FORM_LINE, re.M)
_FORM_LINES = 3
_AUTO_DEPARTURE_SUBJECT = re.compile(r"automatic|automatique|out of office|absence|auto")
_LONGEST = 120


def is_auto_reply(subject: str, text: str) -> bool:
    """True for absence notes, receipt and read notices, departure notices, portal messages, remittance advices."""
    folded_subject, folded = fold(subject), fold(text)
    if _TEXT.search(folded):
        return True
    if _SUBJECT.search(folded_subject):
        return True
    if len(folded.split()) > _LONGEST:
        return False
    is_own_subject = not re.match(r"\s*(?:re|tr|fw|fwd|rep)\s?:", folded_subject)
    if _ABSENCE.search(folded) and _SERVICE.search(folded) and is_own_subject:
        return True
    if _DEPARTURE.search(folded) and _AUTO_DEPARTURE_SUBJECT.search(folded_subject):
        return True
    return len(set(_MACHINE.findall(folded))) >= 2 or len(set(_FORM.findall(folded))) >= _FORM_LINES
