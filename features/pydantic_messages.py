"""What pydantic and the JSON parser complain of, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from features.messages import Message, Text, localized, localized_plural

#: What a value should have been, by the type of pydantic's complaint; the values are those of its context.
_EXPECTED: Final[Mapping[str, Callable[[Mapping[str, Any]], Message]]] = {
    "greater_than_equal": lambda context: localized("{least} or more", least=context["ge"]),
    "greater_than": lambda context: localized("more than {bound}", bound=context["gt"]),
    "less_than_equal": lambda context: localized("at most {most}", most=context["le"]),
    "less_than": lambda context: localized("less than {bound}", bound=context["lt"]),
    "finite_number": lambda context: localized("a finite number"),
    "string_pattern_mismatch": lambda context: localized(
        "text of the form {pattern}", pattern=context["pattern"]
    ),
    "string_too_short": lambda context: (
        localized("a text that is not empty")
        if context["min_length"] <= 1
        else localized("a text of {count} characters at least", count=context["min_length"])
    ),
    "string_too_long": lambda context: localized_plural(
        "a text of {count} character at most",
        "a text of {count} characters at most",
        count=context["max_length"],
    ),
    "too_short": lambda context: localized_plural(
        "{count} item at least", "{count} items at least", count=context["min_length"]
    ),
    "too_long": lambda context: localized_plural(
        "{count} item at most", "{count} items at most", count=context["max_length"]
    ),
    "decimal_max_digits": lambda context: localized_plural(
        "{count} digit at most", "{count} digits at most", count=context["max_digits"]
    ),
    "decimal_whole_digits": lambda context: localized_plural(
        "{count} digit at most before the decimal point",
        "{count} digits at most before the decimal point",
        count=context["whole_digits"],
    ),
    "decimal_max_places": lambda context: localized_plural(
        "{count} decimal at most", "{count} decimals at most", count=context["decimal_places"]
    ),
    "literal_error": lambda context: localized("one of {words}", words=context["expected"]),
    "string_type": lambda context: localized("a text"),
    "bool_type": lambda context: localized("true or false"),
    "bool_parsing": lambda context: localized("true or false"),
    "int_type": lambda context: localized("a whole number"),
    "int_parsing": lambda context: localized("a whole number"),
    "int_from_float": lambda context: localized("a whole number"),
    "float_type": lambda context: localized("a number"),
    "float_parsing": lambda context: localized("a number"),
    "decimal_type": lambda context: localized("a number"),
    "decimal_parsing": lambda context: localized("a number"),
    "tuple_type": lambda context: localized("a list"),
    "list_type": lambda context: localized("a list"),
    "dict_type": lambda context: localized("keys and values"),
    "model_type": lambda context: localized("keys and values"),
    "dataclass_type": lambda context: localized("keys and values"),
}


def expected_value(detail: Any) -> Message:
    """What a value should have been.

    Args:
        detail: one entry of `ValidationError.errors()`; a rule without a sentence is given by its name.
    """
    known = _EXPECTED.get(detail["type"])
    if known is not None:
        return known(detail.get("ctx", {}))
    if str(detail["type"]).startswith(("datetime", "timezone")):
        return localized(
            "an instant with its time zone, such as {example}", example="2026-04-15T09:30:00+02:00"
        )
    if str(detail["type"]).startswith("date"):
        return localized("a day, such as 2026-04-15")
    return localized("a value of the right kind ({kind})", kind=detail["type"])


def complaint(detail: Any) -> Message:
    """What is wrong with a value: pydantic's own sentence in English, what it expected in French.

    Args:
        detail: one entry of `ValidationError.errors()`; the message of a validator of our own is returned as it is.
    """
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, ValueError) and error.args and isinstance(error.args[0], Message):
        return error.args[0]
    french = localized("expected {expected}", expected=expected_value(detail)).fr
    return _in_both(french, str(detail["msg"]).removeprefix("Value error, "))


#: What Python's JSON parser complains of.
_JSON: Final[Mapping[str, Message]] = {
    str(message): message
    for message in (
        localized("Expecting value"),
        localized("Expecting property name enclosed in double quotes"),
        localized("Expecting ':' delimiter"),
        localized("Expecting ',' delimiter"),
        localized("Extra data"),
        localized("Unterminated string starting at"),
        localized("Invalid control character at"),
        localized("Invalid \\uXXXX escape"),
    )
}


def json_complaint(reason: str) -> Message:
    """What is wrong with a text that is not JSON.

    Args:
        reason: the parser's own sentence, which the English one repeats.
    """
    known = _JSON.get(reason)
    return _in_both(localized("it cannot be read").fr if known is None else known.fr, reason)


def _in_both(french: str, english: str) -> Message:
    return localized("{complaint}", complaint=Text(french, english))
