"""The labelled e-mails the world draws from: a fixed half of the set, moved in time with their dates."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

LABELLED_EMAILS = Path(__file__).resolve().parent.parent / "emails" / "training" / "labelled_emails.jsonl"

_MONTH_NAMES = {
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
}  # fmt: skip
_MONTHS = {name.lower(): number for names in _MONTH_NAMES.values() for number, name in enumerate(names, 1)}
_MONTHS |= {name[:3].lower(): number for number, name in enumerate(_MONTH_NAMES["en"], 1)}
_MONTH_WORD = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?P<gap>,?\s+)(?P<year>20\d\d)"
_ISO = re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b")
_NUMERIC = re.compile(
    r"(?<![\w/.,])(?P<day>\d{1,2})(?P<mark>[/.])(?P<month>\d{2})(?:(?P=mark)(?P<year>20\d\d|\d\d))?(?![\d/€%])(?!\.\d)"
)
_DAY_FIRST = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?P<rank>er|st|nd|rd|th)?(?P<of>\s+(?:of\s+)?)(?P<month>{_MONTH_WORD})\b(?:{_YEAR})?",
    re.I,
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<month>{_MONTH_WORD})(?P<of>\s+)(?P<day>\d{{1,2}})(?P<rank>st|nd|rd|th)?\b(?!\s*(?:€|%|:))(?:{_YEAR})?",
    re.I,
)
_RELATIVE = re.compile(
    r"\b(lundi|mardi|mercredi|jeudi|vendredi|demain|aujourd'hui|sous|huitaine|quinzaine|jours|semaine|"
    r"monday|tuesday|wednesday|thursday|friday|tomorrow|today|within|days|hours|week)\b",
    re.I,
)


@dataclass(frozen=True)
class LabelledEmail:
    """One e-mail of the labelled set; the fields are described in the README beside the set."""

    id: str
    sent_on: date
    subject: str
    body: str
    language: str
    labels: tuple[str, ...]
    promise_on: date | None
    auto_reply: bool

    @property
    def promise_moves_with_the_mail(self) -> bool:
        """Whether the promised day stays right when the mail is moved by whole weeks.

        True when the text names it as a full date, or as a weekday or a number of days.
        """
        if self.promise_on is None:
            return False
        return self.promise_on in dates_in(self.body, self.sent_on) or bool(_RELATIVE.search(self.body))


@cache
def labelled_emails(path: Path = LABELLED_EMAILS) -> tuple[LabelledEmail, ...]:
    """Every e-mail of the labelled set, by id."""
    mails = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        mails.append(
            LabelledEmail(
                id=row["id"],
                sent_on=date.fromisoformat(row["sent_at"]),
                subject=row["subject"],
                body=row["body"],
                language=row["language"],
                labels=tuple(row["labels"]),
                promise_on=None if row["promise_date"] is None else date.fromisoformat(row["promise_date"]),
                auto_reply=row["auto_reply"],
            )
        )
    return tuple(sorted(mails, key=lambda mail: mail.id))


def is_sample_world_mail(mail_id: str) -> bool:
    """Whether the simulated world may draw this mail: the SHA-256 of its id, as a number, is even."""
    return int(hashlib.sha256(mail_id.encode()).hexdigest(), 16) % 2 == 0


@cache
def sample_world_mail_ids() -> frozenset[str]:
    """The ids of the labelled mails that the simulated world draws from.

    A classifier whose worth is measured on the simulated world must be trained on the other ids only.
    """
    return frozenset(mail.id for mail in labelled_emails() if is_sample_world_mail(mail.id))


@cache
def mails_for(wish: str, language: str, promise_must_move: bool = False) -> tuple[LabelledEmail, ...]:
    """The world's mails that say what is wished, in the language of the customer if there are any.

    Args:
        wish: labels that the mail must have, and no others, joined by "+"; "" for no signal.
        language: "fr" or "en"; mails in both languages go with either.
        promise_must_move: only mails whose promised day stays right when the mail is moved by whole weeks.
    """
    wanted = set(wish.split("+")) - {""}
    ids = sample_world_mail_ids()
    fitting = [
        mail
        for mail in labelled_emails()
        if mail.id in ids
        and set(mail.labels) == wanted
        and (mail.promise_moves_with_the_mail or not promise_must_move)
    ]
    same = [mail for mail in fitting if mail.language in (language, "mixed")]
    return tuple(same or fitting)


def redate(text: str, sent_on: date, shift: timedelta) -> str:
    """The text with every full date in it moved by the same number of days, written as before.

    Dates without a year are read as the nearest to the sent day. Month names alone, week numbers and days of
    the month alone ("le 9") are left as they are.
    """
    for pattern in (_ISO, _NUMERIC, _DAY_FIRST, _MONTH_FIRST):
        text = pattern.sub(lambda match: _moved(match, sent_on, shift), text)
    return text


def dates_in(text: str, sent_on: date) -> set[date]:
    """The full dates that a text names."""
    found = (
        _read(match, sent_on)
        for pattern in (_ISO, _NUMERIC, _DAY_FIRST, _MONTH_FIRST)
        for match in pattern.finditer(text)
    )
    return {day for day in found if day is not None}


def _read(match: re.Match[str], sent_on: date) -> date | None:
    parts = match.groupdict()
    if parts.get("mark") == "." and parts["year"] is None:
        return None
    month_text = parts["month"].lower()
    month = _MONTHS[month_text] if month_text in _MONTHS else int(month_text)
    year = parts.get("year")
    years: Sequence[int] = (
        (sent_on.year - 1, sent_on.year, sent_on.year + 1) if year is None else (int(year),)
    )
    if year is not None and len(year) == 2:
        years = (2000 + int(year),)
    days = []
    for candidate in years:
        try:
            days.append(date(candidate, month, int(parts["day"])))
        except ValueError:
            continue
    return min(days, key=lambda day: abs((day - sent_on).days), default=None)


def _moved(match: re.Match[str], sent_on: date, shift: timedelta) -> str:
    day = _read(match, sent_on)
    if day is None:
        return match.group(0)
    moved, parts = day + shift, match.groupdict()
    if match.re is _ISO:
        return moved.isoformat()
    if match.re is _NUMERIC:
        width = len(parts["day"])
        text = f"{moved.day:0{width}d}{parts['mark']}{moved.month:02d}"
        year = parts["year"]
        return (
            text
            if year is None
            else text + parts["mark"] + (str(moved.year) if len(year) == 4 else f"{moved:%y}")
        )
    month = _month_like(parts["month"], moved.month)
    number = f"{moved.day}{_rank_like(parts['rank'], parts['month'], moved.day)}"
    year_text = "" if parts["year"] is None else f"{parts['gap']}{moved.year}"
    if match.re is _DAY_FIRST:
        return f"{number}{parts['of']}{month}{year_text}"
    return f"{month}{parts['of']}{number}{year_text}"


def _month_like(word: str, month: int) -> str:
    names = _MONTH_NAMES["fr" if word.lower() in _MONTH_NAMES["fr"] else "en"]
    name = names[month - 1]
    if len(word) == 3 and word.lower() not in ("mai", "may"):
        name = name[:3]
    if word.isupper():
        return name.upper()
    return name.capitalize() if word[0].isupper() else name.lower()


def _rank_like(rank: str | None, word: str, day: int) -> str:
    french = word.lower() in _MONTH_NAMES["fr"]
    if french:
        return "er" if day == 1 else ""
    if rank is None:
        return ""
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
