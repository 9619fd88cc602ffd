"""Numbers, money and dates as a French or an English reader writes them."""

from __future__ import annotations

from features.messages import Language, written_number

_NO_BREAK_SPACE = "\u00a0"
_WEEKDAYS = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_CURRENCY_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def number(value: float, language: Language, decimals: int = 0) -> str:
    """A number with the language's separators.

    >>> number(1234.5, "en", 1)
    '1,234.5'
    >>> number(-3.0, "fr")
    '-3'
    """
    text = written_number(value, language, f",.{decimals}f")
    return text.lstrip("-") if text.strip("-0.,") == "" else text


def percent(share: float, language: Language) -> str:
    """A share as a whole percentage."""
    whole = number(100.0 * share, language)
    return f"{whole}%" if language == "en" else f"{whole}{_NO_BREAK_SPACE}%"


def money(amount: float, language: Language, currency: str = "EUR") -> str:
    """An amount in whole units of its currency."""
    sign = _CURRENCY_SIGNS.get(currency)
    text = number(amount, language)
    if language == "fr":
        return f"{text}{_NO_BREAK_SPACE}{sign or currency}"
    return f"{sign}{text}" if sign else f"{currency}{_NO_BREAK_SPACE}{text}"


def days(value: float, language: Language) -> str:
    """A number of days, rounded to whole days; singular below 2 in French, for exactly 1 in English.

    >>> days(1.0, "en"), days(12.4, "fr"), days(0.0, "en")
    ('1 day', '12 jours', '0 days')
    """
    whole = round(value)
    text = number(whole, language)
    if language == "fr":
        return f"{text} jour{'s' if abs(whole) >= 2 else ''}"
    return f"{text} day{'' if abs(whole) == 1 else 's'}"


def counted(count: float, singular: str, plural: str, language: Language) -> str:
    """A count with its noun: French keeps the singular up to 1, English for exactly 1."""
    whole = round(count)
    is_one = abs(whole) < 2 if language == "fr" else abs(whole) == 1
    return f"{number(whole, language)} {singular if is_one else plural}"


def weekday(index: float, language: Language) -> str:
    """Name of a weekday, 0 for Monday."""
    return _WEEKDAYS[language][round(index) % 7]


def month(index: float, language: Language) -> str:
    """Name of a month, 1 for January."""
    return _MONTHS[language][(round(index) - 1) % 12]


def value_with_unit(value: float, unit: str, language: Language, currency: str = "EUR") -> str:
    """A feature's value in the words of its unit, as the catalogue names it."""
    match unit:
        case "days":
            return days(value, language)
        case "working days":
            worked = {"fr": ("jour ouvré", "jours ouvrés"), "en": ("working day", "working days")}
            return counted(value, *worked[language], language)
        case "share":
            return percent(value, language)
        case "EUR":
            return money(value, language, currency)
        case "count" | "day of month" | "score":
            decimals = 0 if float(value).is_integer() else 1
            return number(value, language, decimals)
        case "flag":
            return {"fr": ("non", "oui"), "en": ("no", "yes")}[language][int(value > 0.5)]
        case "weekday":
            return weekday(value, language)
        case "month":
            return month(value, language)
        case _:
            return number(value, language, 2)
