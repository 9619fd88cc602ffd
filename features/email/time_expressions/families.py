"""Families of expressions that name a moment, in the order in which they are tried: the longest reading first."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from features.email.time_expressions import periods, single_days
from features.email.time_expressions.moments import Resolver
from features.email.time_expressions.patterns import (
    DAY_WORDS,
    EASTER_FEASTS,
    FIXED_FEASTS,
    MONTHS,
    NUMBERS,
    ORDINALS,
    PAST_WORDS,
    TODAY_WORDS,
    UNIT_DAYS,
    VAGUE_FUTURE,
    WEEKDAYS,
)


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH = rf"(?:{_any(MONTHS)})\b\.?"
_WEEKDAY = rf"(?:{_any(WEEKDAYS)})\b\.?"
_NAMED_WEEKDAY = rf"(?:(?P<weekday>{_WEEKDAY})[ ,]+(?:le |the )?)?"
_YEAR = r"(?:[ ,]{1,2}(?P<year>(?:19|20)\d\d))?"
_NUMBER = rf"(?:\d{{1,3}}|{_any(NUMBERS)})"
_RANGE = rf"(?:{_NUMBER} ?(?:a|to|-|/|ou|or) ?)?"
_UNIT = rf"(?:{_any(UNIT_DAYS)})"
_NTH = rf"(?P<nth>{_any(ORDINALS)})"
_OF_MONTH = rf"(?: ?(?:du|de|d'|of|in)(?: the| this| ce)? ?)(?P<when>mois prochain|next month|mois(?! dernier| suivant)|month|{_MONTH})"
_NEXT_FR = r"(?:prochaine?|proch\.?|pro|suivante?|qui vient|qui arrive|a venir)"
_LEAD_FR = r"(?:d'ici (?:a |au |la |le )?|avant (?:la |le |les )?|au plus tard (?:le |la )?|pour (?:la |le )?|a la |en |des |vers la |vers |courant |sous |dans (?:le courant de |la |le |les |un delai de |l')?)?"
_NOT_A_DAY = r"floor|time|reminder|invoice|instal\w*|notice|letter|payment|party|century|quarter|tranche|half|of (?:the|each|every)"


def _compile(*alternatives: str) -> re.Pattern[str]:
    filled = [
        a.replace("{{", "{").replace("}}", "}")
        for a in (
            x.replace("{months}", _any(MONTHS)).replace("{weekdays}", _any(WEEKDAYS)) for x in alternatives
        )
    ]
    return re.compile(r"(?<![\w])(?:" + "|".join(filled) + r")(?![\w])")


_IN_MONTH = rf"(?P<month>{_MONTH})"
_DAY_EN = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"

_FAMILIES: tuple[tuple[re.Pattern[str], Resolver], ...] = (
    (_compile(rf"(?:le |the |on the )?{_NTH} (?P<weekday>{_WEEKDAY}){_OF_MONTH}"), single_days.weekday_of_month),
    (_compile(rf"(?:le |the |on the )?(?:dernier jour ouvr\w+|last (?:working|business) day){_OF_MONTH}"), single_days.last_working_day),
    (_compile(rf"(?:le |the |on the )?(?:dernier jour|last day){_OF_MONTH}"), periods.last_day_of_month),
    (_compile(rf"(?:dans )?(?:la |the )?{_NTH} (?:quinzaine|half) (?:de |d'|of ){_IN_MONTH}{_YEAR}"), periods.half_of_month),
    (_compile(rf"(?:(?:en|in) )?(?:la |the )?(?!first|premiere|1ere|1st){_NTH} (?:semaine|week){_OF_MONTH}"), periods.week_of_month),
    (_compile(r"(?:en |au |in )?(?:the )?(?:mi-semaine|mi semaine|milieu de (?:la )?semaine|mid[- ]?week|middle of the week|mid (?=next)|middle of (?=next))(?P<next>(?: de la)? prochaine|next week)?", r"mid[- ]week next week"), single_days.middle_of_week),
    (_compile(*VAGUE_FUTURE), periods.vague),
    (_compile(r"(?:le |au |du )?(?P<day>\d{1,2}) (?:courant|crt)(?! \w+ ?\d)"), single_days.day_of_this_month),
    (_compile(*PAST_WORDS), periods.past),
    (_compile(r"(?:apres[- ]demain|the day after tomorrow|day after tomorrow|surlendemain)"), single_days.after_tomorrow),
    (_compile(r"(?:(?:a )?week (?:today|tomorrow)|(?:today|tomorrow) week)"), single_days.week_from),
    (_compile(rf"(?:semaine|week|w/?e|wk) ?(?:du|of|commencing|beginning|starting|ending|c)? ?(?:the |lundi |monday )?(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)?(?:(?: of)? {_IN_MONTH})"), periods.week_of),
    (_compile(r"(?:(?:la )?semaine du|(?:the )?week (?:of|commencing|beginning|starting)|w/?c) (?:the |lundi |monday )?(?P<day>\d{1,2})(?:st|nd|rd|th|er)?(?P<month>)"), periods.week_of),
    (_compile(r"(?:semaine|sem\.?|week|wk|s\.? ?)(?: n°| no)? ?(?P<week>\d{1,2})(?:[ /-](?P<year>20\d\d)|(?: ?(?:ou|or|a|to|[-/]) ?(?:s\.? ?|wk |semaine |week )?(?P<later>\d{1,2}))(?![.,/]?\d| ?(?:h|€|£|%|k|euros?)))?(?! ?(?:mois|jours|days|x|fois))"), periods.week_number),
    (_compile(rf"{_NAMED_WEEKDAY}(?:le |the )?(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)?[ -]?(?:of )?{_IN_MONTH}(?:(?P<next> prochain)|{_YEAR})(?! ?\d)"), single_days.named_day),
    (_compile(rf"{_NAMED_WEEKDAY}{_IN_MONTH} (?:the )?{_DAY_EN}{_YEAR}(?![\d.,]*\d)"), single_days.named_day),
    (_compile(rf"(?:le |the |on the )?(?P<day>{_any(DAY_WORDS)}) (?:of )?{_IN_MONTH}{_YEAR}"), single_days.day_in_letters),
    (_compile(rf"(?P<day>\d{{1,2}})[-/.]{_IN_MONTH}(?:[-/.](?P<year>(?:20)?\d\d))?"), single_days.named_day),
    (re.compile(rf"(?<!\w)(?P<day>\d{{1,2}})(?P<month>{_any(MONTHS)})(?P<year>(?:20)?\d\d)(?!\w)"), single_days.named_day),
    (_compile(r"(20\d\d)[-/](\d\d)[-/](\d\d)"), single_days.iso_day),
    (_compile(rf"{_NAMED_WEEKDAY}(?P<first>\d{{1,2}})[/.-](?P<second>\d{{1,2}})[/.-](?P<year>(?:20)?\d\d)"), single_days.numeric_day),
    (_compile(rf"{_NAMED_WEEKDAY}(?<![\d/.,])(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})(?![\d/])"), single_days.numeric_day),
    (_compile(rf"(?P<weekday>{_WEEKDAY})[ ,]+(?:le |the )?(?P<first>\d{{1,2}})(?:\.(?=\d)|-(?=\d\d))(?P<second>0?[1-9]|1[0-2])\.?(?![.,/-]?\d| ?(?:h|€|£|%|euros?))"), single_days.numeric_day),
    (re.compile(r"(?<!\w)(?:le|au|on|by|for|until|am|the|du) (?P<first>\d{1,2})\.(?P<second>\d{1,2})\.?(?![\w/€£%]|[.,]\d)"), single_days.numeric_day),
    (re.compile(r"(?<!\w)(?:le|au|on|by|for|until|du) (?P<first>\d{1,2})-(?P<second>0[1-9])(?![\w/€£%-]|[.,]\d)"), single_days.numeric_day),
    (_compile(rf"(?P<weekday>{_WEEKDAY}) en (?P<shift>huit|quinze|8|15)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?:(?P<weeks>{_NUMBER}) )?weeks? (?:on|from)(?: this| next)? (?P<weekday>{_WEEKDAY})(?P<shift>)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)a week (?P<weekday>{_WEEKDAY})(?P<shift>)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<shift>fortnight) (?:on|from)(?: this| next)? (?P<weekday>{_WEEKDAY})"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) after next(?P<shift>)(?!\w)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?P<shift>fortnight)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) week(?P<shift>)(?!\w)"), single_days.weekday_shifted),
    (re.compile(rf"(?<!\w)(?:le |on )?(?P<weekday>{_WEEKDAY}) (?:de la semaine prochaine|la semaine prochaine|next week|of next week|de la semaine suivante)(?!\w)"), single_days.weekday_of_next_week),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?:le |the )?(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)?(?![\w/:]|[.,]\d|-\d\d? ?h| \d{{3}}(?!\d)| ?(?:h|€|£|%|euros?|heures?))"), single_days.weekday_and_day),
    (_compile(rf"(?P<weekday>{_WEEKDAY})(?: matin| soir| apres-midi| midi)? {_NEXT_FR}"), single_days.weekday_next),
    (re.compile(rf"(?<!\w)(?:next|nxt|this|this coming|ce|coming|by next) (?P<weekday>{_WEEKDAY})(?!\w)"), single_days.weekday_next),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) (?:of )?(?:this week|(?:de )?cette semaine)(?!\w)"), single_days.weekday_next),
    (re.compile(rf"(?<!\w)(?P<weekday>{_WEEKDAY}) next(?! ?\w*? (?:run|payment|batch))(?!\w)"), single_days.weekday_next),
    (_compile(rf"(?:mi|mid|mi de|middle of|the middle of|moitie|au milieu de)[- ]?{_IN_MONTH}{_YEAR}"), single_days.middle_of_month),
    (_compile(r"(?:mi-mois|mi mois|mid-month|mid month|milieu (?:du|de) mois|(?:the )?middle of the month)"), single_days.middle_of_this_month),
    (_compile(r"(?:semaine d'apres la prochaine|dans la semaine d'apres|the week after next|week after next)"), periods.week_after_next),
    (_compile(r"(?P<before>avant le |before the |for the |pour le )(?:week[- ]?end|wknd)", r"(?:d'ici )?(?:ce |pendant le |durant le )(?:week[- ]?end|we)", r"(?:this|over the|during the) (?:week[- ]?end|wknd)", r"(?:le )?week[- ]?end(?P<next> prochain)"), periods.weekend),
    (_compile(_LEAD_FR + r"(?:fin (?:de )?(?:la )?|courant (?:de )?(?:la )?)?(?:semaine|sem\.?) (?:prochaine|proch\.?|pro)", r"(?:by )?(?:the )?(?:end of |during |early |late |some ?time |later |back end of )?(?:next|nxt|the coming) (?:week|wk)"), periods.next_week),
    (_compile(_LEAD_FR + r"(?:fin (?:de )?(?:la )?|courant (?:de )?(?:la )?)?(?:cette )semaine", _LEAD_FR + r"(?:la )?fin (?:de (?:la |cette )?)?(?:la )?semaine(?! (?:prochaine|a tous))", r"(?:d'ici|dans|ds) (?:a )?(?:la )?(?:vendredi soir|la semaine)(?! prochaine)", r"(?:by |before )?(?:the )?(?:end of |later |during )?(?:this week|the week|wk)(?! (?:of|commencing|beginning|after|before))", r"(?:by )?(?:the )?week'?s? end", r"(?:by )?eow"), periods.this_week),
    (_compile(r"(?:le |au )?(?P<day>\d{1,2}|premier)(?:er)? (?:du )?mois prochain"), single_days.day_of_next_month),
    (re.compile(r"(?<!\w)(?:the )?(?P<day>(?:\d{1,2}(?:st|nd|rd|th)?)|first) (?:of )?next month(?!\w)"), single_days.day_of_next_month),
    (re.compile(r"(?<!\w)(?:by |on |before )?(?:the )?(?P<day>\d{1,2}(?:st|nd|rd|th)) of the month(?!\w)"), single_days.ordinal_day),
    (_compile(r"(?:le |au )premier du mois(?! dernier| precedent)", r"(?:by |on |before )?(?:the )?first of the month"), single_days.first_of_month),
    (re.compile(rf"(?<!\w)(?:the )?{_DAY_EN} of (?:this|the current) month(?!\w)"), single_days.day_of_this_month),
    (_compile(_LEAD_FR + r"(?:fin (?:du |de )?|courant (?:du )?)?(?:le )?mois prochain", r"(?:by )?(?:the )?(?:end of |during |late |some ?time )?next month(?:'s end)?", r"fin (?:du )?mois suivant"), periods.end_of_next_month),
    (_compile(_LEAD_FR + r"(?:la )?fin (?:de |du |de ce |ce )?mois?(?! de| d'|ci prochain| prochain)", r"(?:by |before )?(?:the )?(?:end of (?:the |this )?month|month[- ]end|eom|end of mth|month's end|later this month|this month|(?:within|inside) the month)", r"before the month(?:'s| is) (?:out|over|up)", r"(?:d'ici|dans|courant|au cours) (?:la fin )?(?:du |de |ce |le )?(?:courant du )?(?:ce )?mois(?! de| d'| prochain)"), periods.end_of_this_month),
    (_compile(r"(?:la )?fin (?:du )?(?:trimestre|t(?P<a>[1-4])(?: (?P<year>20\d\d))?)"), periods.quarter),
    (_compile(rf"(?:(?:au |avant |d'ici )?(?:la )?(?:fin (?:du )?)?|(?:in |by )?(?:the )?(?:end of (?:the )?)?){_NTH} (?:trimestre|quarter){_YEAR}"), periods.quarter),
    (re.compile(r"(?<!\w)(?:by |before )?(?:the )?(?:end of (?:the )?(?:quarter|q(?P<a>[1-4]))|quarter[- ]end|(?:in |at |en |au )?[qt](?P<b>[1-4])(?= |$|[.,;)]))(?: (?P<year>20\d\d))?(?!\w)"), periods.quarter),
    (_compile(r"(?:(?:d'ici |avant |pour |a )?(?:la )?fin (?:de )?(?:l')?(?:annee|an)|(?:by |before )?(?:the )?(?:year[- ]end|end of (?:the |this )?(?:calendar )?year)|fin d'annee|d'ici la fin de l'annee)", r"(?:d'ici |avant |by )?(?:la |the )?(?:fin|end of) (?P<year>20\d\d)"), periods.end_of_year),
    (_compile(rf"(?:avant |pour |d'ici |by |before |after |apres )?(?:la )?(?:fin (?:du mois )?(?:de |d')?|end (?:of )?|the end of |late |late in |courant |au mois de |au mois d'|courant du mois de |en |in |during |sometime in |by |d'ici |dans le courant de |before |avant |pour ){_IN_MONTH}{_YEAR}(?! ?\d)"), periods.end_of_month),
    (_compile(rf"{_IN_MONTH}(?: month)?[- ]end"), periods.end_of_month),
    (_compile(rf"(?:avant |pour |d'ici |by |before |after |apres )(?:les fetes de )?(?P<feast>{_any(FIXED_FEASTS)})"), single_days.feast),
    (_compile(rf"(?:avant |pour |d'ici |by |before )(?:l'|la )?(?P<feast>{_any(EASTER_FEASTS)})"), single_days.easter_feast),
    (re.compile(rf"(?<!\w)(?:sous|dans(?: les| un delai de)?|ds|d'ici(?: a)?|d'ici les|au cours des|within(?: the next)?|in|in the next|over the next|inside|under|not more than) (?:maximum |environ |about |around |max |le delai de |delai de |the next |another |at most )?{_RANGE}(?:(?P<count>{_NUMBER}) ?)?(?:petits? |prochaine?s? |calendar |short |gros |bons? )?(?P<working>(?:working |business )?)(?P<unit>{_UNIT}|h|heures|hours|hrs|mois|months?)(?:'s? time|'| time)?(?: max(?:imum)?|(?P<ouvres> ouvr\w+)| from today| from now| au plus tard)?(?!\w)"), single_days.in_units),
    (re.compile(rf"(?<!\w){_RANGE}(?P<count>{_NUMBER}) (?P<working>(?:working |business )?)(?P<unit>days?|weeks?|fortnight|months?) (?:from (?:today|now)|today|hence|time)(?!\w)"), single_days.in_units),
    (re.compile(r"(?<!\w)(?:sous|d'ici(?: une)?|dans(?: la| une)?) (?P<count>)(?P<unit>huitaine|quinzaine|dizaine)(?: de jours)?(?!\w)"), single_days.in_units),
    (re.compile(r"(?<!\w)(?P<unit>j) ?\+ ?(?P<count>\d{1,3})(?!\w)"), single_days.in_units),
    (_compile(r"(?:demain(?: (?:matin|midi|soir|apres-midi|sans faute|matin premiere heure))?|tomorrow(?: (?:morning|afternoon|evening))?|tmrw|tmw|tomoz|2moro|dem1|2main|24 ?h(?:eures)?)"), single_days.tomorrow),
    (_compile(*TODAY_WORDS), single_days.today),
    (re.compile(rf"(?<!\w)(?:on |by |for |before |until |till |the |until the |by the |on the )+(?P<day>[12]?\d(?:st|nd|rd|th)|3[01](?:st|th)|1st)(?!\w| (?:{_NOT_A_DAY}))"), single_days.ordinal_day),
    (re.compile(r"(?<!\w)(?:le|au|du|pour le|avant le|d'ici le|d'ici au|vers le|que le) (?P<day>1er|[1-9]|[12]\d|3[01])(?!\w|[.,/:]\d|[/°h€£%]| ?(?:%|h|heures?|€|euros?|k|rue|bis|premiers?|x|fois|derniers?|trimestre|semestre|de chaque|du mois (?:dernier|precedent)|du site|et [a-z]+ x))"), single_days.ordinal_day),
    (re.compile(rf"(?<!\w)(?P<day>(?:[12]?\d)(?:st|nd|rd|th)|3[01](?:st|th))(?!\w| (?:{_NOT_A_DAY}|request))"), single_days.ordinal_day),
    (re.compile(rf"(?<!\w)(?P<weekday>{_any([w for w in WEEKDAYS if len(w) > 3 or w in ('fri', 'tue', 'thu')])})(?:'s)?(?!\w)"), single_days.weekday_bare),
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
    "month word": ("moi", "month", "mth", "eom"),
    "week word": ("sem", "week", "wk", "vendredi", "eow"),
    "weekend": ("week", " we", "wknd"),
    "half": ("quinzaine", "half"),
    "quarter word": ("trim", "quarter", "q1", "q2", "q3", "q4", "t1", "t2", "t3", "t4"),
    "feast": tuple(FIXED_FEASTS),
    "easter": tuple(EASTER_FEASTS),
    "tomorrow": ("demain", "morro", "tm", "tomoz", "2moro", "dem1", "2main", "24"),
}
"""Letters of which some must be in a text for a family to be worth trying."""
_HINTS: dict[Resolver, str] = {
    single_days.iso_day: "digit",
    single_days.numeric_day: "digit",
    single_days.named_day: "digit",
    periods.week_of: "digit",
    periods.week_number: "digit",
    single_days.day_of_next_month: "month word",
    single_days.first_of_month: "month word",
    single_days.day_in_letters: "month",
    single_days.day_of_this_month: "digit",
    single_days.ordinal_day: "digit",
    single_days.weekday_and_day: "digit",
    single_days.weekday_of_month: "weekday",
    single_days.weekday_shifted: "weekday",
    single_days.weekday_of_next_week: "weekday",
    single_days.weekday_next: "weekday",
    single_days.weekday_bare: "weekday",
    periods.end_of_month: "month",
    single_days.middle_of_month: "month",
    periods.half_of_month: "half",
    periods.end_of_next_month: "month word",
    periods.end_of_this_month: "month word",
    single_days.week_from: "week word",
    periods.next_week: "week word",
    periods.this_week: "week word",
    single_days.middle_of_week: "week word",
    periods.week_of_month: "week word",
    periods.weekend: "weekend",
    periods.quarter: "quarter word",
    single_days.feast: "feast",
    single_days.easter_feast: "easter",
    single_days.tomorrow: "tomorrow",
    single_days.after_tomorrow: "tomorrow",
}


def families_for(folded: str) -> Iterator[tuple[re.Pattern[str], Resolver]]:
    """The families worth trying on a folded text, in order."""
    absent = {hint for hint, words in _HINT_WORDS.items() if not any(word in folded for word in words)}
    return ((pattern, resolve) for pattern, resolve in _FAMILIES if _HINTS.get(resolve) not in absent)
