"""Settlement episodes written by hand, in the form of `settlement_episodes`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from features.settlement import EPISODE_SCHEMA

Day = dt.date | None


def episodes(of: Mapping[str, Sequence[tuple[Day, ...]]], closed_by: str = "paid") -> pl.DataFrame:
    """Episodes by invoice: each (settled_on, settlement_known_on) or (..., reopened_on); none for a null known day."""
    rows: list[dict[str, Any]] = []
    for invoice_id, stories in of.items():
        begun = [story for story in stories if story[1] is not None]
        if not begun:
            rows.append({"invoice_id": invoice_id, "episode": 0})
        for number, (settled_on, known_on, *reopened) in enumerate(begun, 1):
            rows.append(
                {
                    "invoice_id": invoice_id,
                    "episode": number,
                    "settled_on": settled_on,
                    "settlement_known_on": known_on,
                    "reopened_on": reopened[0] if reopened else None,
                    "allocation_count": 1,
                    "closed_by": closed_by,
                }
            )
    return pl.DataFrame(rows, schema=EPISODE_SCHEMA)
