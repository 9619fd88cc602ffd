"""The fields of messages: what an id, a word, a day or an amount may be, at every route alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from features.ids import has_refused_character, normal_id
from features.ledger.schemas import FEED_NAMES
from features.messages import localized
from features.words import (
    INSTALMENT_KINDS,
    INTERACTION_CHANNELS,
    INTERACTION_KINDS,
    PAYMENT_METHODS,
    Word,
    folded_word,
    known_word,
    nearest_word,
    with_nearest,
)

FIRST_DAY: Final = dt.date(1990, 1, 1)
LAST_DAY: Final = dt.date(2150, 12, 31)
_NO_CONTROL: Final = r"^[^\u0000-\u001f\u007f]+$"
NO_NUL: Final = r"^[^\u0000]*$"


def _as_id(text: str) -> str:
    """An id in the form in which it is stored."""
    normal = normal_id(text)
    if not normal or has_refused_character(normal):
        raise ValueError(localized("an id holds something, and no control, direction or invisible character"))
    return normal


def _as_word(known: Mapping[str, Word]) -> Callable[[str], str]:
    """A validator: a word of a closed list in its own spelling; any other is refused with the nearest one."""

    def spelt(text: str) -> str:
        word = known_word(text, known)
        if word is None:
            fault = localized("{word!r} is not one of {known}", word=text, known=tuple(known))
            raise ValueError(with_nearest(fault, nearest_word(text, known)))
        return word

    return spelt


def _as_one_of(*known: str) -> Callable[[object], object]:
    """A validator before a `Literal`: its word in its own spelling; another text is refused with the nearest one."""

    def spelt(given: object) -> object:
        if not isinstance(given, str) or folded_word(given) in known:
            return folded_word(given) if isinstance(given, str) else given
        fault = localized("is not one of {known}", known=known)
        raise ValueError(with_nearest(fault, nearest_word(given, known)))

    return spelt


Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=_NO_CONTROL),
    AfterValidator(_as_id),
    Field(description="an id as the source system writes it; leading zeros count"),
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_CONTROL)]
Method = Annotated[Words, AfterValidator(_as_word(PAYMENT_METHODS))]
Kind = Annotated[Words, AfterValidator(_as_word(INTERACTION_KINDS))]
ContactBy = Annotated[Words, AfterValidator(_as_word(INTERACTION_CHANNELS))]
PartKind = Annotated[Words, AfterValidator(_as_word(INSTALMENT_KINDS))]
InvoiceKind = Annotated[
    Literal["invoice", "credit_note"], BeforeValidator(_as_one_of("invoice", "credit_note"))
]
Direction = Annotated[Literal["inbound", "outbound"], BeforeValidator(_as_one_of("inbound", "outbound"))]
FeedName = Annotated[Words, BeforeValidator(_as_one_of(*FEED_NAMES))]
Prose = Annotated[str, StringConstraints(max_length=200_000, pattern=NO_NUL)]
Day = Annotated[dt.date, Field(ge=FIRST_DAY, le=LAST_DAY)]
Instant = Annotated[
    AwareDatetime,
    Field(
        ge=dt.datetime(1990, 1, 1, tzinfo=dt.UTC),
        le=dt.datetime(2150, 12, 31, tzinfo=dt.UTC),
        description="an instant with its time zone",
    ),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217 code")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(description="ISO 3166 alpha-2 code")]
Amount = Annotated[
    Decimal,
    Field(gt=0, max_digits=15, decimal_places=2, description="gross amount in `currency`, above zero"),
]
SignedAmount = Annotated[
    Decimal, Field(max_digits=15, decimal_places=2, description="amount in the currency of the invoice")
]


class Message(BaseModel):
    """The rules of every message."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)
