"""What pydantic expected of a value, as a message in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from features.messages import Message, localized, localized_plural

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
    "string_too_short": lambda context: localized("a text that is not empty"),
    "too_short": lambda context: localized_plural(
        "{count} item at least", "{count} items at least", count=context["min_length"]
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
    if str(detail["type"]).startswith("date"):
        return localized("a day, such as 2026-04-15")
    return localized("a value of the right kind ({kind})", kind=detail["type"])
