"""The rules every answer keeps, and how probabilities and amounts are written in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Probability = Annotated[float, Field(ge=0, le=1, description="from 0 to 1")]
Money = Annotated[
    Decimal,
    PlainSerializer(str, return_type=str, when_used="json"),
    Field(description="decimal text with a point", examples=["1840.50"]),
]


class Reply(BaseModel):
    """The rules every answer keeps."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)
