"""The rules of every answer, and how texts, probabilities and amounts are written in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, PlainSerializer

Probability = Annotated[float, Field(ge=0, le=1, description="from 0 to 1")]
Money = Annotated[
    Decimal,
    PlainSerializer(str, return_type=str, when_used="json"),
    Field(description="decimal text with a point", examples=["1840.50"]),
]


def read_from(name: str, *path: str) -> AliasChoices:
    """Return where a field is read from: its own name in a stored answer, a path of attributes in a value.

    Args:
        name: of the field.
        path: of attributes, such as `label`, `fr`.
    """
    return AliasChoices(name, AliasPath(*path))


class Reply(BaseModel):
    """The rules of every answer; one is read from a stored answer or from the value it describes."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, from_attributes=True)
