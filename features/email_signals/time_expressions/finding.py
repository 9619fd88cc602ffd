"""Finds the moments named in a folded text, by families of expressions, the longest reading first."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable

from features.email_signals.time_expressions import calendar_days as days
from features.email_signals.time_expressions.patterns import (
    FIXED_FEASTS,
    MONTHS,
    NUMBERS,
    PAST_WORDS,
    TODAY_WORDS,
    UNIT_DAYS,
    VAGUE_FUTURE,
    WEEKDAYS,
)
from features.email_signals.values import TimeExpression


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH = rf"(?:{_any(MONTHS)})\b\.?"
_WEEKDAY = rf"(?:{_any(WEEKDAYS)})\b\.?"
_YEAR = r"(?:[ ,]{1,2}((?:19|20)\d\d))?"
_NUMBER = rf"(?:\d{{1,3}}|{_any(NUMBERS)})"
_UNIT = rf"(?:{_any(UNIT_DAYS)})"
_NEXT_FR = r"(?:prochaine?|suivante?|qui vient|qui arrive|a venir)"
_AMERICAN = re.compile(
    r"\$|\b(?:check|ach|inc|llc|w-9|w9|ma'am|y'all|wire|net 30|apt|zip|usd|routing|gonna|folks)\b"
)
_BRITISH = re.compile(r"£|€|\b(?:gbp|eur|bacs|vat|ltd|cheque|chf|rs|aud|nzd|mate|gst|abn)\b")

_Reading = tuple[dt.date | None, str]
_Resolver = Callable[[re.Match[str], dt.date, bool], _Reading | None]


def find_time_expressions(folded: str, sent_on: dt.date, language: str) -> tuple[TimeExpression, ...]:
    """Moments of a folded text in reading order, resolved from the day the mail was sent.

    Day and month follow the sender's habits: ``10/12`` is 10 December, except in an American English mail.
    """
    is_american = language == "en" and bool(_AMERICAN.search(folded)) and not _BRITISH.search(folded)
    found: list[TimeExpression] = []
    absent = {hint for hint in _HINT_WORDS if not any(word in folded for word in _HINT_WORDS[hint])}
    for pattern, resolve in _FAMILIES:
        if _HINTS.get(resolve) in absent:
            continue
        for match in pattern.finditer(folded):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            reading = resolve(match, sent_on, is_american)
            if reading is not None:
                found.append(TimeExpression(match.start(), match.end(), *reading))
    return tuple(sorted(found, key=lambda moment: moment.start))


def _dated(day: dt.date | None, sent_on: dt.date) -> _Reading | None:
    if day is None:
        return None
    return day, "future" if day > sent_on else "today" if day == sent_on else "past"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else NUMBERS.get(text, 1)


def _year(text: str | None) -> int | None:
    return int(text) if text else None


def _named_day_first(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(
        days.day_in_year(sent_on, MONTHS[m["month"].rstrip(".")], int(m["day"]), _year(m["year"])), sent_on
    )


def _iso(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(days.valid_day(int(m[1]), int(m[2]), int(m[3])), sent_on)


def _numeric(m: re.Match[str], sent_on: dt.date, is_american: bool) -> _Reading | None:
    first, second = int(m[1]), int(m[2])
    month_first = second > 12 or (is_american and first <= 12)
    day, month = (second, first) if month_first else (first, second)
    return _dated(days.day_in_year(sent_on, month, day, _year(m[3])), sent_on) if 1 <= month <= 12 else None


def _in_units(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    unit = m["unit"]
    if unit in ("h", "heures", "hours", "hrs"):
        return _dated(sent_on + dt.timedelta(days=-(-_number(m["count"]) // 24)), sent_on)
    if unit in ("mois", "month", "months"):
        return _dated(_months_later(sent_on, _number(m["count"] or "un")), sent_on)
    each = UNIT_DAYS[unit]
    return _dated(sent_on + dt.timedelta(days=each * _number(m["count"] or "un")), sent_on)


def _months_later(sent_on: dt.date, months: int) -> dt.date | None:
    index = sent_on.month - 1 + months
    year, month = sent_on.year + index // 12, index % 12 + 1
    return days.valid_day(year, month, min(sent_on.day, days.month_end(year, month).day))


def _weekday_shifted(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    shift = 14 if m["shift"] and re.search(r"quinze|15|fortnight", m["shift"]) else 7
    return _dated(
        days.next_weekday(sent_on, WEEKDAYS[m["weekday"].rstrip(".")]) + dt.timedelta(days=shift), sent_on
    )


def _weekday_of_next_week(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    monday = sent_on + dt.timedelta(days=7 - sent_on.weekday())
    return _dated(monday + dt.timedelta(days=WEEKDAYS[m["weekday"].rstrip(".")]), sent_on)


def _weekday_next(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(days.next_weekday(sent_on, WEEKDAYS[m["weekday"].rstrip(".")]), sent_on)


def _weekday_bare(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return days.next_weekday(sent_on, WEEKDAYS[m["weekday"].rstrip(".")]), "open"


def _weekday_and_day(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    weekday, number = WEEKDAYS[m["weekday"].rstrip(".")], int(m["day"])
    coming = days.day_of_month(sent_on, number)
    return (coming, "future" if coming.weekday() == weekday else "open") if coming else None


def _week_of(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    number = int(m["day"])
    month = m["month"]
    day = (
        days.day_in_year(sent_on, MONTHS[month.rstrip(".")], number, None)
        if month
        else days.day_of_month(sent_on, number)
    )
    return _dated(days.friday_of_week(day), sent_on) if day else None


def _week_number(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(days.friday_of_iso_week(sent_on, int(m["week"])), sent_on)


def _next_week(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return days.friday_of_week(sent_on) + dt.timedelta(days=7), "future"


def _week_after_next(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return days.friday_of_week(sent_on) + dt.timedelta(days=14), "future"


def _this_week(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    friday = days.friday_of_week(sent_on)
    return (
        (friday, "future")
        if friday > sent_on
        else (friday + dt.timedelta(days=7 if friday < sent_on else 0), "open")
    )


def _month_end(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    year = _year(m["year"])
    month = MONTHS[m["month"].rstrip(".")]
    return _dated(days.month_end(year, month) if year else days.next_month_end(sent_on, month), sent_on)


def _middle_of_month(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(days.day_in_year(sent_on, MONTHS[m["month"].rstrip(".")], 15, None), sent_on)


def _middle_of_this_month(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return days.day_of_month(sent_on, 15), "future"


def _this_month_end(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(days.month_end(sent_on.year, sent_on.month), sent_on)


def _next_month_end(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return days.month_end(sent_on.year, sent_on.month + 1), "future"


def _next_month_day(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    end = days.month_end(sent_on.year, sent_on.month + 1)
    return _dated(days.valid_day(end.year, end.month, int(m["day"])), sent_on)


def _quarter(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    number = next((int(x) for x in (m["a"], m["b"]) if x), (sent_on.month - 1) // 3 + 1)
    end = days.quarter_end(sent_on.year, number)
    return _dated(end if end >= sent_on else days.quarter_end(sent_on.year + 1, number), sent_on)


def _year_end(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return _dated(dt.date(sent_on.year, 12, 31), sent_on)


def _feast(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    month, day = FIXED_FEASTS[m["feast"]]
    return _dated(days.day_in_year(sent_on, month, day, None), sent_on)


def _easter(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    this_year = days.easter_sunday(sent_on.year)
    return _dated(this_year if this_year >= sent_on else days.easter_sunday(sent_on.year + 1), sent_on)


def _tomorrow(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return sent_on + dt.timedelta(days=1), "future"


def _after_tomorrow(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return sent_on + dt.timedelta(days=2), "future"


def _ordinal_day(m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    digits = "".join(c for c in m["day"] if c.isdigit())
    day = days.day_of_month(sent_on, int(digits) if digits else 1)
    return (day, "open") if day else None


def _vague(_m: re.Match[str], _sent_on: dt.date, _: bool) -> _Reading | None:
    return None, "future"


def _past(_m: re.Match[str], _sent_on: dt.date, _: bool) -> _Reading | None:
    return None, "past"


def _today(_m: re.Match[str], sent_on: dt.date, _: bool) -> _Reading | None:
    return sent_on, "today"


def _compile(*alternatives: str) -> re.Pattern[str]:
    filled = [
        a.replace("{{", "{").replace("}}", "}")
        for a in (
            x.replace("{months}", _any(MONTHS)).replace("{weekdays}", _any(WEEKDAYS)) for x in alternatives
        )
    ]
    return re.compile(r"(?<![\w])(?:" + "|".join(filled) + r")(?![\w])")


_LEAD_FR = r"(?:d'ici (?:a |au |la |le )?|avant (?:la |le |les )?|au plus tard (?:le |la )?|pour (?:la |le )?|a la |en |des |vers la |vers |courant |sous |dans (?:le courant de |la |le |les |un delai de |l')?)?"

_FAMILIES: tuple[tuple[re.Pattern[str], _Resolver], ...] = (
    (_compile(*VAGUE_FUTURE), _vague),
    (_compile(*PAST_WORDS), _past),
    (_compile(r"(?:apres-demain|the day after tomorrow|day after tomorrow|surlendemain)"), _after_tomorrow),
    (_compile(r"(?:semaine|week|w/?e|wk) ?(?:du|of|commencing|beginning|starting|ending|c)? ?(?:the |lundi |monday )?(?P<day>\d{1,2})(?:st|nd|rd|th|er)?(?:(?: of)? (?P<month>" + _MONTH + "))", r"(?!)(?P<_x>)"), _week_of),
    (_compile(r"(?:(?:la )?semaine du|(?:the )?week (?:of|commencing|beginning|starting)|w/?c) (?:the |lundi |monday )?(?P<day>\d{1,2})(?:st|nd|rd|th|er)?(?P<month>)"), _week_of),
    (_compile(r"(?:semaine|sem\.?|week|wk|s\.? ?)(?: n°| no)? ?(?P<week>\d{1,2})(?! ?(?:mois|jours|days|x|fois))"), _week_number),
    (_compile(rf"(?:{_WEEKDAY}[ ,]+)?(?:(?:le |the )?)(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)?[ -]?(?:of )?(?P<month>{_MONTH}){_YEAR.replace('((?:', '(?P<year>(?:')}(?! ?\d)"), _named_day_first),
    (_compile(rf"(?:{_WEEKDAY}[ ,]+)?(?P<month>{_MONTH}) (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_YEAR.replace('((?:', '(?P<year>(?:')}(?![\d.,]*\d)"), _named_day_first),
    (_compile(rf"(?P<day>\d{{1,2}})[-/.](?P<month>{_MONTH})(?:[-/.](?P<year>(?:20)?\d\d))?"), _named_day_first),
    (_compile(r"(20\d\d)-(\d\d)-(\d\d)"), _iso),
    (_compile(rf"(?:{_WEEKDAY} (?:le )?)?(\d{{1,2}})[/.-](\d{{1,2}})[/.-]((?:20)?\d\d)"), _numeric),
    (_compile(rf"(?:{_WEEKDAY} (?:le )?)?(?<![\d/.,])(\d{{1,2}})/(\d{{1,2}})()(?![\d/])"), _numeric),
    (re.compile(r"(?<!\w)(?:le|au|on|by|for|until|am|the|du) (\d{1,2})\.(\d{1,2})()\.?(?![\w/€£%]|[.,]\d)"), _numeric),
    (_compile(rf"(?P<weekday>{_WEEKDAY}) en (?P<shift>huit|quinze|8|15)", r"(?!)(?P<_y>)"), _weekday_shifted),
    (re.compile(rf"(?<!\w)(?:(?:a )?week on |(?:a )?week from (?:this |next )?)(?P<weekday>{_WEEKDAY})(?P<shift>)"), _weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?P<shift>fortnight)|(?!)"), _weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) week(?P<shift>)(?!\w)"), _weekday_shifted),
    (re.compile(rf"(?<!\w)(?:le |on )?(?P<weekday>{_WEEKDAY}) (?:de la semaine prochaine|la semaine prochaine|next week|of next week|de la semaine suivante)(?!\w)"), _weekday_of_next_week),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?:le |the )?(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)?(?![\w/:]|[.,]\d| \d{{3}}(?!\d)| ?(?:h|€|£|%|euros?|heures?))"), _weekday_and_day),
    (_compile(rf"(?P<weekday>{_WEEKDAY})(?: matin| soir| apres-midi| midi)? {_NEXT_FR}", r"(?!)(?P<_z>)"), _weekday_next),
    (re.compile(rf"(?<!\w)(?:next|this|this coming|ce|coming|by next) (?P<weekday>{_WEEKDAY})(?!\w)"), _weekday_next),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?:of )?(?:this week|(?:de )?cette semaine)(?!\w)"), _weekday_next),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) next(?! ?\w*? (?:run|payment|batch))(?!\w)"), _weekday_next),
    (_compile(rf"(?:mi|mid|mi de|middle of|the middle of|moitie|au milieu de)[- ]?(?P<month>{_MONTH})"), _middle_of_month),
    (_compile(r"(?:mi-mois|mi mois|mid-month|mid month|milieu (?:du|de) mois|(?:the )?middle of the month)"), _middle_of_this_month),
    (_compile(r"(?:semaine d'apres la prochaine|dans la semaine d'apres|the week after next|week after next)"), _week_after_next),
    (_compile(_LEAD_FR + r"(?:fin (?:de )?(?:la )?|courant (?:de )?(?:la )?)?semaine prochaine", r"(?:by )?(?:the )?(?:end of |during |early |late |some ?time |later |back end of )?next (?:week|wk)"), _next_week),
    (_compile(_LEAD_FR + r"(?:fin (?:de )?(?:la )?|courant (?:de )?(?:la )?)?(?:cette )semaine", _LEAD_FR + r"(?:la )?fin (?:de (?:la |cette )?)?(?:la )?semaine(?! (?:prochaine|a tous))", r"(?:d'ici|dans) (?:a )?(?:la )?(?:vendredi soir|la semaine)(?! prochaine)", r"(?:by |before )?(?:the )?(?:end of |later |during )?(?:this week|the week|wk)(?! (?:of|commencing|beginning|after|before))", r"(?:by )?(?:the )?week'?s? end"), _this_week),
    (_compile(r"(?:le )?(?P<day>\d{1,2})(?:er)? (?:du )?mois prochain", r"(?!)(?P<_q>)"), _next_month_day),
    (re.compile(r"(?<!\w)(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:of )?next month(?!\w)"), _next_month_day),
    (_compile(_LEAD_FR + r"(?:fin (?:du |de )?|courant (?:du )?)?(?:le )?mois prochain", r"(?:by )?(?:the )?(?:end of |during |late |some ?time )?next month(?:'s end)?", r"fin (?:du )?mois suivant"), _next_month_end),
    (_compile(_LEAD_FR + r"(?:la )?fin (?:de |du |de ce |ce )?mois(?! de| d'|ci prochain| prochain)", r"(?:by |before )?(?:the )?(?:end of (?:the |this )?month|month[- ]end|eom|end of mth|month's end|later this month|this month)", r"before the month(?:'s| is) (?:out|over|up)", r"(?:d'ici|dans|courant|au cours) (?:la fin )?(?:du |de |ce |le )?(?:courant du )?(?:ce )?mois(?! de| d'| prochain)"), _this_month_end),
    (_compile(r"(?:la )?fin (?:du )?(?:trimestre|t(?P<a>[1-4])(?P<b>))", r"(?!)"), _quarter),
    (re.compile(r"(?<!\w)(?:by |before )?(?:the )?(?:end of (?:the )?(?:quarter|q(?P<a>[1-4]))|quarter[- ]end|(?:in |at |en |au )?[qt](?P<b>[1-4])(?= |$|[.,;)]))(?!\w)"), _quarter),
    (_compile(r"(?:(?:d'ici |avant |pour |a )?(?:la )?fin (?:de )?(?:l')?(?:annee|an)|(?:by |before )?(?:the )?(?:year[- ]end|end of (?:the |this )?(?:calendar )?year)|fin d'annee|d'ici la fin de l'annee)"), _year_end),
    (_compile(rf"(?:avant |pour |d'ici |by |before |after |apres )?(?:la )?(?:fin (?:du mois )?(?:de |d')?|end (?:of )?|the end of |late |late in |courant |au mois de |au mois d'|courant du mois de |en |in |during |sometime in |by |d'ici |dans le courant de |before |avant |pour )(?P<month>{_MONTH}){_YEAR.replace('((?:', '(?P<year>(?:')}(?! ?\d)"), _month_end),
    (_compile(r"(?:avant |pour |d'ici |by |before |after |apres )(?:les fetes de )?(?P<feast>noel|christmas|xmas|nouvel an|new year)"), _feast),
    (_compile(r"(?:avant |pour |d'ici |by |before )(?:paques|easter)"), _easter),
    (re.compile(rf"(?<!\w)(?:sous|dans(?: les| un delai de)?|d'ici(?: a)?|d'ici les|within(?: the next)?|in|in the next|inside|under|not more than) (?:maximum |environ |about |around |max |le delai de |delai de |the next |another |at most )?(?:(?P<count>{_NUMBER}) ?)?(?:petits? |prochains? |working |business |calendar |short |gros |bons? )?(?P<unit>{_UNIT}|h|heures|hours|hrs|mois|months?)(?:'s? time|'| time)?(?: max(?:imum)?| ouvr\w+| from today| from now| au plus tard)?(?!\w)"), _in_units),
    (re.compile(rf"(?<!\w)(?P<count>{_NUMBER}) (?P<unit>days?|weeks?|fortnight|months?) (?:from (?:today|now)|today|hence|time)(?!\w)"), _in_units),
    (re.compile(r"(?<!\w)(?:sous|d'ici(?: une)?|dans(?: la| une)?) (?P<count>)(?P<unit>huitaine|quinzaine|dizaine)(?: de jours)?(?!\w)"), _in_units),
    (_compile(r"(?:demain(?: (?:matin|midi|soir|apres-midi|sans faute|matin premiere heure))?|tomorrow(?: (?:morning|afternoon|evening))?|tmrw|tmw|tomoz|2moro|dem1|24 ?h(?:eures)?)"), _tomorrow),
    (_compile(*TODAY_WORDS), _today),
    (re.compile(r"(?<!\w)(?:on |by |for |before |until |till |the |until the |by the |on the )+(?P<day>[12]?\d(?:st|nd|rd|th)|3[01](?:st|th)|1st)(?!\w| (?:floor|time|reminder|invoice|instal\w*|notice|letter|payment|party|century|quarter|tranche|half|of (?:the|each|every)))"), _ordinal_day),
    (re.compile(r"(?<!\w)(?:le|au|du|pour le|avant le|d'ici le|d'ici au|vers le|que le) (?P<day>1er|[1-9]|[12]\d|3[01])(?!\w|[.,/:]\d|[/°h€£%]| ?(?:%|h|heures?|€|euros?|k|rue|bis|premiers?|x|fois|derniers?|trimestre|semestre|de chaque|du mois (?:dernier|precedent)|du site|et [a-z]+ x))"), _ordinal_day),
    (re.compile(r"(?<!\w)(?P<day>(?:[12]?\d)(?:st|nd|rd|th)|3[01](?:st|th))(?!\w| (?:floor|time|reminder|invoice|instal\w*|notice|letter|payment|party|century|quarter|tranche|half|of (?:the|each|every)|request))"), _ordinal_day),
    (re.compile(rf"(?<!\w)(?P<weekday>{_any([w for w in WEEKDAYS if len(w) > 3 or w in ('fri', 'tue', 'thu')])})(?:'s)?(?!\w)"), _weekday_bare),
)  # fmt: skip

_HINT_WORDS: dict[str, tuple[str, ...]] = {
    "digit": tuple("0123456789"),
    "weekday": (
        "lun",
        "mar",
        "mer",
        "jeu",
        "ven",
        "sam",
        "dim",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
    ),
    "month": (
        "jan",
        "fev",
        "feb",
        "mar",
        "av",
        "ap",
        "mai",
        "may",
        "ju",
        "ao",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
    ),
    "month word": ("mois", "month", "mth", "eom"),
    "week word": ("sem", "week", "wk", "vendredi"),
    "quarter word": ("trim", "quarter", "q1", "q2", "q3", "q4", "t1", "t2", "t3", "t4"),
    "feast": ("noel", "mas", "an", "year"),
    "easter": ("paques", "easter"),
    "tomorrow": ("demain", "morro", "tm", "tomoz", "2moro", "dem1", "24"),
}
"""Letters of which some must be in a text for a family to be worth trying."""
_HINTS: dict[_Resolver, str] = {
    _iso: "digit",
    _numeric: "digit",
    _named_day_first: "digit",
    _week_of: "digit",
    _week_number: "digit",
    _next_month_day: "digit",
    _ordinal_day: "digit",
    _weekday_and_day: "digit",
    _weekday_shifted: "weekday",
    _weekday_of_next_week: "weekday",
    _weekday_next: "weekday",
    _weekday_bare: "weekday",
    _month_end: "month",
    _middle_of_month: "month",
    _next_month_end: "month word",
    _this_month_end: "month word",
    _next_week: "week word",
    _this_week: "week word",
    _quarter: "quarter word",
    _feast: "feast",
    _easter: "easter",
    _tomorrow: "tomorrow",
    _after_tomorrow: "tomorrow",
}
